//! What templates wrote, split into documents, hooks taken out, in the order of installation.

mod kind_order;
mod split;

use std::collections::BTreeMap;

use crate::any::{Any, Map, lossy};
use crate::limits::Limits;
use crate::profile::Profile;
use crate::render::{Hook, Manifest};
use crate::yaml;

pub use kind_order::{in_order_of_installation, in_order_of_removal};
pub use split::split;

/// Manifests and hooks of all files, which have a path and a text, in Helm's order of installation.
///
/// The error names the file that is no YAML.
pub fn sort(
    files: &[(String, Vec<u8>)],
    profile: Profile,
    limits: &Limits,
) -> Result<(Vec<Manifest>, Vec<Hook>), String> {
    let files = files.iter();
    let files = files.map(|(path, text)| documents(path.clone(), text, profile, limits));
    in_order(files.collect(), profile)
}

/// The documents of one file, or why it is no YAML.
pub(crate) struct Documents {
    path: String,
    found: Result<Vec<(Head, String)>, String>,
}

/// Reads what one template wrote.
pub(crate) fn documents(path: String, text: &[u8], profile: Profile, limits: &Limits) -> Documents {
    let name = path.rsplit('/').next().unwrap_or(&path);
    if name.starts_with('_') || crate::go::runes::trim_space(text).is_empty() {
        let found = Ok(Vec::new());
        return Documents { path, found };
    }
    let read = |document: &[u8]| {
        let head = Head::read(document, &path, limits)?;
        Ok((head, lossy(document).into_owned()))
    };
    let found = split(text, profile).into_iter().map(read).collect();
    Documents { path, found }
}

/// The documents of all files in the order of installation, hooks apart.
pub(crate) fn in_order(
    mut files: Vec<Documents>,
    profile: Profile,
) -> Result<(Vec<Manifest>, Vec<Hook>), String> {
    let mut manifests = Vec::new();
    let mut hooks = Vec::new();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for Documents { path, found } in files {
        for (head, text) in found? {
            match head.annotation("helm.sh/hook") {
                None => {
                    let path = path.clone();
                    manifests.push((head.kind, Manifest { path, text }));
                }
                Some(events) => hooks.extend(hook(&head, events, &path, text)),
            }
        }
    }
    manifests.sort_by(|a, b| kind_order::compare(&a.0, &b.0, profile));
    hooks.sort_by(|a, b| kind_order::compare(&a.kind, &b.kind, profile));
    Ok((manifests.into_iter().map(|it| it.1).collect(), hooks))
}

/// A hook; `None` when one of its events is unknown, which skips the document.
fn hook(head: &Head, events: &str, path: &str, text: String) -> Option<Hook> {
    let events: Option<Vec<String>> = events.split(',').map(event).collect();
    let words = |name: &str| -> Vec<String> {
        let annotation = head.annotation(name);
        annotation
            .iter()
            .flat_map(|it| it.split(','))
            .map(|it| it.trim().to_lowercase())
            .collect()
    };
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: path.to_owned(),
        text,
        events: events?,
        weight: head
            .annotation("helm.sh/hook-weight")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0),
        delete_policies: words("helm.sh/hook-delete-policy"),
    })
}

fn event(word: &str) -> Option<String> {
    const EVENTS: [&str; 9] = [
        "pre-install",
        "post-install",
        "pre-delete",
        "post-delete",
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
        "test",
    ];
    let word = word.trim().to_lowercase();
    let word = if word == "test-success" {
        "test".to_owned()
    } else {
        word
    };
    EVENTS.contains(&word.as_str()).then_some(word)
}

/// The part of a document that Helm reads.
struct Head {
    kind: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

impl Head {
    fn read(document: &[u8], path: &str, limits: &Limits) -> Result<Self, String> {
        let fail = |what: String| format!("YAML parse error on {path}: {what}");
        let value = yaml::read(document, limits)
            .map_err(|it| fail(format!("error converting YAML to JSON: {it}")))?;
        let json = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
        let map = match value {
            Any::Map(map) => map,
            Any::Nil => Map::empty(),
            other => {
                let got = json_kind(&other);
                return Err(fail(format!(
                    "{json} {got} into Go value of type releaseutil.SimpleHead"
                )));
            }
        };
        let text = |map: &Map, key: &str, field: &str| match map.get(key.as_bytes()) {
            None | Some(Any::Nil) => Ok(String::new()),
            Some(Any::Str(it)) => Ok(it.text().into_owned()),
            Some(Any::Float(it)) => Ok(crate::go::number::format_g32(it)),
            Some(Any::Bool(it)) => Ok(it.to_string()),
            Some(other) => {
                let got = json_kind(&other);
                Err(fail(format!(
                    "{json} {got} into Go struct field {field} of type string"
                )))
            }
        };
        text(&map, "apiVersion", "SimpleHead.apiVersion")?;
        let kind = text(&map, "kind", "SimpleHead.kind")?;
        let metadata = match map.get(b"metadata") {
            Some(Any::Map(map)) => map,
            None | Some(Any::Nil) => Map::empty(),
            Some(other) => {
                let got = json_kind(&other);
                let of = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";
                return Err(fail(format!(
                    "{json} {got} into Go struct field SimpleHead.metadata of type {of}"
                )));
            }
        };
        let name = text(&metadata, "name", "SimpleHead.metadata.name")?;
        let annotations = match metadata.get(b"annotations") {
            Some(Any::Map(map)) => map,
            None | Some(Any::Nil) => Map::empty(),
            Some(other) => {
                let got = json_kind(&other);
                let field = "SimpleHead.metadata.annotations";
                return Err(fail(format!(
                    "{json} {got} into Go struct field {field} of type map[string]string"
                )));
            }
        };
        let annotations = annotations.keys().into_iter().map(|key| {
            let value = text(&annotations, &key.text(), "SimpleHead.metadata.annotations")?;
            Ok((key.text().into_owned(), value))
        });
        let annotations = annotations.collect::<Result<_, String>>()?;
        Ok(Self {
            kind,
            name,
            annotations,
        })
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }
}

fn json_kind(value: &Any) -> &'static str {
    match value {
        Any::Map(_) => "object",
        Any::List(_) => "array",
        Any::Str(_) => "string",
        Any::Bool(_) => "bool",
        _ => "number",
    }
}
