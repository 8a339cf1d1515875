//! sprig's reflection: kinds and types.

use super::{Function, Param, fixed};
use crate::any::Any;

const TARGET: &[Param] = &[Param::Str, Param::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("typeOf", &[Param::Any], |exec, mut args| {
        Ok(args.any().type_name(exec.profile()).into())
    }),
    fixed("typeIs", TARGET, |exec, mut args| {
        let target = args.str();
        Ok(Any::Bool(
            args.any().type_name(exec.profile()).as_bytes() == &*target,
        ))
    }),
    fixed("typeIsLike", TARGET, |exec, mut args| {
        let target = args.str();
        let name = args.any().type_name(exec.profile());
        let name = name.as_bytes();
        Ok(Any::Bool(
            name == &*target || name.strip_prefix(b"*") == Some(&target),
        ))
    }),
    fixed("kindOf", &[Param::Any], |_, mut args| {
        Ok(args.any().kind().into())
    }),
    fixed("kindIs", TARGET, |_, mut args| {
        let target = args.str();
        Ok(Any::Bool(args.any().kind().as_bytes() == &*target))
    }),
    fixed("deepEqual", &[Param::Any, Param::Any], |_, mut args| {
        let (a, b) = (args.any(), args.any());
        Ok(Any::Bool(a.deep_equal(&b)))
    }),
];
