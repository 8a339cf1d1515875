//! Whether an object does what it is there for, from its own status: the rules of Argo CD for the built-in kinds. It does
//! not ask a cluster; a status that is not there yet is progress, not health.

mod batch;
mod network;
mod pod;
mod script;
mod storage;
#[cfg(test)]
mod tests;
mod workload;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::Object;

pub use script::{Script, Scripts};

/// What an object can be, the best first: the health of several is the worst of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does what it is there for.
    Healthy,
    /// Somebody told it to wait.
    Suspended,
    /// It is on its way.
    Progressing,
    /// It should be there and is not.
    Missing,
    /// It failed, or does not get where it should.
    Degraded,
    /// Its status cannot be read.
    Unknown,
}

impl Status {
    /// By the name that Argo CD and its health scripts have for it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Healthy" => Self::Healthy,
            "Suspended" => Self::Suspended,
            "Progressing" => Self::Progressing,
            "Missing" => Self::Missing,
            "Degraded" => Self::Degraded,
            "Unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// The health of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What it is.
    pub status: Status,
    /// Why; empty where there is nothing to say.
    pub message: String,
}

impl Health {
    /// What somebody else found.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn healthy() -> Self {
        Self::new(Status::Healthy, "")
    }

    fn progressing(message: impl Into<String>) -> Self {
        Self::new(Status::Progressing, message)
    }

    fn degraded(message: impl Into<String>) -> Self {
        Self::new(Status::Degraded, message)
    }
}

/// The health of an object as a cluster has it; `None` for kinds whose health nobody can tell (a ConfigMap simply is).
pub fn health(object: &Object) -> Option<Health> {
    if let Some(going) = going(object) {
        return Some(going);
    }
    let rule: fn(&Object) -> Health = match (object.group(), object.kind()) {
        ("apps", "Deployment") => workload::deployment,
        ("apps", "StatefulSet") => workload::stateful_set,
        ("apps", "DaemonSet") => workload::daemon_set,
        ("apps", "ReplicaSet") => workload::replica_set,
        ("", "Pod") => pod::pod,
        ("batch", "Job") => batch::job,
        ("batch", "CronJob") => batch::cron_job,
        ("", "Service") => network::service,
        ("networking.k8s.io" | "extensions", "Ingress") => network::ingress,
        ("apiregistration.k8s.io", "APIService") => network::api_service,
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler,
        ("", "PersistentVolumeClaim") => storage::claim,
        _ => return None,
    };
    Some(rule(object))
}

/// The health of an object that was told to go, whatever its kind.
pub fn going(object: &Object) -> Option<Health> {
    let value = object.value();
    let told = value.pointer("/metadata/deletionTimestamp").is_some() && !is_unfinished_hook(value);
    told.then(|| Health::progressing("Pending deletion"))
}

/// The health of a set of objects, each as the cluster has it or `None` where it is missing: the worst of them. Objects
/// without a health of their own do not count.
pub fn overall<'a>(objects: impl IntoIterator<Item = (&'a str, Option<&'a Object>)>) -> Health {
    let mut worst = Health::healthy();
    for (name, object) in objects {
        let found = match object {
            Some(object) => health(object),
            None => Some(Health::new(Status::Missing, "it is not there")),
        };
        if let Some(found) = found.filter(|found| found.status > worst.status) {
            let message = if found.message.is_empty() {
                name.to_owned()
            } else {
                format!("{name}: {}", found.message)
            };
            worst = Health::new(found.status, message);
        }
    }
    worst
}

/// A hook that is being deleted stays until its outcome was seen.
fn is_unfinished_hook(value: &Value) -> bool {
    let finalizers = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    finalizers.is_some_and(|all| all.iter().any(|one| one == "argocd.argoproj.io/hook-finalizer"))
}

/// Whether the controller has not yet seen the object as it is now.
fn is_stale(object: &Object) -> bool {
    number(object, "/metadata/generation") > number(object, "/status/observedGeneration")
}

fn number(object: &Object, pointer: &str) -> i64 {
    object
        .value()
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

fn text<'a>(object: &'a Object, pointer: &str) -> &'a str {
    object
        .value()
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A condition of the status.
struct Condition<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl Condition<'_> {
    fn is_true(&self) -> bool {
        self.status == "True"
    }
}

fn conditions(object: &Object) -> Vec<Condition<'_>> {
    let list = object
        .value()
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    conditions_of(list.map(Vec::as_slice).unwrap_or_default())
}

fn conditions_of(list: &[Value]) -> Vec<Condition<'_>> {
    list.iter()
        .filter(|entry| entry.get("type").is_some_and(Value::is_string))
        .map(|entry| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            Condition {
                kind: text("type"),
                status: text("status"),
                reason: text("reason"),
                message: text("message"),
            }
        })
        .collect()
}
