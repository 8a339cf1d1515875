//! sprig's dates. The clock is the setting's, and the local zone is UTC.

use super::{Args, Function, Param, fixed};
use crate::any::{Any, Object};
use crate::go::time::{self, Duration, Time};
use crate::template::exec::Exec;

const VALUE: &[Param] = &[Param::Any];
const FORMAT_AND_VALUE: &[Param] = &[Param::Str, Param::Any];
const FORMAT_VALUE_ZONE: &[Param] = &[Param::Str, Param::Any, Param::Str];
const CHANGE: &[Param] = &[Param::Str, Param::Time];
const TWO: &[Param] = &[Param::Str, Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("now", &[], |exec, _| Ok(object(now(exec)))),
    fixed("date", FORMAT_AND_VALUE, |exec, mut args| {
        Ok(format(exec, &args.str().text(), &args.any()))
    }),
    fixed("dateInZone", FORMAT_VALUE_ZONE, |exec, mut args| {
        Ok(in_zone(exec, &args.str().text(), &args.any(), &args.str().text()))
    }),
    fixed("date_in_zone", FORMAT_VALUE_ZONE, |exec, mut args| {
        Ok(in_zone(exec, &args.str().text(), &args.any(), &args.str().text()))
    }),
    fixed("htmlDate", VALUE, |exec, mut args| {
        Ok(format(exec, "2006-01-02", &args.any()))
    }),
    fixed("htmlDateInZone", &[Param::Any, Param::Str], |exec, mut args| {
        Ok(in_zone(exec, "2006-01-02", &args.any(), &args.str().text()))
    }),
    fixed("dateModify", CHANGE, |_, args| {
        Ok(modify(args).unwrap_or_else(|it| it.1))
    }),
    fixed("date_modify", CHANGE, |_, args| {
        Ok(modify(args).unwrap_or_else(|it| it.1))
    }),
    fixed("mustDateModify", CHANGE, |_, args| {
        modify(args).map_err(|it| it.0.into())
    }),
    fixed("must_date_modify", CHANGE, |_, args| {
        modify(args).map_err(|it| it.0.into())
    }),
    fixed("ago", VALUE, |exec, mut args| {
        let time = instant(exec, &args.any());
        Ok(now(exec).since(time).round_to_second().to_string().into())
    }),
    fixed("duration", VALUE, |_, mut args| {
        let seconds = match args.any() {
            Any::Str(it) => it.text().parse().unwrap_or(0),
            Any::Int64(it) => it,
            _ => 0,
        };
        Ok(Duration(i64::saturating_mul(seconds, 1_000_000_000))
            .to_string()
            .into())
    }),
    fixed("durationRound", VALUE, |exec, mut args| {
        let duration = match args.any() {
            Any::Str(it) => time::parse_duration(&it.text()).unwrap_or(Duration(0)),
            Any::Int64(it) => Duration(it),
            Any::Object(it) => match &*it {
                Object::Time(time) => now(exec).since(*time),
                _ => Duration(0),
            },
            _ => Duration(0),
        };
        Ok(rounded(duration).into())
    }),
    fixed("toDate", TWO, |_, mut args| {
        let (layout, text) = (args.str(), args.str());
        Ok(object(
            time::parse(&layout.text(), &text.text()).unwrap_or(Time::ZERO),
        ))
    }),
    fixed("mustToDate", TWO, |_, mut args| {
        let (layout, text) = (args.str(), args.str());
        Ok(object(time::parse(&layout.text(), &text.text())?))
    }),
    fixed("unixEpoch", &[Param::Time], |_, mut args| {
        Ok(of(&args.any()).seconds.to_string().into())
    }),
];

const NONE: &[Param] = &[];

pub(super) static METHODS: &[Function] = &[
    fixed("Format", &[Param::Str], |_, mut args| {
        let time = of(&args.any());
        Ok(time.format(&args.str().text()).into())
    }),
    fixed("String", NONE, |_, mut args| {
        Ok(of(&args.any()).to_string().into())
    }),
    fixed("Unix", NONE, |_, mut args| {
        Ok(Any::Int64(of(&args.any()).seconds))
    }),
    fixed("UnixNano", NONE, |_, mut args| {
        let time = of(&args.any());
        Ok(Any::Int64(
            time.seconds
                .wrapping_mul(1_000_000_000)
                .wrapping_add(i64::from(time.nanos)),
        ))
    }),
    fixed("UnixMilli", NONE, |_, mut args| {
        let time = of(&args.any());
        Ok(Any::Int64(
            time.seconds
                .wrapping_mul(1_000)
                .wrapping_add(i64::from(time.nanos / 1_000_000)),
        ))
    }),
    fixed("UTC", NONE, |_, mut args| Ok(object(of(&args.any()).utc()))),
    fixed("Local", NONE, |_, mut args| Ok(object(of(&args.any()).utc()))),
    fixed("Year", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().year))
    }),
    fixed("Month", NONE, |_, mut args| {
        Ok(of(&args.any()).format("January").into())
    }),
    fixed("Day", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().day.into()))
    }),
    fixed("Hour", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().hour.into()))
    }),
    fixed("Minute", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().minute.into()))
    }),
    fixed("Second", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().second.into()))
    }),
    fixed("Nanosecond", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).nanos.into()))
    }),
    fixed("YearDay", NONE, |_, mut args| {
        Ok(Any::Int(of(&args.any()).civil().year_day.into()))
    }),
    fixed("Weekday", NONE, |_, mut args| {
        Ok(of(&args.any()).format("Monday").into())
    }),
    fixed("AddDate", &[Param::Int, Param::Int, Param::Int], |_, mut args| {
        let time = of(&args.any());
        Ok(object(time.add_date(args.int(), args.int(), args.int())))
    }),
    fixed("IsZero", NONE, |_, mut args| {
        Ok(Any::Bool(of(&args.any()) == Time::ZERO))
    }),
];

fn object(time: Time) -> Any {
    Any::object(Object::Time(time))
}

fn of(value: &Any) -> Time {
    match value {
        Any::Object(it) => match &**it {
            Object::Time(time) => *time,
            _ => Time::ZERO,
        },
        _ => Time::ZERO,
    }
}

fn now(exec: &Exec<'_>) -> Time {
    Time::from_millis(exec.setting.now_ms)
}

/// sprig's idea of a time: numbers of a values file are floats, and therefore now.
fn instant(exec: &Exec<'_>, value: &Any) -> Time {
    match value {
        Any::Int(it) | Any::Int64(it) => Time::from_unix(*it),
        Any::Object(it) => match &**it {
            Object::Time(time) => *time,
            _ => now(exec),
        },
        _ => now(exec),
    }
}

fn format(exec: &Exec<'_>, layout: &str, value: &Any) -> Any {
    instant(exec, value).utc().format(layout).into()
}

fn in_zone(exec: &Exec<'_>, layout: &str, value: &Any, zone: &str) -> Any {
    instant(exec, value).in_zone(zone).format(layout).into()
}

fn modify(mut args: Args) -> Result<Any, (String, Any)> {
    let change = args.str();
    let time = args.any();
    match time::parse_duration(&change.text()) {
        Ok(duration) => Ok(object(of(&time).add(duration))),
        Err(message) => Err((message, time)),
    }
}

fn rounded(duration: Duration) -> String {
    const SECOND: u64 = 1_000_000_000;
    let size = duration.0.unsigned_abs();
    for (unit, name) in [
        (SECOND * 3600 * 24 * 365, "y"),
        (SECOND * 3600 * 24 * 30, "mo"),
        (SECOND * 3600 * 24, "d"),
        (SECOND * 3600, "h"),
        (SECOND * 60, "m"),
        (SECOND, "s"),
    ] {
        if size > unit {
            return format!("{}{name}", size / unit);
        }
    }
    "0s".to_owned()
}
