//! sprig's defaults: default, empty, coalesce, ternary, all, any.

use super::{Args, Function, Param, fixed, variadic};
use crate::any::Any;
use crate::template::failure::Fail;

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("default", &[Param::Any, Param::Any], |_, mut args| {
        let default = args.any();
        let given = args.rest().into_iter().next();
        Ok(given.filter(|it| !empty(it)).unwrap_or(default))
    }),
    fixed("empty", &[Param::Any], |_, mut args| {
        Ok(Any::Bool(empty(&args.any())))
    }),
    variadic("coalesce", &[Param::Any], |_, args| {
        Ok(args.rest().into_iter().find(|it| !empty(it)).unwrap_or_default())
    }),
    variadic("all", &[Param::Any], |_, args| {
        Ok(Any::Bool(args.rest().iter().all(|it| !empty(it))))
    }),
    variadic("any", &[Param::Any], |_, args| {
        Ok(Any::Bool(args.rest().iter().any(|it| !empty(it))))
    }),
    fixed(
        "ternary",
        &[Param::Any, Param::Any, Param::Bool],
        |_, mut args| {
            let (yes, no) = (args.any(), args.any());
            Ok(if args.bool() { yes } else { no })
        },
    ),
    fixed("deepCopy", &[Param::Any], |_, args| deep_copy(args)),
    fixed("mustDeepCopy", &[Param::Any], |_, args| deep_copy(args)),
];

fn deep_copy(mut args: Args) -> Result<Any, Fail> {
    match args.any() {
        Any::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => Ok(value.deep_copy()),
    }
}

/// sprig's `empty`: the zero of its type; structs never are.
pub(super) fn empty(value: &Any) -> bool {
    !value.truth()
}
