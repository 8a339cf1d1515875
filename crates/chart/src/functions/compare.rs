//! Go's comparison and boolean functions.

use super::{Args, Function, Lazy, Param, fixed, variadic};
use crate::any::{Any, Object};
use crate::go::print;
use crate::profile::Profile;
use crate::template::exec::Exec;
use crate::template::failure::Fail;

const TWO: &[Param] = &[Param::Reflect, Param::Reflect];
/// One, and any number of others.
const ONE_AND_MORE: &[Param] = TWO;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        lazy: Lazy::And,
        ..variadic("and", ONE_AND_MORE, |_, mut args| Ok(args.any()))
    },
    Function {
        lazy: Lazy::Or,
        ..variadic("or", ONE_AND_MORE, |_, mut args| Ok(args.any()))
    },
    fixed("not", &[Param::Reflect], |_, mut args| {
        Ok(Any::Bool(!args.any().truth()))
    }),
    variadic("eq", ONE_AND_MORE, |exec, args| eq(exec, args)),
    fixed("ne", TWO, |exec, mut args| {
        let (a, b) = (args.any(), args.any());
        Ok(Any::Bool(!equal(&a, &b, exec.profile())?))
    }),
    fixed("lt", TWO, |exec, args| Ok(Any::Bool(two(exec, args, less)?))),
    fixed("le", TWO, |exec, args| {
        Ok(Any::Bool(two(exec, args, less_or_equal)?))
    }),
    fixed("gt", TWO, |exec, args| {
        Ok(Any::Bool(!two(exec, args, less_or_equal)?))
    }),
    fixed("ge", TWO, |exec, args| Ok(Any::Bool(!two(exec, args, less)?))),
];

type Comparison = fn(&Any, &Any, Profile) -> Result<bool, Fail>;

fn two(exec: &Exec<'_>, mut args: Args, compare: Comparison) -> Result<bool, Fail> {
    let (a, b) = (args.any(), args.any());
    compare(&a, &b, exec.profile())
}

fn eq(exec: &Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let first = args.any();
    if args.left() == 0 {
        return Err("missing argument for comparison".into());
    }
    for other in args.rest() {
        if equal(&first, &other, exec.profile())? {
            return Ok(Any::Bool(true));
        }
    }
    Ok(Any::Bool(false))
}

/// Go's basic kinds.
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Text(&'a [u8]),
    Other,
}

fn basic(value: &Any) -> Basic<'_> {
    match value {
        Any::Bool(it) => Basic::Bool(*it),
        Any::Int(it) | Any::Int64(it) => Basic::Int(*it),
        Any::Uint64(it) => Basic::Uint(*it),
        Any::Uint8(it) => Basic::Uint(u64::from(*it)),
        Any::Float(it) => Basic::Float(*it),
        Any::Str(it) => Basic::Text(it),
        Any::Object(it) => match **it {
            Object::Complex(real, imaginary) => Basic::Complex(real, imaginary),
            _ => Basic::Other,
        },
        Any::Nil | Any::Bytes(_) | Any::List(_) | Any::Map(_) => Basic::Other,
    }
}

fn equal(a: &Any, b: &Any, profile: Profile) -> Result<bool, Fail> {
    Ok(match (basic(a), basic(b)) {
        (Basic::Bool(a), Basic::Bool(b)) => a == b,
        (Basic::Int(a), Basic::Int(b)) => a == b,
        (Basic::Uint(a), Basic::Uint(b)) => a == b,
        (Basic::Int(a), Basic::Uint(b)) | (Basic::Uint(b), Basic::Int(a)) => u64::try_from(a) == Ok(b),
        (Basic::Float(a), Basic::Float(b)) => a == b,
        (Basic::Complex(a, b), Basic::Complex(c, d)) => (a, b) == (c, d),
        (Basic::Text(a), Basic::Text(b)) => a == b,
        (Basic::Other, Basic::Other) => return others_equal(a, b, profile),
        _ if a.is_nil() || b.is_nil() => false,
        _ => return Err(incompatible(a, b, profile)),
    })
}

fn incompatible(a: &Any, b: &Any, profile: Profile) -> Fail {
    let (a, b) = (a.type_name(profile), b.type_name(profile));
    format!("incompatible types for comparison: {a} and {b}").into()
}

fn others_equal(a: &Any, b: &Any, profile: Profile) -> Result<bool, Fail> {
    if !a.is_nil() && !b.is_nil() && a.kind() != b.kind() {
        let (a_text, b_text) = (shown(a, profile), shown(b, profile));
        let (a, b) = (a.type_name(profile), b.type_name(profile));
        return Err(format!("non-comparable types {a_text}: {a}, {b}: {b_text}").into());
    }
    let (a_nil, b_nil) = (go_nil(a), go_nil(b));
    if a_nil || b_nil {
        return Ok(a_nil == b_nil);
    }
    match (a, b) {
        (Any::Object(a), Any::Object(b)) => Ok(match (&**a, &**b) {
            (Object::Time(a), Object::Time(b)) => a == b,
            _ => a.is_same(b),
        }),
        _ => Err(format!(
            "non-comparable type {}: {}",
            shown(b, profile),
            b.type_name(profile)
        )
        .into()),
    }
}

fn go_nil(value: &Any) -> bool {
    match value {
        Any::Nil => true,
        Any::List(it) => it.is_nil(),
        Any::Map(it) => it.is_nil(),
        _ => false,
    }
}

/// As `%s`, which complains of what is no text.
fn shown(value: &Any, profile: Profile) -> String {
    let out = print::printf(b"%s", std::slice::from_ref(value), profile);
    String::from_utf8_lossy(&out).into_owned()
}

fn less(a: &Any, b: &Any, profile: Profile) -> Result<bool, Fail> {
    Ok(match (basic(a), basic(b)) {
        (Basic::Other, _) | (_, Basic::Other) | (Basic::Bool(_), Basic::Bool(_)) => {
            return Err("invalid type for comparison".into());
        }
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Int(a), Basic::Uint(b)) => u64::try_from(a).is_ok_and(|a| a < b) || a < 0,
        (Basic::Uint(a), Basic::Int(b)) => u64::try_from(b).is_ok_and(|b| a < b),
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::Text(a), Basic::Text(b)) => a < b,
        _ => return Err(incompatible(a, b, profile)),
    })
}

fn less_or_equal(a: &Any, b: &Any, profile: Profile) -> Result<bool, Fail> {
    Ok(less(a, b, profile)? || equal(a, b, profile)?)
}
