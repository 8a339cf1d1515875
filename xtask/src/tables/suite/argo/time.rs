//! Go's `time`, as far as tests ask for it. It is always the same moment.

use windlass_core::calendar;

use super::super::argument;
use crate::tables::value::Val;

/// 2026-07-06 12:34:56 UTC, a Monday, in nanoseconds.
const NOW: i64 = 1_783_341_296 * SECOND;
pub(super) const SECOND: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

pub(super) const FUNCTIONS: [&str; 3] = ["time.Now", "time.Date", "time.FixedZone"];

/// A function of the package; `None` for another one.
pub(super) fn function(name: &str, arguments: &[Val]) -> Option<Val> {
    let number = |at: usize| argument(arguments, at).as_int();
    Some(match name {
        "time.Now" => made(NOW, 0),
        "time.FixedZone" => Val::object("time.Location", [("offset", argument(arguments, 1))]),
        "time.Date" => {
            let days = calendar::days(number(0), number(1), number(2));
            let seconds = days * DAY_S + number(3) * 3_600 + number(4) * 60 + number(5);
            let offset = offset(&argument(arguments, 7));
            made((seconds - offset) * SECOND + number(6), offset)
        }
        _ => return None,
    })
}

/// A method of a time; `None` for another one.
pub(super) fn method(of: &Val, name: &str, arguments: &[Val]) -> Option<Val> {
    let first = argument(arguments, 0);
    let offset_s = of.field("offset").as_int();
    let wall = of.field("ns").as_int().div_euclid(SECOND) + offset_s;
    let (year, month, day) = calendar::date(wall.div_euclid(DAY_S));
    let clock = wall.rem_euclid(DAY_S);
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    Some(match name {
        "Add" => made(of.field("ns").as_int() + first.as_int(), offset_s),
        "In" => made(of.field("ns").as_int(), offset(&first)),
        "UTC" => made(of.field("ns").as_int(), 0),
        "Year" => Val::Int(year),
        "Month" => Val::Int(month),
        "Day" => Val::Int(day),
        "Hour" => Val::Int(hour),
        "Minute" => Val::Int(minute),
        "Clock" => Val::Many(vec![Val::Int(hour), Val::Int(minute), Val::Int(second)]),
        // To the second, in whichever words.
        "Format" => Val::text(&format!("{year}-{month}-{day} {hour}:{minute}:{second}")),
        _ => return None,
    })
}

pub(super) fn made(ns: i64, offset: i64) -> Val {
    Val::object("time.Time", [("ns", Val::Int(ns)), ("offset", Val::Int(offset))])
}

pub(super) fn millis(of: &Val) -> i64 {
    of.field("ns").as_int().div_euclid(1_000_000)
}

/// Seconds east of Greenwich of a location; anything but a fixed zone is UTC here.
fn offset(location: &Val) -> i64 {
    match location.field("offset") {
        Val::Int(offset) => offset,
        _ => 0,
    }
}
