//! Waiting for objects: until they are ready, done, or gone. What is definitely wrong is not waited for.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use windlass_core::health::{Status, health};
use windlass_core::object::Object;
use windlass_kube::Address;

use super::{Session, Waiting};

/// From look to look.
const LOOK: Duration = Duration::from_millis(150);

/// What an object that is waited for is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Ready,
    /// On its way there.
    Busy(String),
    /// It will not get there.
    Hopeless(String),
}

impl Session {
    /// Waits until all workloads are ready, where that is asked for.
    pub(super) async fn until_ready(&self, all: &[Address], waiting: Waiting) -> Result<(), String> {
        if !waiting.workloads {
            return Ok(());
        }
        let jobs = waiting.jobs;
        self.until(all, waiting.timeout, |object| readiness(object, jobs))
            .await
    }

    /// Waits until what a hook made has come to its end.
    pub(super) async fn until_done(&self, all: &[Address], timeout: Duration) -> Result<(), String> {
        self.until(all, timeout, completion).await
    }

    /// Waits until nothing of it is there any more.
    pub(super) async fn until_gone(&self, all: &[Address], timeout: Duration) -> Result<(), String> {
        let end = Instant::now() + timeout;
        let mut all = all.to_vec();
        loop {
            let there = self.cluster.read_all(&all).await.map_err(|it| it.to_string())?;
            let mut there = there.iter();
            all.retain(|_| there.next().is_some_and(Option::is_some));
            let Some(first) = all.first() else {
                return Ok(());
            };
            if Instant::now() >= end {
                return Err(format!(
                    "resource {} still exists. status: Terminating, message: it was told to go\ncontext deadline exceeded",
                    named(first)
                ));
            }
            sleep(LOOK).await;
        }
    }

    async fn until(
        &self,
        all: &[Address],
        timeout: Duration,
        state: impl Fn(&Object) -> State,
    ) -> Result<(), String> {
        let end = Instant::now() + timeout;
        let mut all = all.to_vec();
        loop {
            let there = self.cluster.read_all(&all).await.map_err(|it| it.to_string())?;
            let mut busy = Vec::new();
            for (address, there) in all.iter().zip(there) {
                match there.map(Object::new) {
                    Some(Ok(object)) => match state(&object) {
                        State::Ready => {}
                        State::Busy(why) => busy.push((address.clone(), why)),
                        State::Hopeless(why) => {
                            return Err(not_ready(address, "Failed", &why));
                        }
                    },
                    Some(Err(_)) => {}
                    None => busy.push((address.clone(), "it is not there".to_owned())),
                }
            }
            if busy.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                let lines = busy
                    .iter()
                    .map(|(address, why)| not_ready(address, "InProgress", why));
                let lines: Vec<String> = lines.collect();
                return Err(format!("{}\ncontext deadline exceeded", lines.join("\n")));
            }
            all = busy.into_iter().map(|it| it.0).collect();
            sleep(LOOK).await;
        }
    }
}

fn named(address: &Address) -> String {
    format!("{}/{}/{}", address.kind, address.namespace, address.name)
}

fn not_ready(address: &Address, status: &str, why: &str) -> String {
    format!(
        "resource {} not ready. status: {status}, message: {why}",
        named(address)
    )
}

/// Whether an object of a release does what it is there for. Kinds that Helm does not wait for always do.
pub(super) fn readiness(object: &Object, jobs: bool) -> State {
    let awaited = match (object.group(), object.kind()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("", "Pod" | "Service" | "PersistentVolumeClaim")
        | ("apiregistration.k8s.io", "APIService") => true,
        ("batch", "Job") => jobs,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => return established(object),
        _ => false,
    };
    match health(object).filter(|_| awaited) {
        None => State::Ready,
        Some(health) => match health.status {
            Status::Healthy | Status::Suspended => State::Ready,
            Status::Degraded => State::Hopeless(health.message),
            Status::Progressing | Status::Missing | Status::Unknown => State::Busy(health.message),
        },
    }
}

/// Whether what a hook made has come to its end: Jobs and Pods do, definitions are served, all else simply is.
pub(super) fn completion(object: &Object) -> State {
    match (object.group(), object.kind()) {
        ("batch", "Job") => readiness(object, true),
        ("", "Pod") => {
            let text = |pointer: &str| object.value().pointer(pointer).and_then(Value::as_str);
            match text("/status/phase").unwrap_or_default() {
                "Succeeded" => State::Ready,
                "Failed" => State::Hopeless(text("/status/message").unwrap_or("the pod failed").to_owned()),
                phase => State::Busy(format!("the pod is {}", phase.to_lowercase())),
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => established(object),
        _ => State::Ready,
    }
}

fn established(object: &Object) -> State {
    let conditions = object
        .value()
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let is = |one: &Value| one["type"] == "Established" && one["status"] == "True";
    if conditions.is_some_and(|all| all.iter().any(is)) {
        State::Ready
    } else {
        State::Busy("the definition is not established".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        Object::new(value).unwrap()
    }

    #[test]
    fn jobs_are_waited_for_only_where_that_is_asked_for() {
        let job = object(
            json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "a" }, "status": { "active": 1 } }),
        );
        assert_eq!(readiness(&job, false), State::Ready);
        assert!(matches!(readiness(&job, true), State::Busy(_)));
        assert!(matches!(completion(&job), State::Busy(_)));
    }

    #[test]
    fn a_job_and_a_pod_that_failed_are_hopeless() {
        let job = object(
            json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "a" },
            "status": { "conditions": [{ "type": "Failed", "status": "True", "message": "backoff" }] } }),
        );
        assert!(matches!(completion(&job), State::Hopeless(why) if why.contains("backoff")));
        let pod = |phase: &str| {
            object(
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a" }, "status": { "phase": phase } }),
            )
        };
        assert!(matches!(completion(&pod("Failed")), State::Hopeless(_)));
        assert!(matches!(completion(&pod("Running")), State::Busy(_)));
        assert_eq!(completion(&pod("Succeeded")), State::Ready);
    }

    #[test]
    fn what_simply_is_is_ready() {
        let map = object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } }));
        assert_eq!(readiness(&map, true), State::Ready);
        assert_eq!(completion(&map), State::Ready);
        let ingress = object(
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "a" } }),
        );
        assert_eq!(readiness(&ingress, true), State::Ready);
    }
}
