//! sprig's arithmetic, and the conversions of the library cast that it rests on.

mod decimal;

use self::decimal::Decimal;
use super::{Args, Function, Param, fixed, variadic};
use crate::any::{Any, Elem, List};
use crate::go::{number, print};
use crate::template::exec::Exec;
use crate::template::failure::{Fail, Failure};

const ONE: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("int", ONE, |_, mut args| Ok(Any::Int(to_int64(&args.any())))),
    fixed("int64", ONE, |_, mut args| Ok(Any::Int64(to_int64(&args.any())))),
    fixed("float64", ONE, |_, mut args| {
        Ok(Any::Float(to_float64(&args.any())))
    }),
    fixed("atoi", &[Param::Str], |_, mut args| {
        Ok(Any::Int(atoi(&args.str().text())))
    }),
    fixed("toDecimal", ONE, |exec, mut args| {
        let text = print::strval(&args.any(), exec.profile());
        Ok(Any::Int64(i64::from_str_radix(&text.text(), 8).unwrap_or(0)))
    }),
    fixed("add1", ONE, |_, mut args| {
        Ok(Any::Int64(to_int64(&args.any()).wrapping_add(1)))
    }),
    variadic("add", ONE, |_, args| {
        Ok(Any::Int64(
            args.rest()
                .iter()
                .fold(0, |sum, it| sum.wrapping_add(to_int64(it))),
        ))
    }),
    fixed("sub", TWO, |_, mut args| {
        let (a, b) = (args.any(), args.any());
        Ok(Any::Int64(to_int64(&a).wrapping_sub(to_int64(&b))))
    }),
    fixed("div", TWO, |_, args| divide(args, i64::wrapping_div)),
    fixed("mod", TWO, |_, args| divide(args, i64::wrapping_rem)),
    variadic("mul", TWO, |_, args| {
        Ok(Any::Int64(
            args.rest()
                .iter()
                .fold(1, |product, it| product.wrapping_mul(to_int64(it))),
        ))
    }),
    variadic("max", TWO, |_, args| {
        Ok(Any::Int64(args.rest().iter().map(to_int64).max().unwrap_or(0)))
    }),
    variadic("biggest", TWO, |_, args| {
        Ok(Any::Int64(args.rest().iter().map(to_int64).max().unwrap_or(0)))
    }),
    variadic("min", TWO, |_, args| {
        Ok(Any::Int64(args.rest().iter().map(to_int64).min().unwrap_or(0)))
    }),
    variadic("maxf", TWO, |_, args| Ok(Any::Float(fold(args, f64::max)))),
    variadic("minf", TWO, |_, args| Ok(Any::Float(fold(args, f64::min)))),
    fixed("add1f", ONE, |_, mut args| {
        Ok(Any::Float(decimal(&[args.any(), Any::Int(1)], Decimal::plus)))
    }),
    variadic("addf", ONE, |_, args| {
        Ok(Any::Float(decimal(&args.rest(), Decimal::plus)))
    }),
    variadic("subf", TWO, |_, args| {
        Ok(Any::Float(decimal(&args.rest(), Decimal::minus)))
    }),
    variadic("mulf", TWO, |_, args| {
        Ok(Any::Float(decimal(&args.rest(), Decimal::times)))
    }),
    variadic("divf", TWO, |_, args| {
        let values = args.rest();
        if values.iter().skip(1).any(|it| to_float64(it) == 0.0) {
            return Err("decimal division by 0".into());
        }
        Ok(Any::Float(decimal(&values, Decimal::over)))
    }),
    fixed("ceil", ONE, |_, mut args| {
        Ok(Any::Float(to_float64(&args.any()).ceil()))
    }),
    fixed("floor", ONE, |_, mut args| {
        Ok(Any::Float(to_float64(&args.any()).floor()))
    }),
    variadic("round", &[Param::Any, Param::Int, Param::Float], |_, args| {
        Ok(round(args))
    }),
    fixed("until", &[Param::Int], |exec, mut args| {
        let count = args.int();
        Ok(ints(steps(exec, 0, count, if count < 0 { -1 } else { 1 })?))
    }),
    fixed(
        "untilStep",
        &[Param::Int, Param::Int, Param::Int],
        |exec, mut args| {
            let (start, stop, step) = (args.int(), args.int(), args.int());
            Ok(ints(steps(exec, start, stop, step)?))
        },
    ),
    variadic("seq", &[Param::Int], seq),
];

/// What is too great for a number is the greatest one, or the least.
fn atoi(text: &str) -> i64 {
    text.parse::<i64>().unwrap_or_else(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow => i64::MAX,
        std::num::IntErrorKind::NegOverflow => i64::MIN,
        _ => 0,
    })
}

/// `cast.ToInt64`: what cannot be converted is 0.
pub(super) fn to_int64(value: &Any) -> i64 {
    match value {
        Any::Bool(it) => i64::from(*it),
        Any::Int(it) | Any::Int64(it) => *it,
        #[expect(clippy::cast_possible_wrap, reason = "Go converts the same way")]
        Any::Uint64(it) => *it as i64,
        Any::Uint8(it) => i64::from(*it),
        Any::Float(it) => float_to_int(*it),
        Any::Str(it) => number::parse_int(without_zero_fraction(&it.text())).unwrap_or(0),
        Any::Nil | Any::Bytes(_) | Any::List(_) | Any::Map(_) | Any::Object(_) => 0,
    }
}

/// Go's conversion on amd64: out of range gives the smallest integer.
fn float_to_int(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.is_nan() || !(-LIMIT..LIMIT).contains(&value) {
        return i64::MIN;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within range")]
    let truncated = value as i64;
    truncated
}

/// cast drops a fraction of zeros only: `5.00` is 5, `5.5` is no integer.
fn without_zero_fraction(text: &str) -> &str {
    match text.rfind('.') {
        Some(at) if at + 1 < text.len() && text[at + 1..].bytes().all(|it| it == b'0') => &text[..at],
        _ => text,
    }
}

/// `cast.ToFloat64`.
pub(super) fn to_float64(value: &Any) -> f64 {
    match value {
        Any::Float(it) => *it,
        Any::Str(it) => number::parse_float(&it.text()).unwrap_or(0.0),
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        _ => to_int64(value) as f64,
    }
}

fn divide(mut args: Args, operation: fn(i64, i64) -> i64) -> Result<Any, Fail> {
    let (a, b) = (to_int64(&args.any()), to_int64(&args.any()));
    if b == 0 {
        return Err("runtime error: integer divide by zero".into());
    }
    Ok(Any::Int64(operation(a, b)))
}

fn fold(args: Args, operation: fn(f64, f64) -> f64) -> f64 {
    args.rest()
        .iter()
        .map(to_float64)
        .reduce(operation)
        .unwrap_or(0.0)
}

fn decimal(values: &[Any], operation: fn(&Decimal, &Decimal) -> Decimal) -> f64 {
    let numbers = values.iter().map(|it| Decimal::new(to_float64(it)));
    let result = numbers.reduce(|a, b| operation(&a, &b));
    result.map_or(0.0, |it| it.to_float())
}

fn round(mut args: Args) -> Any {
    let value = to_float64(&args.any());
    let places = args.int();
    let round_on = if args.left() > 0 { args.float() } else { 0.5 };
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(0));
    let digit = power * value;
    let rounded = if digit.fract() >= round_on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Any::Float(rounded / power)
}

fn ints(values: Vec<i64>) -> Any {
    Any::List(List::typed(Elem::Int, values.into_iter().map(Any::Int).collect()))
}

fn steps(exec: &Exec<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fail> {
    if step == 0 || (stop < start) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    let limit = exec.setting.limits.list_items_max;
    if count > limit {
        return Err(Failure::limit(format!(
            "a list of {count} numbers is asked for, {limit} are allowed"
        )));
    }
    let mut values = Vec::new();
    let mut at = start;
    for _ in 0..count {
        values.push(at);
        at = at.saturating_add(step);
    }
    Ok(values)
}

fn seq(exec: &mut Exec<'_>, args: Args) -> Result<Any, Fail> {
    let params: Vec<i64> = args.rest().iter().map(to_int64).collect();
    let values = match params[..] {
        [end] => {
            let increment = if end < 1 { -1 } else { 1 };
            steps(exec, 1, end.saturating_add(increment), increment)?
        }
        [start, end] => {
            let step = if end < start { -1 } else { 1 };
            steps(exec, start, end.saturating_add(step), step)?
        }
        [start, step, end] => {
            let increment = if end < start { -1 } else { 1 };
            if end < start && step > 0 {
                return Ok(Any::str(""));
            }
            steps(exec, start, end.saturating_add(increment), step)?
        }
        _ => return Ok(Any::str("")),
    };
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    Ok(texts.join(" ").into())
}
