//! Helm's engine: charts and bare templates rendered, errors in its words, and the functions that Helm adds.

use std::collections::BTreeMap;
use std::rc::Rc;

use windlass_chart::values::Nulls;
use windlass_chart::{Capabilities, Options, Profile, ReleaseInfo, Value, expand, expand_set, render_files};

use super::coalesce::{add_dependencies, coalesced, load};
use super::{Suite, argument, unknown};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(super) const ENGINE: Suite = Suite {
    name: "engine",
    folder: "pkg/engine",
    files: &["engine_test.go"],
    functions: &["Render", "util.CoalesceValues", "funcMap"],
    helpers: &["util.CoalesceValues", "funcMap"],
    prelude: "",
    only: "",
    methods: &[
        ("Engine", "render"),
        ("Engine", "Render"),
        ("chart.Chart", "AddDependency"),
    ],
    call,
    method,
    explained: &[],
    left_out: &[
        (
            "TestSortTemplates",
            "a private function of Helm's engine; the order is tried by renders",
        ),
        ("TestAllTemplates", "a private function of Helm's engine"),
        ("TestRenderWithDNS", "names are never looked up in a render"),
        ("TestRenderWithClientProvider", "a render does not ask a cluster"),
        (
            "TestRenderWithClientProvider_error",
            "a render does not ask a cluster",
        ),
        ("TestParallelRenderInternals", "every render has its own state"),
        (
            "TestRenderTplMissingKeyString",
            "the engine's Strict, which no command of Helm turns on but lint",
        ),
        (
            "TestRenderCustomTemplateFuncs",
            "functions of Go programs that embed Helm",
        ),
        (
            "TestTraceableError_SimpleForm",
            "a private function of Helm's messages",
        ),
        (
            "TestTraceableError_ExecutingForm",
            "a private function of Helm's messages",
        ),
        (
            "TestTraceableError_NoTemplateForm",
            "a private function of Helm's messages",
        ),
    ],
};

pub(super) const FUNCTIONS: Suite = Suite {
    name: "engine functions",
    files: &["funcs_test.go"],
    functions: &["funcMap", "template.New", "template.Must"],
    helpers: &["funcMap", "template.New", "template.Must"],
    prelude: "",
    only: "",
    methods: &[("template.Template", "Execute")],
    explained: &[(
        "TestFuncs",
        "a map with keys that are no texts, which no chart can make",
    )],
    left_out: &[],
    ..ENGINE
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let (first, second) = (argument(arguments, 0), argument(arguments, 1));
    match name {
        "Render" => Ok(rendered(&first, &second, false)),
        "util.CoalesceValues" => Ok(coalesced(&first, &second, Nulls::Delete)),
        "funcMap" => Ok(function_map()),
        "template.New" => Ok(Val::object("template.Template", [])),
        "template.Must" => Ok(first),
        _ => unknown(name),
    }
}

fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    let (first, second) = (argument(arguments, 0), argument(arguments, 1));
    let lint = of.field("LintMode") == Val::Bool(true);
    match name {
        "Render" => Ok(rendered(&first, &second, lint)),
        "render" => Ok(set_rendered(&first, lint)),
        "AddDependency" => {
            add_dependencies(of, arguments);
            Ok(Val::Nil)
        }
        "Funcs" | "AsMap" => Ok(of.clone()),
        "Parse" => {
            of.set_field("text", first);
            Ok(of.clone())
        }
        "Execute" => Ok(executed(&of.field("text").as_text(), &first, &second)),
        _ => unknown(name),
    }
}

/// The names that templates may call, as far as a test asks for them.
fn function_map() -> Val {
    let names = [
        "include",
        "required",
        "tpl",
        "toYaml",
        "fromYaml",
        "toToml",
        "fromToml",
        "toJson",
        "fromJson",
        "lookup",
        "env",
        "expandenv",
    ];
    let known = |name: &&str| {
        let probe = format!("{{{{ if false }}}}{{{{ {name} }}}}{{{{ end }}}}");
        let result = expand(
            &probe,
            &mut Value::empty_map(),
            &Options::of_profile(Profile::Helm4),
        );
        !result.is_err_and(|it| it.to_string().contains("not defined"))
    };
    let entries = names.iter().filter(|it| known(it));
    Val::map(entries.map(|it| (Val::text(it), Val::Bool(true))).collect())
}

fn options(lint: bool) -> Options {
    Options {
        lint,
        ..Options::of_profile(Profile::Helm4)
    }
}

/// A chart with the values that a test gives as the whole context.
fn rendered(chart: &Val, context: &Val, lint: bool) -> Val {
    let given = |name: &str| context.get(&Val::text(name)).unwrap_or(Val::Nil);
    let values = match given("Values").to_value() {
        map @ Value::Map(_) => map,
        _ => Value::empty_map(),
    };
    let name = given("Release")
        .get(&Val::text("Name"))
        .map_or(String::new(), |it| it.as_text());
    let release = ReleaseInfo {
        name,
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    };
    if let Some(set) = outside_of_templates(chart, &values) {
        return files(expand_set(&set, &options(lint)).map_err(|it| it.to_string()));
    }
    let result = load(chart).and_then(|chart| {
        render_files(
            &chart,
            &values,
            &release,
            &Capabilities::default(),
            &options(lint),
        )
        .map_err(|it| it.to_string())
    });
    files(result)
}

/// Templates that a test names as if they were in a chart within; no file of a chart can be that.
fn outside_of_templates(chart: &Val, values: &Value) -> Option<BTreeMap<String, (String, Value)>> {
    let templates = chart.field("Templates").items();
    let path = |it: &Val| it.field("Name").as_text();
    if !templates.iter().any(|it| path(it).starts_with("charts/")) {
        return None;
    }
    let name = chart.field("Metadata").field("Name").as_text();
    let context = Value::Map([("Values".to_owned(), values.clone())].into());
    let entry = |it: &Val| {
        (
            format!("{name}/{}", path(it)),
            (it.field("Data").as_text(), context.clone()),
        )
    };
    Some(templates.iter().map(entry).collect())
}

fn files(result: Result<BTreeMap<String, String>, String>) -> Val {
    let files = result.map(|files| {
        Val::map(
            files
                .iter()
                .map(|it| (Val::text(it.0), Val::text(it.1)))
                .collect(),
        )
    });
    Val::or_error(files)
}

fn set_rendered(templates: &Val, lint: bool) -> Val {
    let entries = templates.entries();
    let set = entries.iter().map(|(name, template)| {
        let text = template.field("tpl").as_text();
        (name.as_text(), (text, template.field("vals").to_value()))
    });
    let set: BTreeMap<String, (String, Value)> = set.collect();
    files(expand_set(&set, &options(lint)).map_err(|it| it.to_string()))
}

fn executed(text: &str, into: &Val, data: &Val) -> Val {
    let (text, mut value) = match circle(data) {
        None => (text.to_owned(), data.to_value()),
        // Closed within the template: a tree of data has no circles.
        Some((key, rest)) => (format!("{{{{- $_ := set . {key:?} (list .) -}}}}{text}"), rest),
    };
    match expand(&text, &mut value, &options(false)) {
        Ok(out) => {
            into.set_field("text", Val::Text(out.into()));
            if circle(data).is_none() {
                data.refill(&value);
            }
            Val::Nil
        }
        Err(error) => Val::Error(error.to_string()),
    }
}

/// The key under which a map lists itself, and the map without it.
fn circle(data: &Val) -> Option<(String, Value)> {
    let Val::Map(held) = data else { return None };
    let entries = held.borrow();
    let is_own = |it: &Val| {
        it.items()
            .iter()
            .any(|item| matches!(item, Val::Map(it) if Rc::ptr_eq(it, held)))
    };
    let key = entries.iter().find(|it| is_own(&it.1))?.0.as_text();
    let rest = entries.iter().filter(|it| !is_own(&it.1));
    Some((
        key,
        Value::Map(rest.map(|it| (it.0.as_text(), it.1.to_value())).collect()),
    ))
}
