//! The order in which Helm installs and removes, and what it takes for a hook.

use windlass_chart::{Limits, Profile, Value, manifest, yaml};

use super::{Suite, argument, unknown};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(super) const KINDS: Suite = Suite {
    name: "sorter of kinds",
    folder: "pkg/release/v1/util",
    files: &["kind_sorter_test.go"],
    functions: &[
        "sortManifestsByKind",
        "sortHooksByKind",
        "SortManifests",
        "SplitManifests",
        "yaml.Unmarshal",
    ],
    helpers: &["SplitManifests", "yaml.Unmarshal"],
    prelude: "",
    only: "",
    methods: &[],
    call,
    method: super::no_method,
    explained: &[],
    left_out: &[],
};

pub(super) const MANIFESTS: Suite = Suite {
    name: "sorter of manifests",
    files: &["manifest_sorter_test.go"],
    ..KINDS
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let (first, second) = (argument(arguments, 0), argument(arguments, 1));
    match name {
        "sortManifestsByKind" => Ok(by_kind(&first, &second, |it| {
            it.field("Head").field("Kind").as_text()
        })),
        "sortHooksByKind" => Ok(by_kind(&first, &second, |it| it.field("Kind").as_text())),
        "SortManifests" => Ok(sorted(&first)),
        "SplitManifests" => {
            let text = first.as_text();
            let parts = manifest::split(text.as_bytes(), Profile::Helm4);
            Ok(Val::list(
                parts.iter().map(|it| Val::Text((*it).into())).collect(),
            ))
        }
        "yaml.Unmarshal" => Ok(head(&first.as_text(), &second)),
        _ => unknown(name),
    }
}

fn by_kind(items: &Val, order: &Val, kind: fn(&Val) -> String) -> Val {
    let mut items = items.items();
    if *order == Val::Foreign("UninstallOrder".to_owned()) {
        manifest::in_order_of_removal(&mut items, kind, Profile::Helm4);
    } else {
        manifest::in_order_of_installation(&mut items, kind, Profile::Helm4);
    }
    Val::list(items)
}

fn sorted(files: &Val) -> Val {
    let entries = files.entries();
    let files: Vec<(String, Vec<u8>)> = entries
        .iter()
        .map(|it| (it.0.as_text(), it.1.as_text().into_bytes()))
        .collect();
    let (manifests, hooks) = match manifest::sort(&files, Profile::Helm4, &Limits::default()) {
        Ok(found) => found,
        Err(message) => return Val::Many(vec![Val::Nil, Val::Nil, Val::Error(message)]),
    };
    let hooks = hooks.iter().map(|it| {
        let events = it.events.iter().map(|it| Val::text(it)).collect();
        Val::object(
            "release.Hook",
            [
                ("Name", Val::text(&it.name)),
                ("Kind", Val::text(&it.kind)),
                ("Path", Val::text(&it.path)),
                ("Events", Val::list(events)),
            ],
        )
    });
    let manifests = manifests
        .iter()
        .map(|it| Val::object("Manifest", [("Content", Val::text(&it.text))]));
    Val::Many(vec![
        Val::list(hooks.collect()),
        Val::list(manifests.collect()),
        Val::Nil,
    ])
}

/// Kind and name of a document into the struct that the test gives.
fn head(text: &str, into: &Val) -> Val {
    let Ok(documents) = yaml::parse(text) else {
        return Val::Error("no YAML".to_owned());
    };
    let Some(Value::Map(map)) = documents.first() else {
        return Val::Error("no map".to_owned());
    };
    let json = Value::Map(map.clone()).to_json();
    let part = |path: &str| {
        json.pointer(path)
            .and_then(|it| it.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    into.set_field("Kind", Val::text(&part("/kind")));
    into.set_field(
        "Metadata",
        Val::object("", [("Name", Val::text(&part("/metadata/name")))]),
    );
    Val::Nil
}
