//! What is kept of a pod: whether it is ready, and the first sign that it never will be.

use std::fmt::Write as _;

use serde_json::Value;
use windlass_core::machine::event::Color;
use windlass_core::track;

use crate::owner::color_of;

/// Reasons for which a container waits in vain, as the kubelet gives them. `ErrImagePull` is not among them: the next try
/// may work, and if it does not, `ImagePullBackOff` follows.
const HOPELESS: [&str; 8] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
];

/// A pod in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pod {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
    /// Its track.
    pub color: Option<Color>,
    /// Name of the workload that it is of, as far as names tell.
    pub workload: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed`.
    pub phase: String,
    /// Whether it gets requests.
    pub ready: bool,
    /// Whether it was told to go.
    pub deleting: bool,
    /// Restarts of its containers.
    pub restarts: u32,
    /// Why it will not become ready, if that is certain: `container app: ImagePullBackOff: ...`.
    pub hopeless: Option<String>,
    /// What it waits for, as far as it says; empty when nothing.
    pub waits: String,
}

impl Pod {
    /// Reduces a pod as the cluster has it.
    pub(crate) fn of(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self {
            name: text("/metadata/name").to_owned(),
            uid: text("/metadata/uid").to_owned(),
            color: value
                .pointer("/metadata/labels")
                .and_then(|labels| labels.get(track::LABEL)?.as_str())
                .and_then(color_of),
            workload: workload(value),
            phase: text("/status/phase").to_owned(),
            ready: condition(value, "Ready").is_some_and(|ready| ready.get("status") == Some(&"True".into())),
            deleting: value.pointer("/metadata/deletionTimestamp").is_some(),
            restarts: containers(value)
                .filter_map(|one| one.get("restartCount")?.as_u64())
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
                .sum(),
            hopeless: containers(value).find_map(|one| {
                waiting(one)
                    .filter(|(reason, _)| HOPELESS.contains(reason))
                    .map(|it| said(one, it))
            }),
            waits: waits(value),
        }
    }
}

fn waits(value: &Value) -> String {
    let unscheduled = condition(value, "PodScheduled").filter(|it| it.get("status") == Some(&"False".into()));
    if let Some(message) = unscheduled.and_then(|it| it.get("message")?.as_str()) {
        return message.to_owned();
    }
    containers(value)
        .find_map(|one| waiting(one).map(|it| said(one, it)))
        .unwrap_or_default()
}

fn said(container: &Value, (reason, message): (&str, &str)) -> String {
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
    let crashed = container
        .pointer("/lastState/terminated/exitCode")
        .and_then(Value::as_i64);
    let mut text = format!("container {name}: {reason}");
    if let Some(code) = crashed {
        let _ = write!(text, " (it ended with {code})");
    }
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    text
}

fn waiting(container: &Value) -> Option<(&str, &str)> {
    let state = container.pointer("/state/waiting")?;
    let text = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default();
    Some((text("reason"), text("message"))).filter(|(reason, _)| !reason.is_empty())
}

fn containers(value: &Value) -> impl Iterator<Item = &Value> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|pointer| value.pointer(pointer)?.as_array())
        .flatten()
}

fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = value.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|one| one.get("type").and_then(Value::as_str) == Some(kind))
}

/// A Deployment's pods belong to a ReplicaSet that is named after it and a hash.
fn workload(value: &Value) -> String {
    let owner = value.pointer("/metadata/ownerReferences/0");
    let field = |name: &str| owner.and_then(|owner| owner.get(name)?.as_str());
    match (field("kind"), field("name")) {
        (Some("ReplicaSet"), Some(name)) => name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned(),
        (Some(_), Some(name)) => name.to_owned(),
        _ => value
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(state: &Value) -> Pod {
        Pod::of(&json!({
            "metadata": { "name": "cart-blue-5d4-x1", "labels": { "version": "blue" },
                "ownerReferences": [{ "kind": "ReplicaSet", "name": "cart-blue-5d4" }] },
            "status": { "phase": "Pending", "conditions": [{ "type": "Ready", "status": "False" }],
                "containerStatuses": [{ "name": "app", "restartCount": 2, "state": state,
                    "lastState": { "terminated": { "exitCode": 3 } } }] },
        }))
    }

    #[test]
    fn hopeless_reasons_are_told_from_those_that_may_pass() {
        let waiting = |reason: &str| json!({ "waiting": { "reason": reason, "message": "back-off" } });
        for (reason, hopeless) in [
            ("CrashLoopBackOff", true),
            ("ImagePullBackOff", true),
            ("CreateContainerConfigError", true),
            ("ErrImagePull", false),
            ("ContainerCreating", false),
            ("PodInitializing", false),
        ] {
            let pod = pod(&waiting(reason));
            assert_eq!(pod.hopeless.is_some(), hopeless, "{reason}");
            assert_eq!(
                pod.waits,
                format!("container app: {reason} (it ended with 3): back-off")
            );
        }
        assert_eq!(pod(&json!({ "running": {} })).hopeless, None);
    }

    #[test]
    fn its_workload_and_track_are_read() {
        let pod = pod(&json!({ "running": {} }));
        assert_eq!(
            (pod.workload.as_str(), pod.color, pod.restarts, pod.ready),
            ("cart-blue", Some(Color::Blue), 2, false)
        );
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let pod = Pod::of(&json!({ "metadata": { "name": "a" }, "status": { "conditions":
            [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" }] } }));
        assert_eq!(pod.waits, "0/1 nodes are available");
        assert_eq!(pod.workload, "a");
    }
}
