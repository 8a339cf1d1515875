//! A typed view of a Service: ports and the pods it selects.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{Object, items, text, texts};

/// A name that pods are reached by.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    object: &'a Object,
}

/// A port by number or by the name that a container gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortName {
    /// The number.
    Number(u16),
    /// The name of a container port.
    Named(String),
}

/// One port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort<'a> {
    /// The name; may be missing where there is only one port.
    pub name: Option<&'a str>,
    /// Where clients connect.
    pub port: u16,
    /// Where it goes in the pod; the same number unless the manifest says otherwise.
    pub target: PortName,
    /// `TCP` unless the manifest says otherwise.
    pub protocol: &'a str,
}

impl<'a> Service<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object }
    }

    /// The name that clients use.
    pub fn name(&self) -> &'a str {
        self.object.name()
    }

    /// `spec.type`, `ClusterIP` unless the manifest says otherwise.
    pub fn kind(&self) -> &'a str {
        text(self.object.value(), "/spec/type").unwrap_or("ClusterIP")
    }

    /// Whether clients reach the pods themselves because there is no address of its own (`clusterIP: None`).
    pub fn is_headless(&self) -> bool {
        text(self.object.value(), "/spec/clusterIP") == Some("None")
    }

    /// Labels of the pods behind it; empty when something else keeps its endpoints.
    pub fn selector(&self) -> BTreeMap<&'a str, &'a str> {
        texts(self.object.value().pointer("/spec/selector"))
    }

    /// Whether pods with these labels are behind it; an empty selector selects none.
    pub fn selects(&self, labels: &BTreeMap<&str, &str>) -> bool {
        let selector = self.selector();
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    /// The ports; entries without a valid number are left out.
    pub fn ports(&self) -> Vec<ServicePort<'a>> {
        items(self.object.value().pointer("/spec/ports"))
            .filter_map(|entry| {
                let port = number(entry.get("port"))?;
                Some(ServicePort {
                    name: entry.get("name").and_then(Value::as_str),
                    port,
                    target: PortName::of(entry.get("targetPort")).unwrap_or(PortName::Number(port)),
                    protocol: entry.get("protocol").and_then(Value::as_str).unwrap_or("TCP"),
                })
            })
            .collect()
    }
}

impl PortName {
    /// Reads an `IntOrString` port; text of digits is a number.
    pub(super) fn of(value: Option<&Value>) -> Option<Self> {
        let value = value?;
        if let Some(port) = number(Some(value)) {
            return Some(Self::Number(port));
        }
        let name = value.as_str().filter(|name| !name.is_empty())?;
        Some(
            name.parse()
                .map_or_else(|_| Self::Named(name.to_owned()), Self::Number),
        )
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A port number; 0 is none.
pub(super) fn number(value: Option<&Value>) -> Option<u16> {
    let number = u16::try_from(value?.as_u64()?).ok()?;
    (number > 0).then_some(number)
}
