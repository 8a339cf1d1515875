//! What Helm prints of releases: tables, status, JSON and YAML. It asks nobody.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use windlass_chart::Value;
use windlass_chart::release::{HookRecord, Record};

use super::super::Stop;
use super::super::flags::Flags;
use super::manifest::document;
use super::moment::Moment;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Json,
    Yaml,
}

impl Form {
    pub(super) fn of(flags: &Flags) -> Result<Self, Stop> {
        match flags.one("output") {
            None | Some("table") => Ok(Self::Table),
            Some("json") => Ok(Self::Json),
            Some("yaml") => Ok(Self::Yaml),
            Some(other) => Err(Stop::Usage(format!(
                "invalid argument \"{other}\" for \"-o, --output\" flag: invalid format type"
            ))),
        }
    }

    /// A document in this form, or what a table shows of it.
    pub(super) fn text(self, document: &Json, table: impl FnOnce() -> String) -> String {
        match self {
            Self::Table => table(),
            Self::Json => format!("{}\n", escaped(&document.to_string())),
            Self::Yaml => windlass_chart::yaml::to_text(&Value::from_json(document)),
        }
    }
}

/// Go escapes what HTML could take for its own.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// Columns as wide as their widest cell, with a tab after each.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let width = width(at);
            format!("{cell:<width$}")
        });
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("\t"));
    }
    out
}

/// How much of a release is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    pub(super) chart: bool,
    pub(super) notes: bool,
    pub(super) all: bool,
}

/// The state of a release as `status`, `install` and `upgrade` print it. `computed` are its values over the chart's.
pub(super) fn status(record: &Record, shown: Shown, computed: Option<&Value>) -> String {
    let mut out = format!("NAME: {}\n", record.name);
    if let Some(moment) = Moment::read(&record.last_deployed) {
        let _ = writeln!(out, "LAST DEPLOYED: {}", moment.ansi());
    }
    let _ = writeln!(out, "NAMESPACE: {}", record.namespace);
    let _ = writeln!(out, "STATUS: {}", record.status.name());
    let _ = writeln!(out, "REVISION: {}", record.revision);
    if shown.chart {
        let about = |name: &str| chart_text(record, name);
        let _ = writeln!(out, "CHART: {}", about("name"));
        let _ = writeln!(out, "VERSION: {}", about("version"));
        let _ = writeln!(out, "APP_VERSION: {}", about("appVersion"));
    }
    let _ = writeln!(out, "DESCRIPTION: {}", record.description);
    tests(record, &mut out);
    if shown.all {
        let values = Value::from_json(&config(record));
        let _ = writeln!(
            out,
            "USER-SUPPLIED VALUES:\n{}",
            windlass_chart::yaml::to_text(&values)
        );
        if let Some(computed) = computed {
            let _ = writeln!(
                out,
                "COMPUTED VALUES:\n{}",
                windlass_chart::yaml::to_text(computed)
            );
        }
    }
    if shown.all || record.description.eq_ignore_ascii_case("Dry run complete") {
        out.push_str("HOOKS:\n");
        out.push_str(&hooks(record));
        let _ = writeln!(out, "MANIFEST:\n{}", record.manifest);
    }
    if shown.notes && !record.notes.is_empty() {
        let _ = writeln!(out, "NOTES:\n{}", record.notes.trim());
    }
    out
}

/// The user's values; Helm has no map where there are none.
pub(super) fn config(record: &Record) -> Json {
    if record.config.is_empty() {
        return Json::Null;
    }
    Json::Object(record.config.clone().into_iter().collect())
}

/// All hooks under their templates.
pub(super) fn hooks(record: &Record) -> String {
    let hooks = record.hooks.iter().filter_map(|it| it.hook.as_ref());
    hooks.map(|it| document(&it.path, &it.text)).collect()
}

fn tests(record: &Record, out: &mut String) {
    let is_test = |it: &&HookRecord| {
        let events = it.hook.as_ref().map(|it| it.events.as_slice());
        events.unwrap_or_default().iter().any(|it| it == "test")
    };
    let tests: Vec<&HookRecord> = record.hooks.iter().filter(is_test).collect();
    if tests.is_empty() {
        out.push_str("TEST SUITE: None\n");
    }
    for test in tests {
        let (Some(hook), Some(began)) = (&test.hook, Moment::read(&test.started_at)) else {
            continue;
        };
        let ended = Moment::read(&test.completed_at)
            .map(|it| it.ansi())
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {ended}\nPhase:          {}",
            hook.name,
            began.ansi(),
            test.phase
        );
    }
}

fn chart_text<'r>(record: &'r Record, name: &str) -> &'r str {
    let found = record.chart.get("metadata").and_then(|it| it.get(name));
    found.and_then(Json::as_str).unwrap_or_default()
}

/// `shop-1.2.3`, and the version of what the chart installs.
fn chart_names(record: &Record) -> (String, String) {
    if record.chart.get("metadata").is_none_or(Json::is_null) {
        return ("MISSING".to_owned(), "MISSING".to_owned());
    }
    let about = |name: &str| chart_text(record, name);
    (
        format!("{}-{}", about("name"), about("version")),
        about("appVersion").to_owned(),
    )
}

/// The rows of `list`, and the same as a document.
pub(super) fn list(records: &[Record], headers: bool) -> (Json, String) {
    let mut rows = Vec::new();
    if headers {
        let titles = [
            "NAME",
            "NAMESPACE",
            "REVISION",
            "UPDATED",
            "STATUS",
            "CHART",
            "APP VERSION",
        ];
        rows.push(titles.map(str::to_owned).to_vec());
    }
    let mut documents = Vec::new();
    for record in records {
        let (chart, app) = chart_names(record);
        let updated = Moment::read(&record.last_deployed).map_or_else(|| "-".to_owned(), |it| it.go());
        let revision = record.revision.to_string();
        let status = record.status.name();
        documents.push(json!({
            "name": record.name, "namespace": record.namespace, "revision": revision, "updated": updated,
            "status": status, "chart": chart, "app_version": app,
        }));
        let (name, namespace) = (record.name.clone(), record.namespace.clone());
        rows.push(vec![
            name,
            namespace,
            revision,
            updated,
            status.to_owned(),
            chart,
            app,
        ]);
    }
    (documents.into(), table(&rows))
}

/// The rows of `history`, and the same as a document.
pub(super) fn history(records: &[Record]) -> (Json, String) {
    let titles = [
        "REVISION",
        "UPDATED",
        "STATUS",
        "CHART",
        "APP VERSION",
        "DESCRIPTION",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    let mut documents = Vec::new();
    for record in records {
        let (chart, app) = chart_names(record);
        let status = record.status.name();
        let mut document = json!({ "revision": record.revision });
        if !record.last_deployed.is_empty() {
            document["updated"] = record.last_deployed.clone().into();
        }
        document["status"] = status.into();
        document["chart"] = chart.clone().into();
        document["app_version"] = app.clone().into();
        document["description"] = record.description.clone().into();
        documents.push(document);
        let updated = Moment::read(&record.last_deployed)
            .map(|it| it.ansi())
            .unwrap_or_default();
        rows.push(vec![
            record.revision.to_string(),
            updated,
            status.to_owned(),
            chart,
            app,
            record.description.clone(),
        ]);
    }
    (documents.into(), table(&rows))
}

/// What `get metadata` says, as a document and as lines. `labels` are all of the Secret that holds the record.
pub(super) fn metadata(record: &Record, labels: &BTreeMap<String, String>) -> (Json, String) {
    let about = |name: &str| chart_text(record, name);
    let annotations = record
        .chart
        .pointer("/metadata/annotations")
        .cloned()
        .unwrap_or_default();
    let dependencies = record
        .chart
        .pointer("/metadata/dependencies")
        .cloned()
        .unwrap_or_default();
    let deployed = Moment::read(&record.last_deployed)
        .map(|it| it.seconds())
        .unwrap_or_default();
    let (name, chart, version, app) = (&record.name, about("name"), about("version"), about("appVersion"));
    let mut document = json!({ "name": name, "chart": chart, "version": version, "appVersion": app });
    if annotations.as_object().is_some_and(|it| !it.is_empty()) {
        document["annotations"] = annotations.clone();
    }
    if !labels.is_empty() {
        document["labels"] = json!(labels);
    }
    if dependencies.as_array().is_some_and(|it| !it.is_empty()) {
        document["dependencies"] = dependencies.clone();
    }
    document["namespace"] = record.namespace.clone().into();
    document["revision"] = record.revision.into();
    document["status"] = record.status.name().into();
    document["deployedAt"] = deployed.clone().into();
    if !record.apply_method.is_empty() {
        document["applyMethod"] = record.apply_method.clone().into();
    }
    let method = match record.apply_method.as_str() {
        "" => "client-side apply (defaulted)",
        "csa" => "client-side apply",
        "ssa" => "server-side apply",
        _ => "unknown",
    };
    let named = dependencies.as_array().into_iter().flatten();
    let mut named: Vec<&str> = named.filter_map(|it| it["name"].as_str()).collect();
    named.sort_unstable();
    let annotations = annotations.as_object().into_iter().flatten();
    let annotations: Vec<String> = annotations
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let labels: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let lines = format!(
        "NAME: {name}\nCHART: {chart}\nVERSION: {version}\nAPP_VERSION: {app}\nANNOTATIONS: {}\nLABELS: {}\nDEPENDENCIES: {}\nNAMESPACE: {}\nREVISION: {}\nSTATUS: {}\nDEPLOYED_AT: {deployed}\nAPPLY_METHOD: {method}\n",
        annotations.join(","),
        labels.join(","),
        named.join(","),
        record.namespace,
        record.revision,
        record.status.name(),
    );
    (document, lines)
}

/// A release as `-o json` and `-o yaml` show it, without its chart for `status`.
pub(super) fn release(record: &Record, chart: bool) -> Json {
    let mut document = windlass_chart::release::json(record);
    if let Some(map) = document.as_object_mut().filter(|_| !chart) {
        map.shift_remove("chart");
    }
    document
}

#[cfg(test)]
mod tests {
    use windlass_chart::release::Status;

    use super::*;

    fn record() -> Record {
        Record {
            name: "shop".to_owned(),
            namespace: "production".to_owned(),
            revision: 2,
            status: Status::Deployed,
            description: "Upgrade complete".to_owned(),
            first_deployed: "2026-01-01T15:04:05Z".to_owned(),
            last_deployed: "2026-01-02T15:04:05.5Z".to_owned(),
            notes: "Visit <it>.\n".to_owned(),
            chart: json!({ "metadata": { "name": "shop", "version": "1.2.3", "appVersion": "4" } }),
            apply_method: "ssa".to_owned(),
            ..Record::default()
        }
    }

    #[test]
    fn a_status_is_what_helm_prints() {
        let shown = Shown {
            notes: true,
            ..Shown::default()
        };
        assert_eq!(
            status(&record(), shown, None),
            "NAME: shop\nLAST DEPLOYED: Fri Jan  2 15:04:05 2026\nNAMESPACE: production\nSTATUS: deployed\nREVISION: 2\nDESCRIPTION: Upgrade complete\nTEST SUITE: None\nNOTES:\nVisit <it>.\n"
        );
    }

    #[test]
    fn lists_are_tables_with_tabs_and_documents() {
        let (document, table) = list(&[record()], true);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[0],
            "NAME\tNAMESPACE \tREVISION\tUPDATED                        \tSTATUS  \tCHART     \tAPP VERSION"
        );
        assert_eq!(
            lines[1],
            "shop\tproduction\t2       \t2026-01-02 15:04:05.5 +0000 UTC\tdeployed\tshop-1.2.3\t4          "
        );
        assert_eq!(document[0]["revision"], "2");
        let (document, table) = history(&[record()]);
        assert!(
            table.lines().nth(1).unwrap().starts_with(
                "2       \tFri Jan  2 15:04:05 2026\tdeployed\tshop-1.2.3\t4          \tUpgrade complete"
            ),
            "{table}"
        );
        assert_eq!(document[0]["updated"], "2026-01-02T15:04:05.5Z");
    }

    #[test]
    fn json_is_escaped_as_go_escapes_it() {
        let text = Form::Json.text(&release(&record(), false), String::new);
        assert!(
            text.contains("Visit \\u003cit\\u003e.") && !text.contains("\"chart\""),
            "{text}"
        );
    }

    #[test]
    fn metadata_names_the_method() {
        let (document, lines) = metadata(&record(), &BTreeMap::new());
        assert!(
            lines.ends_with("DEPLOYED_AT: 2026-01-02T15:04:05Z\nAPPLY_METHOD: server-side apply\n"),
            "{lines}"
        );
        assert_eq!(document["applyMethod"], "ssa");
    }
}
