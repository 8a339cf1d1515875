//! One Kubernetes object as it is in the manifest, and typed views of the parts that decisions need.
//!
//! The untyped value stays whole: what no view knows is still applied. It does not know where an object came from
//! or whether anything runs it.

mod claim;
mod container;
mod data;
mod hook;
mod probe;
mod scope;
mod service;
#[cfg(test)]
mod tests;
mod volume;
mod workload;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use claim::Claim;
pub use container::{Container, Env, EnvFrom, EnvFromSource, EnvValue, KeySource, Mount, Port, Resources};
pub use data::{ConfigMap, Secret};
pub use hook::{DeletePolicy, Hook, HookPhase, Initial};
pub use probe::{Check, Probe};
pub use scope::is_cluster_scoped;
pub use service::{PortName, Service, ServicePort};
pub use volume::{Volume, VolumeItem, VolumeSource};
pub use workload::{Pod, Workload, WorkloadKind};

use crate::digest::Digest;
use crate::reference::Reference;

/// A Kubernetes object. It always has `apiVersion`, `kind` and `metadata.name`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Object {
    value: Value,
}

/// The value is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Not a map at all.
    #[error(
        "the manifest is {found}, not a map of fields\nhint: a Kubernetes object starts with `apiVersion:` and `kind:`"
    )]
    NotMap {
        /// What was there.
        found: &'static str,
    },
    /// A field that every object has is missing, empty or not text.
    #[error(
        "{object} has no `{field}`\nhint: every Kubernetes object needs `apiVersion`, `kind` and `metadata.name` as text"
    )]
    Missing {
        /// As much of the object's name as is known.
        object: String,
        /// Dotted path of the field.
        field: &'static str,
    },
}

impl Object {
    /// Takes a parsed manifest.
    pub fn new(value: Value) -> Result<Self, ObjectError> {
        if !value.is_object() {
            return Err(ObjectError::NotMap {
                found: kind_of(&value),
            });
        }
        for (pointer, field) in [
            ("/apiVersion", "apiVersion"),
            ("/kind", "kind"),
            ("/metadata/name", "metadata.name"),
        ] {
            if text(&value, pointer).is_none_or(str::is_empty) {
                let known = [text(&value, "/kind"), text(&value, "/metadata/name")];
                let known: Vec<&str> = known.into_iter().flatten().collect();
                let object = if known.is_empty() {
                    "an object".to_owned()
                } else {
                    known.join(" ")
                };
                return Err(ObjectError::Missing { object, field });
            }
        }
        Ok(Self { value })
    }

    /// The manifest as it is.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The manifest, given away.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// A changed copy of the manifest; the change must leave the object an object.
    pub fn edited(&self, edit: impl FnOnce(&mut Value)) -> Result<Self, ObjectError> {
        let mut value = self.value.clone();
        edit(&mut value);
        Self::new(value)
    }

    /// `apiVersion`, for example `apps/v1`.
    pub fn api_version(&self) -> &str {
        text(&self.value, "/apiVersion").unwrap_or_default()
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        text(&self.value, "/kind").unwrap_or_default()
    }

    /// Whether it is of this group and kind, in any version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        text(&self.value, "/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`, if the manifest names one.
    pub fn namespace(&self) -> Option<&str> {
        text(&self.value, "/metadata/namespace").filter(|namespace| !namespace.is_empty())
    }

    /// What makes it the same object as another.
    pub fn reference(&self) -> Reference {
        Reference::new(self.group(), self.kind(), self.namespace(), self.name())
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        texts(self.value.pointer("/metadata/labels"))
    }

    /// One label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.value.pointer("/metadata/labels")?.get(key)?.as_str()
    }

    /// `metadata.annotations`.
    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        texts(self.value.pointer("/metadata/annotations"))
    }

    /// One annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value.pointer("/metadata/annotations")?.get(key)?.as_str()
    }

    /// The digest of the whole manifest in canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&self.value)
    }

    /// As something that runs pods, if it is one of the built-in kinds that do.
    pub fn workload(&self) -> Option<Workload<'_>> {
        Workload::of(self)
    }

    /// As a Service.
    pub fn service(&self) -> Option<Service<'_>> {
        self.is("", "Service").then(|| Service::of(self))
    }

    /// As a ConfigMap.
    pub fn config_map(&self) -> Option<ConfigMap<'_>> {
        self.is("", "ConfigMap").then(|| ConfigMap::of(self))
    }

    /// As a Secret.
    pub fn secret(&self) -> Option<Secret<'_>> {
        self.is("", "Secret").then(|| Secret::of(self))
    }

    /// As a PersistentVolumeClaim.
    pub fn claim(&self) -> Option<Claim<'_>> {
        self.is("", "PersistentVolumeClaim").then(|| Claim::of(self))
    }

    /// When it runs, if Helm or Argo CD annotations make it a hook instead of a part of the release.
    pub fn hook(&self) -> Option<Hook> {
        Hook::of(self)
    }
}

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<Value> for Object {
    type Error = ObjectError;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

/// What a JSON value is, for messages.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// A map of text; entries that are not text are left out, as the API server would refuse them.
fn texts(value: Option<&Value>) -> BTreeMap<&str, &str> {
    entries(value)
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
