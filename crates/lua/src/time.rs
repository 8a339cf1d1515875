//! `os.time` and `os.date`, as Argo CD's scripts have them. The zone is UTC everywhere.

use mlua::{Lua, Table, Value};
use windlass_core::calendar::{self, DAYS, MONTHS};

const DAY_S: i64 = 86_400;
/// Farthest moment in seconds, so that no sum overflows.
const FAR_S: i64 = 1 << 40;

pub(crate) fn library(lua: &Lua, now_s: i64) -> mlua::Result<Table> {
    let os = lua.create_table()?;
    let time = lua.create_function(move |_, of: Option<Table>| Ok(of.map_or(now_s, |of| moment(&of))))?;
    os.set("time", time)?;
    let date = lua.create_function(move |lua, (form, at): (Option<String>, Option<f64>)| {
        let form = form.unwrap_or_else(|| "%c".to_owned());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "beyond every calendar it is cut off"
        )]
        let at = at.map_or(now_s, |at| at as i64).clamp(-FAR_S, FAR_S);
        let parts = Parts::of(at);
        let form = form.trim_start_matches('!');
        if form.starts_with("*t") {
            return parts.table(lua).map(Value::Table);
        }
        Ok(Value::String(lua.create_string(parts.written(form))?))
    })?;
    os.set("date", date)?;
    Ok(os)
}

/// Fields beyond their range count on, as in Go: the 32nd is the 1st of the next month.
fn moment(of: &Table) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "as Go converts")]
    let field = |name: &str, otherwise: i64| match of.raw_get::<Value>(name) {
        Ok(Value::Integer(number)) => number.clamp(-FAR_S, FAR_S),
        Ok(Value::Number(number)) => (number as i64).clamp(-FAR_S, FAR_S),
        _ => otherwise,
    };
    let month = field("month", -1) - 1;
    let year = (field("year", -1) + month.div_euclid(12)).clamp(-1_000_000, 1_000_000);
    let first = calendar::days(year, month.rem_euclid(12) + 1, 1);
    let days = first.saturating_add(field("day", -1) - 1);
    days.saturating_mul(DAY_S)
        .saturating_add(field("hour", 12) * 3_600)
        .saturating_add(field("min", 0) * 60)
        .saturating_add(field("sec", 0))
}

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// From Sunday.
    weekday: i64,
}

impl Parts {
    fn of(at_s: i64) -> Self {
        let (days, rest) = (at_s.div_euclid(DAY_S), at_s.rem_euclid(DAY_S));
        let (year, month, day) = calendar::date(days);
        Self {
            year,
            month,
            day,
            hour: rest / 3_600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: calendar::weekday(days),
        }
    }

    fn table(&self, lua: &Lua) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        table.set("year", self.year)?;
        table.set("month", self.month)?;
        table.set("day", self.day)?;
        table.set("hour", self.hour)?;
        table.set("min", self.minute)?;
        table.set("sec", self.second)?;
        table.set("wday", self.weekday + 1)?;
        table.set("yday", 0)?;
        table.set("isdst", false)?;
        Ok(table)
    }

    fn written(&self, form: &str) -> String {
        let mut out = String::new();
        let mut letters = form.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            match letters.next() {
                Some('%') => out.push('%'),
                Some(flag) => out.push_str(&self.flag(flag)),
                None => {}
            }
        }
        out
    }

    fn flag(&self, flag: char) -> String {
        let named = |names: &[&'static str], at: i64| {
            let at = usize::try_from(at).unwrap_or(0);
            names.get(at).copied().unwrap_or_default()
        };
        let (month, weekday) = (named(&MONTHS, self.month - 1), named(&DAYS, self.weekday));
        let short = |name: &str| name.get(..3).unwrap_or_default().to_owned();
        let hour = (self.hour + 11) % 12 + 1;
        let clock = format!("{:02}:{:02}", self.hour, self.minute);
        let afternoon = self.hour >= 12;
        match flag {
            'a' => short(weekday),
            'A' => weekday.to_owned(),
            'b' => short(month),
            'B' => month.to_owned(),
            'c' => format!(
                "{:02} {} {:02} {clock} UTC",
                self.day,
                short(month),
                self.year % 100
            ),
            'd' => format!("{:02}", self.day),
            'F' => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
            'H' => format!("{:02}", self.hour),
            'I' => format!("{hour:02}"),
            'm' => format!("{:02}", self.month),
            'M' => format!("{:02}", self.minute),
            'p' => if afternoon { "PM" } else { "AM" }.to_owned(),
            'P' => if afternoon { "pm" } else { "am" }.to_owned(),
            'S' => format!("{:02}", self.second),
            'x' => format!("{:02}/{:02}/{:02}", self.hour, self.minute, self.second),
            'X' => format!("{clock}:{:02}", self.second),
            'y' => format!("{:02}", self.year % 100),
            'Y' => format!("{:04}", self.year),
            'z' => "+0000".to_owned(),
            'Z' => "UTC".to_owned(),
            'w' => self.weekday.to_string(),
            other => format!("%{other}"),
        }
    }
}
