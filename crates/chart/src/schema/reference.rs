//! `$ref`: to a place in the same document, by pointer, anchor or identifier.

use serde_json::Value as Json;

/// The schema that `reference` names; `None` when it is in another document.
pub(super) fn resolve<'s>(root: &'s Json, reference: &str) -> Option<&'s Json> {
    let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let base = if document.is_empty() {
        root
    } else {
        by_id(root, document)?
    };
    if fragment.is_empty() {
        return Some(base);
    }
    if fragment.starts_with('/') {
        return base.pointer(&unescape(fragment));
    }
    by_anchor(base, fragment)
}

fn unescape(pointer: &str) -> String {
    pointer
        .replace("%25", "%")
        .replace("%22", "\"")
        .replace("%5E", "^")
        .replace("%24", "$")
}

fn by_id<'s>(schema: &'s Json, id: &str) -> Option<&'s Json> {
    search(schema, &|it| {
        ["$id", "id"].iter().any(|key| {
            it.get(*key)
                .and_then(Json::as_str)
                .is_some_and(|found| found.trim_end_matches('#') == id || found.ends_with(&format!("/{id}")))
        })
    })
}

fn by_anchor<'s>(schema: &'s Json, anchor: &str) -> Option<&'s Json> {
    search(schema, &|it| {
        let named = |key: &str| it.get(key).and_then(Json::as_str);
        named("$anchor") == Some(anchor)
            || named("$dynamicAnchor") == Some(anchor)
            || named("$id") == Some(&format!("#{anchor}"))
    })
}

fn search<'s>(schema: &'s Json, wanted: &dyn Fn(&Json) -> bool) -> Option<&'s Json> {
    match schema {
        Json::Object(map) if wanted(schema) => {
            let _ = map;
            Some(schema)
        }
        Json::Object(map) => map.values().find_map(|it| search(it, wanted)),
        Json::Array(items) => items.iter().find_map(|it| search(it, wanted)),
        _ => None,
    }
}
