//! What Helm reads of a document: its kind, its name and its annotations. A document that is no YAML has none.

use std::collections::BTreeMap;

use super::outline;
use crate::any::{Any, Map};
use crate::limits::Limits;
use crate::profile::Profile;
use crate::yaml;

/// The part of a document that Helm reads.
pub(super) struct Head {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Head {
    /// Most documents are simple enough to be read by their lines; the others are read as the YAML that they are.
    pub(super) fn read(
        document: &[u8],
        path: &str,
        profile: Profile,
        limits: &Limits,
    ) -> Result<Self, String> {
        match outline::head(document, limits) {
            Some(head) => Ok(head),
            None => Self::read_all(document, path, profile, limits),
        }
    }

    pub(super) fn read_all(
        document: &[u8],
        path: &str,
        profile: Profile,
        limits: &Limits,
    ) -> Result<Self, String> {
        let fail = |what: String| format!("YAML parse error on {path}: {what}");
        let value = yaml::read(document, limits)
            .map_err(|it| fail(format!("error converting YAML to JSON: {it}")))?;
        let json = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
        let map = match value {
            Any::Map(map) => map,
            Any::Nil => Map::empty(),
            other => {
                let got = json_kind(&other);
                let package = match profile {
                    Profile::Helm3 => "releaseutil",
                    Profile::Helm4 => "util",
                };
                return Err(fail(format!(
                    "{json} {got} into Go value of type {package}.SimpleHead"
                )));
            }
        };
        let text = |map: &Map, key: &str, field: &str| match map.get(key.as_bytes()) {
            None => Ok(String::new()),
            Some(it) if scalar(&it).is_some() => Ok(scalar(&it).unwrap_or_default()),
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

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }
}

/// The text that a scalar is in a field of texts.
pub(crate) fn scalar(value: &Any) -> Option<String> {
    match value {
        Any::Nil => Some(String::new()),
        Any::Str(it) => Some(it.text().into_owned()),
        Any::Float(it) => Some(crate::go::number::format_g32(*it)),
        Any::Bool(it) => Some(it.to_string()),
        _ => None,
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
