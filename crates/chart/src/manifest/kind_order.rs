//! The order of kinds in which Helm installs; others come last, by name.

use std::cmp::Ordering;

use crate::profile::Profile;

const ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds at the end of the order that helm 3 does not know.
const NEW_IN_HELM4: usize = 2;

/// Sorts by kind as Helm installs; what is of one kind stays in its order.
pub fn in_order_of_installation<T>(items: &mut [T], kind: impl Fn(&T) -> String, profile: Profile) {
    items.sort_by(|a, b| compare(&kind(a), &kind(b), profile));
}

/// Sorts by kind as Helm removes: the other way round, but unknown kinds are last again.
pub fn in_order_of_removal<T>(items: &mut [T], kind: impl Fn(&T) -> String, profile: Profile) {
    let known = known(profile);
    let place = |kind: &str| removal(kind, known);
    items.sort_by(|a, b| {
        let (a, b) = (kind(a), kind(b));
        match (place(&a), place(&b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(&b),
        }
    });
}

fn known(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Helm3 => &ORDER[..ORDER.len() - NEW_IN_HELM4],
        Profile::Helm4 => &ORDER[..],
    }
}

pub(super) fn compare(a: &str, b: &str, profile: Profile) -> Ordering {
    let known = known(profile);
    let place = |kind: &str| known.iter().position(|it| *it == kind);
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Services go before what they lead to, right after the ingresses.
fn removal(kind: &str, known: &[&str]) -> Option<usize> {
    let from_the_end = |kind: &str| {
        let place = known.iter().rev().position(|it| *it == kind)?;
        Some(2 * place + 1)
    };
    match kind {
        "Service" => from_the_end("CronJob").map(|it| it - 1),
        _ => from_the_end(kind),
    }
}
