//! Which objects may exist twice. It changes nothing.

use crate::object::Object;

use super::{LABEL, SHARED, is_coloured, select};

/// What becomes of an object when a track is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Each track has its own.
    Coloured,
    /// Both tracks use the one.
    Shared,
    /// Leads customers to Services: shared, or changed by the switch.
    Route,
}

/// Types of Secrets that something outside of the pods reads: an Ingress, the kubelet, the cluster.
const SECRET_TYPES_SHARED: [&str; 5] = [
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg",
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];

/// The class of each object.
pub(super) fn classes(objects: &[Object]) -> Vec<Class> {
    let doubled: Vec<_> = objects
        .iter()
        .filter(|object| is_workload(object) && !is_marked_shared(object))
        .collect();
    let single: Vec<_> = objects
        .iter()
        .filter(|object| object.workload().is_some() && (!is_workload(object) || is_marked_shared(object)))
        .collect();
    let pods = select::Pods::of(&doubled, &single);
    objects
        .iter()
        .map(|object| class(object, &doubled, &pods))
        .collect()
}

fn class(object: &Object, doubled: &[&Object], pods: &select::Pods) -> Class {
    if is_coloured(object) {
        return Class::Coloured;
    }
    if is_marked_shared(object) || object.hook().is_some() {
        return Class::Shared;
    }
    let coloured = match (object.group(), object.kind()) {
        ("apps", "Deployment") | ("", "ConfigMap") => true,
        ("", "Secret") => object
            .secret()
            .is_some_and(|secret| !SECRET_TYPES_SHARED.contains(&secret.kind())),
        ("", "Service") => pods.only_doubled(&without_version(object, "/spec/selector")),
        ("policy", "PodDisruptionBudget") => pods.only_doubled(&selector(object, "/spec/selector")),
        ("networking.k8s.io", "NetworkPolicy") => pods.only_doubled(&selector(object, "/spec/podSelector")),
        ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject") => {
            targets(object, "/spec/scaleTargetRef", doubled)
        }
        ("autoscaling.k8s.io", "VerticalPodAutoscaler") => targets(object, "/spec/targetRef", doubled),
        ("networking.k8s.io" | "extensions", "Ingress")
        | ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute") => {
            return Class::Route;
        }
        _ => false,
    };
    if coloured { Class::Coloured } else { Class::Shared }
}

fn is_workload(object: &Object) -> bool {
    object.is("apps", "Deployment") && object.hook().is_none()
}

fn is_marked_shared(object: &Object) -> bool {
    [object.annotation(SHARED), object.label(SHARED)].contains(&Some("true"))
}

fn targets(object: &Object, pointer: &str, doubled: &[&Object]) -> bool {
    let target = object.value().pointer(pointer);
    let field = |name: &str| {
        target
            .and_then(|target| target.get(name))
            .and_then(|v| v.as_str())
    };
    // KEDA leaves the kind out where it is a Deployment.
    let kind = field("kind").unwrap_or("Deployment");
    field("name").is_some_and(|name| {
        doubled
            .iter()
            .any(|workload| workload.kind() == kind && workload.name() == name)
    })
}

fn selector(object: &Object, pointer: &str) -> select::Selector {
    select::Selector::of(object.value().pointer(pointer))
}

/// A Service's selector is a plain map.
fn without_version(object: &Object, pointer: &str) -> select::Selector {
    select::Selector::of_map(object.value().pointer(pointer)).without(LABEL)
}
