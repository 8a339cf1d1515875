//! Values of charts within charts.

use std::collections::BTreeMap;

use windlass_chart::values::{self, Nulls};
use windlass_chart::{Chart, Limits, Options, Profile, Value, expand, load_from_files};

use super::{Suite, argument, unknown};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(super) const COALESCE: Suite = Suite {
    name: "coalesce",
    folder: "pkg/chart/common/util",
    files: &["coalesce_test.go"],
    functions: &[
        "CoalesceValues",
        "MergeValues",
        "CoalesceTables",
        "MergeTables",
        "ttpl",
        "withDeps",
        "common.ReadValues",
    ],
    helpers: &["withDeps", "common.ReadValues", "CoalesceValues", "MergeValues"],
    prelude: "",
    only: "",
    methods: &[],
    call,
    method: super::no_method,
    explained: &[],
    left_out: &[
        (
            "TestCoalesceValuesWarnings",
            "warnings are no part of a render here",
        ),
        ("TestConcatPrefix", "a private function of Helm's warnings"),
    ],
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let (first, second) = (argument(arguments, 0), argument(arguments, 1));
    match name {
        "withDeps" => {
            add_dependencies(&first, &arguments[1..]);
            Ok(first)
        }
        "common.ReadValues" => {
            let read = values::read_file(first.as_text().as_bytes(), Profile::Helm3, &Limits::default());
            Ok(Val::or_error(read.map(|it| Val::of_value(&Value::Map(it)))))
        }
        "CoalesceValues" => Ok(coalesced(&first, &second, Nulls::Delete)),
        "MergeValues" => Ok(coalesced(&first, &second, Nulls::Keep)),
        "CoalesceTables" | "MergeTables" => {
            let nulls = if name == "MergeTables" {
                Nulls::Keep
            } else {
                Nulls::Delete
            };
            let merged = values::coalesce_tables(&first.to_value(), &second.to_value(), nulls);
            first.refill(&merged);
            Ok(first)
        }
        "ttpl" => {
            let mut data = second.to_value();
            let out = expand(&first.as_text(), &mut data, &Options::of_profile(Profile::Helm4));
            let out = out.map(|it| Val::Text(it.into())).map_err(|it| it.to_string());
            Ok(Val::or_error(out))
        }
        _ => unknown(name),
    }
}

pub(super) fn add_dependencies(chart: &Val, more: &[Val]) {
    let mut all = chart.field("(dependencies)").items();
    all.extend(more.iter().cloned());
    chart.set_field("(dependencies)", Val::list(all));
}

pub(super) fn coalesced(chart: &Val, user: &Val, nulls: Nulls) -> Val {
    let user = match user.to_value() {
        Value::Null => Value::empty_map(),
        value => value,
    };
    let result = load(chart).and_then(|chart| {
        let all = values::coalesced(&chart, &user, nulls, Profile::Helm4);
        all.map(|it| Val::of_value(&it)).map_err(|it| it.to_string())
    });
    Val::or_error(result)
}

/// A chart from the struct that a test made.
pub(super) fn load(chart: &Val) -> Result<Chart, String> {
    let mut files = BTreeMap::new();
    collect(chart, "", &mut files);
    load_from_files(files, &Limits::default()).map_err(|it| it.to_string())
}

/// The chart's files, those of the charts within it too. What the test leaves out and loading needs is added.
fn collect(chart: &Val, folder: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let metadata = chart.field("Metadata");
    let text = |name: &str, default: &str| match metadata.field(name) {
        Val::Text(it) => String::from_utf8_lossy(&it).into_owned(),
        _ => default.to_owned(),
    };
    let about = serde_json::json!({
        "name": text("Name", "chart"),
        "version": text("Version", "0.1.0"),
        "apiVersion": text("APIVersion", "v2"),
        "type": text("Type", ""),
    });
    files.insert(format!("{folder}Chart.yaml"), about.to_string().into_bytes());
    let defaults = chart.field("Values").to_value();
    if defaults != Value::Null {
        files.insert(
            format!("{folder}values.yaml"),
            defaults.to_json().to_string().into_bytes(),
        );
    }
    for list in ["Templates", "Files"] {
        for file in chart.field(list).items() {
            let data = match file.field("Data") {
                Val::Text(it) => it.to_vec(),
                _ => Vec::new(),
            };
            files.insert(format!("{folder}{}", file.field("Name").as_text()), data);
        }
    }
    for (at, inner) in chart.field("(dependencies)").items().iter().enumerate() {
        collect(inner, &format!("{folder}charts/c{at}/"), files);
    }
}
