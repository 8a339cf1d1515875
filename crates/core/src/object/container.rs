//! A typed view of a container: what it runs, with which environment, ports, mounts and limits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::service::number;
use super::{PortName, Probe, entries, items, text};

/// One container of a pod.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    value: &'a Value,
}

/// A port that the process listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port<'a> {
    /// The name that Services and probes may use.
    pub name: Option<&'a str>,
    /// The number.
    pub number: u16,
    /// `TCP` unless the manifest says otherwise.
    pub protocol: &'a str,
}

/// One variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its value comes from.
    pub value: EnvValue<'a>,
}

/// Where the value of a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvValue<'a> {
    /// The text in the manifest; may hold `$(NAME)` of earlier variables.
    Literal(&'a str),
    /// A key of a ConfigMap.
    ConfigMap(KeySource<'a>),
    /// A key of a Secret.
    Secret(KeySource<'a>),
    /// A field of the pod, for example `metadata.name`.
    Field(&'a str),
    /// A resource of a container, for example `limits.cpu`.
    Resource(&'a str),
}

/// A key of a ConfigMap or Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource<'a> {
    /// The ConfigMap or Secret.
    pub name: &'a str,
    /// The key in it.
    pub key: &'a str,
    /// Whether it may be missing.
    pub optional: bool,
}

/// All keys of a ConfigMap or Secret as variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFrom<'a> {
    /// Put before each key.
    pub prefix: &'a str,
    /// Which of the two kinds.
    pub source: EnvFromSource<'a>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// A whole ConfigMap or Secret, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvFromSource<'a> {
    /// A ConfigMap.
    ConfigMap(&'a str),
    /// A Secret.
    Secret(&'a str),
}

/// Where a volume appears in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Name of the volume.
    pub volume: &'a str,
    /// Absolute path in the container.
    pub path: &'a str,
    /// Only this part of the volume.
    pub sub_path: Option<&'a str>,
    /// Whether writing is refused.
    pub read_only: bool,
}

/// Requests and limits as Kubernetes quantities, by resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    /// What the scheduler sets aside.
    pub requests: BTreeMap<String, String>,
    /// What it may not go beyond.
    pub limits: BTreeMap<String, String>,
}

impl<'a> Container<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        text(value, "/name").map(|_| Self { value })
    }

    /// The container as it is in the manifest.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        text(self.value, "/name").unwrap_or_default()
    }

    /// The image, as written.
    pub fn image(&self) -> &'a str {
        text(self.value, "/image").unwrap_or_default()
    }

    /// Program and first arguments; empty leaves the image's entry point.
    pub fn command(&self) -> Vec<&'a str> {
        items(self.value.get("command"))
            .filter_map(Value::as_str)
            .collect()
    }

    /// Arguments; empty leaves the image's.
    pub fn args(&self) -> Vec<&'a str> {
        items(self.value.get("args")).filter_map(Value::as_str).collect()
    }

    /// `workingDir`.
    pub fn working_dir(&self) -> Option<&'a str> {
        text(self.value, "/workingDir")
    }

    /// The ports; entries without a valid number are left out.
    pub fn ports(&self) -> Vec<Port<'a>> {
        items(self.value.get("ports"))
            .filter_map(|entry| {
                Some(Port {
                    name: text(entry, "/name"),
                    number: number(entry.get("containerPort"))?,
                    protocol: text(entry, "/protocol").unwrap_or("TCP"),
                })
            })
            .collect()
    }

    /// The number behind a port name, of this container.
    pub fn port(&self, name: &PortName) -> Option<u16> {
        match name {
            PortName::Number(number) => Some(*number),
            PortName::Named(name) => {
                let found = self.ports().into_iter().find(|port| port.name == Some(name))?;
                Some(found.number)
            }
        }
    }

    /// `env`, in order.
    pub fn env(&self) -> Vec<Env<'a>> {
        items(self.value.get("env"))
            .filter_map(|entry| {
                Some(Env {
                    name: text(entry, "/name")?,
                    value: EnvValue::of(entry)?,
                })
            })
            .collect()
    }

    /// `envFrom`, in order; a later one wins over an earlier one, and `env` over all.
    pub fn env_from(&self) -> Vec<EnvFrom<'a>> {
        items(self.value.get("envFrom"))
            .filter_map(|entry| {
                let (source, at) = match (text(entry, "/configMapRef/name"), text(entry, "/secretRef/name")) {
                    (Some(name), _) => (EnvFromSource::ConfigMap(name), "/configMapRef/optional"),
                    (None, Some(name)) => (EnvFromSource::Secret(name), "/secretRef/optional"),
                    (None, None) => return None,
                };
                let optional = entry.pointer(at).and_then(Value::as_bool).unwrap_or(false);
                Some(EnvFrom {
                    prefix: text(entry, "/prefix").unwrap_or_default(),
                    source,
                    optional,
                })
            })
            .collect()
    }

    /// Asked for life; a failure restarts the container.
    pub fn liveness(&self) -> Option<Probe<'a>> {
        Probe::of(self.value.get("livenessProbe")?)
    }

    /// Asked for readiness; a failure takes it out of its Services.
    pub fn readiness(&self) -> Option<Probe<'a>> {
        Probe::of(self.value.get("readinessProbe")?)
    }

    /// Asked first; the others wait until it was good once.
    pub fn startup(&self) -> Option<Probe<'a>> {
        Probe::of(self.value.get("startupProbe")?)
    }

    /// The command that runs before the process is told to stop.
    pub fn pre_stop(&self) -> Vec<&'a str> {
        items(self.value.pointer("/lifecycle/preStop/exec/command"))
            .filter_map(Value::as_str)
            .collect()
    }

    /// Requests and limits.
    pub fn resources(&self) -> Resources {
        let read = |pointer: &str| {
            entries(self.value.pointer(pointer))
                .map(|(name, amount)| (name.clone(), quantity(amount)))
                .collect()
        };
        Resources {
            requests: read("/resources/requests"),
            limits: read("/resources/limits"),
        }
    }

    /// Where volumes appear.
    pub fn mounts(&self) -> Vec<Mount<'a>> {
        items(self.value.get("volumeMounts"))
            .filter_map(|entry| {
                Some(Mount {
                    volume: text(entry, "/name")?,
                    path: text(entry, "/mountPath")?,
                    sub_path: text(entry, "/subPath").filter(|path| !path.is_empty()),
                    read_only: entry.get("readOnly").and_then(Value::as_bool).unwrap_or(false),
                })
            })
            .collect()
    }
}

impl<'a> EnvValue<'a> {
    fn of(entry: &'a Value) -> Option<Self> {
        let Some(from) = entry.get("valueFrom") else {
            // A variable without a value is empty, not missing.
            return Some(Self::Literal(text(entry, "/value").unwrap_or_default()));
        };
        if let Some(source) = from.get("configMapKeyRef") {
            return KeySource::of(source).map(Self::ConfigMap);
        }
        if let Some(source) = from.get("secretKeyRef") {
            return KeySource::of(source).map(Self::Secret);
        }
        if let Some(path) = text(from, "/fieldRef/fieldPath") {
            return Some(Self::Field(path));
        }
        text(from, "/resourceFieldRef/resource").map(Self::Resource)
    }
}

impl<'a> KeySource<'a> {
    fn of(source: &'a Value) -> Option<Self> {
        Some(Self {
            name: text(source, "/name")?,
            key: text(source, "/key")?,
            optional: source.get("optional").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

/// A quantity may be written as a number: `cpu: 1`.
fn quantity(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
