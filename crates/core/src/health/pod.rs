//! The health of a pod: of its phase and, where it runs, of its containers.

use serde_json::Value;

use super::{Health, Status, conditions, text};
use crate::object::Object;

/// Says that a pod that ends is judged as one that is restarted.
const IGNORE_RESTART: &str = "argocd.argoproj.io/ignore-restart-policy";

pub(super) fn pod(object: &Object) -> Health {
    if restarts(object)
        && let Some(stuck) = stuck(object)
    {
        return stuck;
    }
    let message = text(object, "/status/message");
    match text(object, "/status/phase") {
        "Pending" => Health::progressing(message),
        "Succeeded" => Health::new(Status::Healthy, message),
        "Failed" => Health::degraded(failure(object)),
        "Running" => running(object),
        phase => Health::new(Status::Unknown, format!("{phase} {message}").trim()),
    }
}

fn running(object: &Object) -> Health {
    let message = text(object, "/status/message");
    if !restarts(object) {
        // It is there to end.
        return Health::progressing(message);
    }
    if conditions(object)
        .iter()
        .any(|it| it.kind == "Ready" && it.is_true())
    {
        return Health::new(Status::Healthy, message);
    }
    let crashed = containers(object, "/status/containerStatuses").find(|container| {
        container
            .pointer("/lastState/terminated")
            .is_some_and(|it| !it.is_null())
    });
    match crashed {
        Some(container) => Health::degraded(ended(container, "/lastState/terminated").unwrap_or_default()),
        None => Health::progressing(message),
    }
}

/// A container that cannot start, by the reasons that the kubelet gives.
fn stuck(object: &Object) -> Option<Health> {
    let waiting = |container: &Value| {
        let reason = container.pointer("/state/waiting/reason")?.as_str()?.to_owned();
        let bad = reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
        let message = container
            .pointer("/state/waiting/message")
            .and_then(Value::as_str);
        bad.then(|| message.map_or_else(|| reason.clone(), str::to_owned))
    };
    let all = containers(object, "/status/initContainerStatuses")
        .chain(containers(object, "/status/containerStatuses"));
    let messages: Vec<String> = all.filter_map(waiting).collect();
    (!messages.is_empty()).then(|| Health::degraded(messages.join(", ")))
}

/// Why a pod failed: its own words, else those of the first container that ended badly.
fn failure(object: &Object) -> String {
    let message = text(object, "/status/message");
    if !message.is_empty() {
        return message.to_owned();
    }
    containers(object, "/status/initContainerStatuses")
        .chain(containers(object, "/status/containerStatuses"))
        .find_map(|container| ended(container, "/state/terminated"))
        .unwrap_or_default()
}

/// How a container ended, if it ended badly.
fn ended(container: &Value, at: &str) -> Option<String> {
    let end = container.pointer(at)?;
    let field = |name: &str| {
        end.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(message) = field("message") {
        return Some(message.to_owned());
    }
    if field("reason") == Some("OOMKilled") {
        return Some("OOMKilled".to_owned());
    }
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
    let code = end
        .get("exitCode")
        .and_then(Value::as_i64)
        .filter(|code| *code != 0)?;
    Some(format!("container \"{name}\" failed with exit code {code}"))
}

fn restarts(object: &Object) -> bool {
    let always = text_or(object, "/spec/restartPolicy", "Always") == "Always";
    always || (object.annotation(IGNORE_RESTART) == Some("true") && object.hook().is_none())
}

fn text_or<'a>(object: &'a Object, pointer: &str, default: &'a str) -> &'a str {
    Some(text(object, pointer))
        .filter(|text| !text.is_empty())
        .unwrap_or(default)
}

fn containers<'a>(object: &'a Object, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object
        .value()
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
