//! The health of what keeps pods running, and of what scales it.

use serde_json::Value;

use super::{Condition, Health, Status, conditions, conditions_of, is_stale, number, text};
use crate::object::Object;

pub(super) fn deployment(object: &Object) -> Health {
    if object.value().pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Health::new(Status::Suspended, "Deployment is paused");
    }
    if is_stale(object) {
        return Health::progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        );
    }
    let name = object.name();
    let late = |condition: &Condition<'_>| {
        condition.kind == "Progressing" && condition.reason == "ProgressDeadlineExceeded"
    };
    if conditions(object).iter().any(late) {
        return Health::degraded(format!("Deployment \"{name}\" exceeded its progress deadline"));
    }
    let (wanted, updated) = (replicas(object), number(object, "/status/updatedReplicas"));
    let (all, available) = (
        number(object, "/status/replicas"),
        number(object, "/status/availableReplicas"),
    );
    let rest = if wanted.is_some_and(|wanted| updated < wanted) {
        format!(
            "{updated} out of {} new replicas have been updated",
            wanted.unwrap_or(0)
        )
    } else if all > updated {
        format!("{} old replicas are pending termination", all - updated)
    } else if available < updated {
        format!("{available} of {updated} updated replicas are available")
    } else {
        return Health::healthy();
    };
    Health::progressing(format!("Waiting for rollout to finish: {rest}..."))
}

pub(super) fn stateful_set(object: &Object) -> Health {
    if number(object, "/status/observedGeneration") == 0 || is_stale(object) {
        return Health::progressing("Waiting for statefulset spec update to be observed...");
    }
    let (wanted, ready) = (replicas(object), number(object, "/status/readyReplicas"));
    if let Some(missing) = wanted.map(|wanted| wanted - ready).filter(|missing| *missing > 0) {
        return Health::progressing(format!("Waiting for {missing} pods to be ready..."));
    }
    let updated = number(object, "/status/updatedReplicas");
    let kind = text(object, "/spec/updateStrategy/type");
    if kind == "RollingUpdate"
        && object
            .value()
            .pointer("/spec/updateStrategy/rollingUpdate")
            .is_some_and(|it| !it.is_null())
    {
        let partition = object
            .value()
            .pointer("/spec/updateStrategy/rollingUpdate/partition")
            .and_then(Value::as_i64);
        if let (Some(wanted), Some(partition)) = (wanted, partition)
            && updated < wanted - partition
        {
            return Health::progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                wanted - partition
            ));
        }
        return Health::new(
            Status::Healthy,
            format!("partitioned roll out complete: {updated} new pods have been updated..."),
        );
    }
    if kind == "OnDelete" {
        return Health::new(Status::Healthy, format!("statefulset has {ready} ready pods"));
    }
    let (new, current) = (
        text(object, "/status/updateRevision"),
        text(object, "/status/currentRevision"),
    );
    if new != current {
        return Health::progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {new}..."
        ));
    }
    Health::new(
        Status::Healthy,
        format!(
            "statefulset rolling update complete {} pods at revision {current}...",
            number(object, "/status/currentReplicas")
        ),
    )
}

pub(super) fn daemon_set(object: &Object) -> Health {
    if is_stale(object) {
        return Health::progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        );
    }
    let (updated, wanted) = (
        number(object, "/status/updatedNumberScheduled"),
        number(object, "/status/desiredNumberScheduled"),
    );
    let available = number(object, "/status/numberAvailable");
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        let message = format!("daemon set {updated} out of {wanted} new pods have been updated");
        return Health::new(Status::Healthy, message);
    }
    let rest = if updated < wanted {
        format!("{updated} out of {wanted} new pods have been updated")
    } else if available < wanted {
        format!("{available} of {wanted} updated pods are available")
    } else {
        return Health::healthy();
    };
    Health::progressing(format!(
        "Waiting for daemon set \"{}\" rollout to finish: {rest}...",
        object.name()
    ))
}

pub(super) fn replica_set(object: &Object) -> Health {
    if is_stale(object) {
        return Health::progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        );
    }
    let failure = conditions(object)
        .into_iter()
        .find(|condition| condition.kind == "ReplicaFailure" && condition.is_true());
    if let Some(failure) = failure {
        return Health::degraded(failure.message);
    }
    let available = number(object, "/status/availableReplicas");
    match replicas(object) {
        Some(wanted) if available < wanted => Health::progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )),
        _ => Health::healthy(),
    }
}

/// An autoscaler keeps its conditions in an annotation in version 1.
pub(super) fn autoscaler(object: &Object) -> Health {
    const ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/conditions";
    let waiting = "Waiting to Autoscale";
    if object.api_version() != "autoscaling/v1" {
        return scaling(&conditions(object), waiting);
    }
    let Some(text) = object.annotation(ANNOTATION).filter(|text| !text.is_empty()) else {
        return Health::progressing(waiting);
    };
    match serde_json::from_str::<Vec<Value>>(text) {
        Ok(list) => scaling(&conditions_of(&list), waiting),
        Err(e) => Health::degraded(format!("its conditions cannot be read: {e}")),
    }
}

fn scaling(conditions: &[Condition<'_>], waiting: &str) -> Health {
    const NO_METRIC: [&str; 6] = [
        "FailedGetResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "FailedComputeMetricsReplicas",
        "InvalidSelector",
    ];
    let failed = |condition: &&Condition<'_>| match condition.kind {
        "AbleToScale" => ["FailedGetScale", "FailedUpdateScale"].contains(&condition.reason),
        "ScalingActive" => NO_METRIC.contains(&condition.reason),
        _ => false,
    };
    if let Some(condition) = conditions.iter().find(failed) {
        return Health::degraded(condition.message);
    }
    let works = |condition: &&Condition<'_>| {
        ["AbleToScale", "ScalingLimited"].contains(&condition.kind) && condition.is_true()
    };
    match conditions.iter().find(works) {
        Some(condition) => Health::new(Status::Healthy, condition.message),
        None => Health::progressing(waiting),
    }
}

fn replicas(object: &Object) -> Option<i64> {
    object.value().pointer("/spec/replicas").and_then(Value::as_i64)
}
