//! Typed views of a pod's volumes. It does not know the contents of what they name.

use serde_json::Value;

use super::{items, text};

/// A volume of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume<'a> {
    /// The name that mounts refer to.
    pub name: &'a str,
    /// Where its content comes from.
    pub source: VolumeSource<'a>,
}

/// Where the content of a volume comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeSource<'a> {
    /// Keys of a ConfigMap as files; `items` empty means all keys.
    ConfigMap {
        /// Its name.
        name: &'a str,
        /// Chosen keys.
        items: Vec<VolumeItem<'a>>,
        /// Whether the ConfigMap may be missing.
        optional: bool,
    },
    /// Keys of a Secret as files; `items` empty means all keys.
    Secret {
        /// Its name.
        name: &'a str,
        /// Chosen keys.
        items: Vec<VolumeItem<'a>>,
        /// Whether the Secret may be missing.
        optional: bool,
    },
    /// Storage that outlives the pod.
    Claim {
        /// Name of the PersistentVolumeClaim.
        name: &'a str,
    },
    /// Storage that lives as long as the pod.
    EmptyDir,
    /// A place on the node.
    HostPath {
        /// Absolute path.
        path: &'a str,
    },
    /// Several ConfigMaps, Secrets and claims in one folder.
    Projected {
        /// Its parts, each as a volume source of its own.
        sources: Vec<VolumeSource<'a>>,
    },
    /// Anything else, by the field that chose it.
    Other {
        /// For example `csi`.
        kind: &'a str,
    },
}

/// One key of a ConfigMap or Secret and the file it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeItem<'a> {
    /// The key.
    pub key: &'a str,
    /// The file, relative to the mount.
    pub path: &'a str,
}

impl<'a> Volume<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let name = text(value, "/name")?;
        Some(Self {
            name,
            source: VolumeSource::of(value)?,
        })
    }
}

impl<'a> VolumeSource<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let (kind, source) = value.as_object()?.iter().find(|(key, _)| *key != "name")?;
        let name = |field: &str| source.get(field).and_then(Value::as_str);
        let chosen = || {
            items(source.get("items"))
                .filter_map(|item| {
                    Some(VolumeItem {
                        key: text(item, "/key")?,
                        path: text(item, "/path")?,
                    })
                })
                .collect()
        };
        let optional = source.get("optional").and_then(Value::as_bool).unwrap_or(false);
        Some(match kind.as_str() {
            "configMap" => Self::ConfigMap {
                name: name("name")?,
                items: chosen(),
                optional,
            },
            // A pod's own volume says `secretName`, a part of a projected one says `name`.
            "secret" => Self::Secret {
                name: name("secretName").or_else(|| name("name"))?,
                items: chosen(),
                optional,
            },
            "persistentVolumeClaim" => Self::Claim {
                name: name("claimName")?,
            },
            "emptyDir" => Self::EmptyDir,
            "hostPath" => Self::HostPath { path: name("path")? },
            "projected" => Self::Projected {
                sources: items(source.get("sources")).filter_map(Self::of).collect(),
            },
            kind => Self::Other { kind },
        })
    }
}
