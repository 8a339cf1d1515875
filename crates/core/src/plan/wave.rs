//! The order of application. What others need comes first; the order within Helm's and Argo CD's is the same in spirit.

use crate::object::Object;

/// Argo CD's annotation: lower is earlier.
const ARGO_WAVE: &str = "argocd.argoproj.io/sync-wave";
/// What Argo CD takes where it is not there.
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
/// One step of the annotation is worth more than any difference of kinds.
const STEP: i32 = 1_000;
/// Widest step that is told apart; more would overflow.
const STEPS_MAX: i32 = 100_000;

/// Kinds in the order of application; what is not named comes with the workloads' settings, before the workloads.
const KINDS: [&[&str]; 9] = [
    &["Namespace", "PriorityClass"],
    &["CustomResourceDefinition"],
    &["ResourceQuota", "LimitRange", "NetworkPolicy"],
    &[
        "ServiceAccount",
        "ClusterRole",
        "Role",
        "ClusterRoleBinding",
        "RoleBinding",
    ],
    &[
        "Secret",
        "ConfigMap",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
    ],
    &["Service"],
    &["Job", "StatefulSet", "DaemonSet"],
    &["Deployment", "ReplicaSet", "Pod", "CronJob"],
    &[
        "HorizontalPodAutoscaler",
        "VerticalPodAutoscaler",
        "PodDisruptionBudget",
        "Ingress",
        "APIService",
    ],
];
/// Where kinds that are not named go: after everything that they may need.
const OTHER: usize = 5;

/// The step that an object's manifest asks for: 0 where it asks for none.
pub fn sync_wave(object: &Object) -> i32 {
    let number = |key: &str| object.annotation(key)?.trim().parse().ok();
    number(ARGO_WAVE).or_else(|| number(HELM_WEIGHT)).unwrap_or(0)
}

/// When an object is applied; lower is earlier.
pub fn wave(object: &Object) -> i32 {
    let steps = sync_wave(object);
    let kind = KINDS
        .iter()
        .position(|kinds| kinds.contains(&object.kind()))
        .unwrap_or(OTHER);
    steps.clamp(-STEPS_MAX, STEPS_MAX) * STEP + i32::try_from(kind).unwrap_or_default()
}
