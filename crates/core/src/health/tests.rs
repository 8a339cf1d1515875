//! One line per rule: the object's parts that matter, and its health.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a literal is written where it is used"
)]

use serde_json::{Value, json};

use super::{Status, health, overall};
use crate::object::Object;

fn object(kind: &str, parts: Value) -> Object {
    let (version, kind) = kind.rsplit_once('/').unwrap();
    let mut value =
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "cart", "generation": 2}});
    for (key, part) in parts.as_object().unwrap() {
        for (field, content) in part.as_object().unwrap() {
            value[key][field] = content.clone();
        }
    }
    Object::new(value).unwrap()
}

fn check(kind: &str, parts: Value, status: Status, says: &str) {
    let found = health(&object(kind, parts.clone())).unwrap();
    assert_eq!(found.status, status, "{kind} {parts}: {}", found.message);
    assert!(
        found.message.contains(says),
        "{kind} {parts}: {:?} lacks {says:?}",
        found.message
    );
}

#[test]
fn deployments() {
    let it = |spec: Value, mut status: Value, expected, says: &str| {
        if status.get("observedGeneration").is_none() {
            status["observedGeneration"] = 2.into();
        }
        check(
            "apps/v1/Deployment",
            json!({"spec": spec, "status": status}),
            expected,
            says,
        );
    };
    let done = json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
    it(json!({"replicas": 2}), done.clone(), Status::Healthy, "");
    it(
        json!({"replicas": 2, "paused": true}),
        done,
        Status::Suspended,
        "paused",
    );
    it(
        json!({"replicas": 2}),
        json!({"observedGeneration": 1}),
        Status::Progressing,
        "generation",
    );
    it(
        json!({"replicas": 2}),
        json!({"updatedReplicas": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
        Status::Degraded,
        "\"cart\" exceeded",
    );
    it(
        json!({"replicas": 2}),
        json!({"updatedReplicas": 1}),
        Status::Progressing,
        "1 out of 2 new",
    );
    it(
        json!({"replicas": 2}),
        json!({"replicas": 3, "updatedReplicas": 2}),
        Status::Progressing,
        "1 old",
    );
    it(
        json!({"replicas": 2}),
        json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
        Status::Progressing,
        "1 of 2 updated",
    );
    it(json!({}), json!({}), Status::Healthy, "");
}

#[test]
fn stateful_sets() {
    let set = |spec: Value, status: Value, expected, says: &str| {
        check(
            "apps/v1/StatefulSet",
            json!({"spec": spec, "status": status}),
            expected,
            says,
        );
    };
    set(
        json!({"replicas": 1}),
        json!({}),
        Status::Progressing,
        "to be observed",
    );
    set(
        json!({"replicas": 3}),
        json!({"observedGeneration": 2, "readyReplicas": 1}),
        Status::Progressing,
        "2 pods",
    );
    let ready = json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"});
    set(
        json!({"replicas": 3}),
        ready.clone(),
        Status::Progressing,
        "at revision b",
    );
    let strategy = |kind: &str, partition: Value| json!({"replicas": 3, "updateStrategy": {"type": kind, "rollingUpdate": partition}});
    set(
        strategy("RollingUpdate", json!({"partition": 1})),
        ready.clone(),
        Status::Progressing,
        "1 out of 2",
    );
    set(
        strategy("RollingUpdate", json!({"partition": 2})),
        ready.clone(),
        Status::Healthy,
        "partitioned",
    );
    set(
        strategy("OnDelete", Value::Null),
        ready,
        Status::Healthy,
        "3 ready",
    );
}

#[test]
fn daemon_sets() {
    let daemon = |status: Value, expected, says: &str| {
        check(
            "apps/v1/DaemonSet",
            json!({"spec": {}, "status": status}),
            expected,
            says,
        );
    };
    daemon(
        json!({"observedGeneration": 1}),
        Status::Progressing,
        "generation",
    );
    daemon(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1}),
        Status::Progressing,
        "1 out of 3",
    );
    daemon(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
        Status::Progressing,
        "2 of 3",
    );
    daemon(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}),
        Status::Healthy,
        "",
    );
}

#[test]
fn pods() {
    let pod = |policy: &str, status: Value, expected, says: &str| {
        check(
            "v1/Pod",
            json!({"spec": {"restartPolicy": policy}, "status": status}),
            expected,
            says,
        );
    };
    let waiting = |reason: &str| json!({"phase": "Pending", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": reason, "message": "no such image"}}}]});
    pod(
        "Always",
        waiting("ImagePullBackOff"),
        Status::Degraded,
        "no such image",
    );
    pod(
        "Always",
        waiting("ErrImagePull"),
        Status::Degraded,
        "no such image",
    );
    pod("Always", waiting("ContainerCreating"), Status::Progressing, "");
    pod("Never", waiting("ErrImagePull"), Status::Progressing, "");
    pod("Always", json!({"phase": "Succeeded"}), Status::Healthy, "");
    let ended = |reason: &str| json!({"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"reason": reason, "exitCode": 3}}}]});
    pod("Never", ended("Error"), Status::Degraded, "exit code 3");
    pod("Never", ended("OOMKilled"), Status::Degraded, "OOMKilled");
    pod(
        "Always",
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
        Status::Healthy,
        "",
    );
    pod("Always", json!({"phase": "Running"}), Status::Progressing, "");
    pod(
        "Always",
        json!({"phase": "Running", "containerStatuses": [{"name": "a", "lastState": {"terminated": {"exitCode": 1}}}]}),
        Status::Degraded,
        "exit code 1",
    );
    pod(
        "OnFailure",
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
        Status::Progressing,
        "",
    );
    pod("Always", json!({}), Status::Unknown, "");
    let kept = |more: Value| {
        let mut annotations = json!({ "argocd.argoproj.io/ignore-restart-policy": "true" });
        annotations
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "metadata": { "annotations": annotations }, "spec": { "restartPolicy": "Never" },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } })
    };
    check("v1/Pod", kept(json!({})), Status::Healthy, "");
    let hook = json!({ "argocd.argoproj.io/hook": "PreSync" });
    check("v1/Pod", kept(hook), Status::Progressing, "");
}

#[test]
fn jobs_claims_and_ways_in() {
    let job = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "message": "why"}]}});
    check("batch/v1/Job", json!({"spec": {}}), Status::Progressing, "");
    check("batch/v1/Job", job("Complete", "True"), Status::Healthy, "why");
    check("batch/v1/Job", job("Failed", "True"), Status::Degraded, "why");
    check("batch/v1/Job", job("Suspended", "True"), Status::Suspended, "why");
    for (phase, status) in [
        ("Bound", Status::Healthy),
        ("Pending", Status::Progressing),
        ("Lost", Status::Degraded),
        ("", Status::Unknown),
    ] {
        check(
            "v1/PersistentVolumeClaim",
            json!({"status": {"phase": phase}}),
            status,
            "",
        );
    }
    let address = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}});
    check(
        "v1/Service",
        json!({"spec": {"type": "ClusterIP"}}),
        Status::Healthy,
        "",
    );
    check(
        "v1/Service",
        json!({"spec": {"type": "LoadBalancer"}}),
        Status::Progressing,
        "address",
    );
    check(
        "v1/Service",
        json!({"spec": {"type": "LoadBalancer"}, "status": address.clone()}),
        Status::Healthy,
        "",
    );
    check(
        "networking.k8s.io/v1/Ingress",
        json!({"status": {"loadBalancer": {"ingress": []}}}),
        Status::Progressing,
        "address",
    );
    check(
        "networking.k8s.io/v1/Ingress",
        json!({"status": address}),
        Status::Healthy,
        "",
    );
}

#[test]
fn autoscalers() {
    let scaler = |kind: &str, status: &str, reason: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason, "message": "said"}]}});
    let hpa = "autoscaling/v2/HorizontalPodAutoscaler";
    check(
        hpa,
        scaler("AbleToScale", "True", "ReadyForNewScale"),
        Status::Healthy,
        "said",
    );
    check(
        hpa,
        scaler("ScalingActive", "False", "FailedGetResourceMetric"),
        Status::Degraded,
        "said",
    );
    check(
        hpa,
        scaler("AbleToScale", "False", "FailedGetScale"),
        Status::Degraded,
        "said",
    );
    check(hpa, json!({}), Status::Progressing, "Waiting");
    let old = json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": "[{\"type\":\"AbleToScale\",\"status\":\"True\",\"message\":\"fine\"}]"}}});
    check(
        "autoscaling/v1/HorizontalPodAutoscaler",
        old,
        Status::Healthy,
        "fine",
    );
}

#[test]
fn the_worst_of_a_set_is_named() {
    let config = object("v1/ConfigMap", json!({}));
    assert_eq!(health(&config), None);
    let good = object("v1/Service", json!({"spec": {}}));
    let slow = object("batch/v1/Job", json!({}));
    let mut gone = good.clone().into_value();
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let gone = Object::new(gone).unwrap();
    assert_eq!(
        overall([("a", Some(&config)), ("b", Some(&good))]).status,
        Status::Healthy
    );
    assert_eq!(
        overall([("b", Some(&good)), ("c", Some(&slow))]).status,
        Status::Progressing
    );
    assert_eq!(overall([("d", Some(&gone))]).message, "d: Pending deletion");
    let missing = overall([("c", Some(&slow)), ("e", None)]);
    assert_eq!(
        (missing.status, missing.message.as_str()),
        (Status::Missing, "e: it is not there")
    );
}
