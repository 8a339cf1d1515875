//! What a runtime runs without enforcing. Nothing is dropped silently: each such thing is named in the plan.

use std::collections::BTreeMap;

use crate::config::Runtime;
use crate::object::Object;

/// Kinds that mean nothing on one machine, with what is missed.
const LOCAL: [(&str, &str, &str); 15] = [
    (
        "networking.k8s.io",
        "NetworkPolicy",
        "every process may connect to every other",
    ),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "the number of replicas stays as it is",
    ),
    (
        "autoscaling.k8s.io",
        "VerticalPodAutoscaler",
        "requests and limits stay as they are",
    ),
    ("keda.sh", "ScaledObject", "the number of replicas stays as it is"),
    ("policy", "PodDisruptionBudget", "there are no nodes to drain"),
    (
        "networking.k8s.io",
        "Ingress",
        "the built-in proxy takes its place, without its host names and TLS",
    ),
    (
        "gateway.networking.k8s.io",
        "HTTPRoute",
        "the built-in proxy takes its place",
    ),
    ("rbac.authorization.k8s.io", "Role", "there is no cluster API"),
    (
        "rbac.authorization.k8s.io",
        "ClusterRole",
        "there is no cluster API",
    ),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        "there is no cluster API",
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "there is no cluster API",
    ),
    ("", "ResourceQuota", "only the limits of each container hold"),
    ("", "LimitRange", "only the limits of each container hold"),
    ("batch", "CronJob", "nothing is started by the clock"),
    (
        "external-secrets.io",
        "ExternalSecret",
        "no operator fetches secrets; use `secrets.provider: values`",
    ),
];

/// Pods' wishes about nodes, by JSON pointer.
const PLACEMENT: [(&str, &str); 4] = [
    ("/spec/affinity", "affinity"),
    ("/spec/nodeSelector", "node selector"),
    ("/spec/topologySpreadConstraints", "topology spread"),
    ("/spec/tolerations", "tolerations"),
];

/// Containers' wishes that a process on this machine is not given, by JSON pointer.
const CONTAINER: [(&str, &str, &str); 3] = [
    (
        "/resources/limits/cpu",
        "CPU limit",
        "processes share what the machine has",
    ),
    (
        "/resources/limits/ephemeral-storage",
        "ephemeral storage limit",
        "only the disk's own size holds",
    ),
    (
        "/lifecycle/preStop",
        "preStop hook",
        "the proxy drains an instance, then it gets SIGTERM",
    ),
];

/// One line for each kind of thing that the runtime does not enforce, with how many objects ask for it.
pub fn not_enforced(runtime: &Runtime, objects: &[Object]) -> Vec<String> {
    match runtime {
        Runtime::Kubernetes { .. } => Vec::new(),
        Runtime::Local => on_one_machine(objects),
    }
}

fn on_one_machine(objects: &[Object]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for object in objects {
        for (group, kind, missed) in LOCAL {
            if object.is(group, kind) {
                *counts.entry((kind, missed)).or_default() += 1;
            }
        }
        let pod = object
            .workload()
            .and_then(|workload| object.value().pointer(workload.kind().pod_pointer()));
        for (pointer, name) in PLACEMENT {
            if pod.is_some_and(|pod| pod.pointer(pointer).is_some()) {
                *counts.entry((name, "there is one machine")).or_default() += 1;
            }
        }
    }
    for (name, missed) in objects.iter().flat_map(wishes_of_containers) {
        *counts.entry((name, missed)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((kind, missed), count)| format!("{kind} ({count}): {missed}"))
        .collect()
}

fn wishes_of_containers(object: &Object) -> impl Iterator<Item = (&'static str, &'static str)> {
    let pod = object
        .workload()
        .and_then(|workload| object.value().pointer(workload.kind().pod_pointer()));
    let containers = pod.and_then(|pod| pod.pointer("/spec/containers")?.as_array());
    let containers = containers.into_iter().flatten();
    containers.flat_map(|container| {
        let asked = CONTAINER
            .into_iter()
            .filter(|(pointer, ..)| container.pointer(pointer).is_some());
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
        let probes = probes.into_iter().filter_map(|probe| container.get(probe));
        let unseen = probes.filter_map(|probe| {
            let tls = probe
                .pointer("/httpGet/scheme")
                .is_some_and(|scheme| scheme == "HTTPS");
            let name = probe
                .get("grpc")
                .map(|_| "gRPC probe")
                .or(tls.then_some("HTTPS probe"))?;
            Some((name, "only the connection is looked at"))
        });
        asked.map(|(_, name, missed)| (name, missed)).chain(unseen)
    })
}
