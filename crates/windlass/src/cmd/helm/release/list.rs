//! `windlass helm list`: the releases of a namespace, each by its last revision.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use windlass_chart::release::{Record, Status};

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, print as write};
use super::print::{self, Form};
use super::{OUTPUT, Session, number};

const OWN: &[Flag] = &[
    ("all", Some('a'), Takes::Switch),
    ("all-namespaces", Some('A'), Takes::Switch),
    ("date", Some('d'), Takes::Switch),
    ("deployed", None, Takes::Switch),
    ("failed", None, Takes::Switch),
    ("filter", Some('f'), Takes::Text),
    ("max", Some('m'), Takes::Text),
    ("no-headers", None, Takes::Switch),
    ("offset", None, Takes::Text),
    ("pending", None, Takes::Switch),
    ("reverse", Some('r'), Takes::Switch),
    ("selector", Some('l'), Takes::Text),
    ("short", Some('q'), Takes::Switch),
    ("superseded", None, Takes::Switch),
    ("uninstalled", None, Takes::Switch),
    ("uninstalling", None, Takes::Switch),
];
/// Releases of one answer, unless told otherwise.
const MAX: usize = 256;

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OUTPUT, OWN])?;
    if let Some(word) = flags.arguments.first() {
        return Err(Stop::Usage(format!(
            "\"helm list\" accepts no arguments, and got {word}"
        )));
    }
    let form = Form::of(&flags)?;
    let session = Session::open(&flags)?;
    let records = session.wait(session.records(flags.is_on("all-namespaces")))?;
    let shown = chosen(records, &flags)?;
    let text = if flags.is_on("short") {
        let names: Vec<&str> = shown.iter().map(|it| it.name.as_str()).collect();
        let lines = names.iter().flat_map(|it| [*it, "\n"]);
        form.text(&Json::from(names.clone()), || lines.collect())
    } else {
        let (document, table) = print::list(&shown, !flags.is_on("no-headers"));
        form.text(&document, || table)
    };
    write(text.as_bytes());
    Ok(())
}

/// What the flags ask for, in their order.
fn chosen(records: Vec<Record>, flags: &Flags) -> Result<Vec<Record>, Stop> {
    let statuses = statuses(flags);
    let mut chosen = if statuses == [Status::Superseded] {
        records
    } else {
        latest(records)
    };
    chosen.retain(|it| statuses.is_empty() || statuses.contains(&it.status));
    if let Some(wanted) = flags.one("filter").filter(|it| !it.is_empty()) {
        let matches = windlass_chart::matcher(wanted).map_err(|it| format!("--filter {wanted}: {it}"))?;
        chosen.retain(|it| matches(&it.name));
    }
    for term in flags
        .one("selector")
        .unwrap_or_default()
        .split(',')
        .filter(|it| !it.is_empty())
    {
        let (key, wanted, equal) = selector(term);
        chosen.retain(|it| (it.labels.get(key).map(String::as_str) == Some(wanted)) == equal);
    }
    let by_date = flags.is_on("date");
    chosen.sort_by(|a, b| {
        let date = |it: &Record| it.last_deployed.clone();
        let by = if by_date {
            date(a).cmp(&date(b))
        } else {
            std::cmp::Ordering::Equal
        };
        by.then_with(|| (&a.name, &a.namespace, a.revision).cmp(&(&b.name, &b.namespace, b.revision)))
    });
    if flags.is_on("reverse") {
        chosen.reverse();
    }
    let from = number(flags, "offset")?.unwrap_or(0);
    let max = number(flags, "max")?.unwrap_or(MAX);
    let max = if max == 0 { usize::MAX } else { max };
    Ok(chosen.into_iter().skip(from).take(max).collect())
}

fn selector(term: &str) -> (&str, &str, bool) {
    if let Some((key, value)) = term.split_once("!=") {
        return (key.trim(), value.trim(), false);
    }
    let (key, value) = term
        .split_once("==")
        .or_else(|| term.split_once('='))
        .unwrap_or((term, ""));
    (key.trim(), value.trim(), true)
}

fn statuses(flags: &Flags) -> Vec<Status> {
    if flags.is_on("all") {
        return Vec::new();
    }
    let all: [(&str, &[Status]); 6] = [
        ("deployed", &[Status::Deployed]),
        ("uninstalled", &[Status::Uninstalled]),
        ("uninstalling", &[Status::Uninstalling]),
        (
            "pending",
            &[
                Status::PendingInstall,
                Status::PendingRollback,
                Status::PendingUpgrade,
            ],
        ),
        ("failed", &[Status::Failed]),
        ("superseded", &[Status::Superseded]),
    ];
    let given = all.iter().filter(|it| flags.is_on(it.0));
    given.flat_map(|it| it.1.iter().copied()).collect()
}

fn latest(records: Vec<Record>) -> Vec<Record> {
    let mut latest: BTreeMap<(String, String), Record> = BTreeMap::new();
    for record in records {
        let key = (record.namespace.clone(), record.name.clone());
        if latest.get(&key).is_none_or(|it| it.revision <= record.revision) {
            latest.insert(key, record);
        }
    }
    latest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, revision: u32, status: Status) -> Record {
        Record {
            name: name.to_owned(),
            namespace: "n".to_owned(),
            revision,
            status,
            last_deployed: format!("2026-01-0{}T00:00:00Z", 9 - revision),
            labels: BTreeMap::from([("team".to_owned(), name.to_owned())]),
            ..Record::default()
        }
    }

    #[track_caller]
    fn check(words: &str, expected: &[(&str, u32)]) {
        let records = vec![
            record("shop", 1, Status::Superseded),
            record("shop", 2, Status::Deployed),
            record("cart", 1, Status::Failed),
            record("api", 3, Status::Uninstalled),
        ];
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let flags = Flags::read(&words, &[COMMON, OUTPUT, OWN]).unwrap();
        let chosen = chosen(records, &flags).unwrap();
        let chosen: Vec<(&str, u32)> = chosen.iter().map(|it| (it.name.as_str(), it.revision)).collect();
        assert_eq!(chosen, expected, "{words:?}");
    }

    #[test]
    fn releases_are_chosen_and_ordered_as_helm_does() {
        check("", &[("api", 3), ("cart", 1), ("shop", 2)]);
        check("--deployed --failed", &[("cart", 1), ("shop", 2)]);
        check("--superseded", &[("shop", 1)]);
        check("-r --max 1", &[("shop", 2)]);
        check("-d", &[("api", 3), ("shop", 2), ("cart", 1)]);
        check("--offset 1", &[("cart", 1), ("shop", 2)]);
        check("-f ^c", &[("cart", 1)]);
        check("-l team=shop", &[("shop", 2)]);
        check("-l team!=shop", &[("api", 3), ("cart", 1)]);
    }
}
