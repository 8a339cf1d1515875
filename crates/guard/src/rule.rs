//! The rules, one file each, and what they are given to look at.

mod capabilities;
mod dangling;
mod disruption;
mod escalation;
mod host_namespaces;
mod host_path;
mod image_digest;
mod image_latest;
mod ingress_tls;
mod network_policy;
mod non_root;
mod plain_secret;
mod pod_security;
mod privileged;
mod probes;
mod read_only_root;
mod replicas;
mod resources;
mod seccomp;
mod service_account;
mod service_selector;
#[cfg(test)]
mod tests;

use serde_json::Value;
use windlass_core::config::Severity;
use windlass_core::object::{Container, Object, Pod};

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, as findings and exceptions name it.
    pub name: &'static str,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// What to do about it.
    pub remedy: &'static str,
    /// Says what breaks it, one sentence each.
    pub check: fn(&Scene<'_>, &mut dyn FnMut(String)),
}

/// All rules, in the order of their names.
pub const RULES: &[Rule] = &[
    capabilities::RULE,
    dangling::RULE,
    disruption::RULE,
    host_namespaces::RULE,
    host_path::RULE,
    image_digest::RULE,
    image_latest::RULE,
    ingress_tls::RULE,
    network_policy::RULE,
    non_root::RULE,
    plain_secret::RULE,
    pod_security::RULE,
    escalation::RULE,
    privileged::RULE,
    probes::RULE,
    read_only_root::RULE,
    replicas::RULE,
    resources::RULE,
    seccomp::RULE,
    service_account::RULE,
    service_selector::RULE,
];

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// All objects of the environment.
    pub objects: &'a [Object],
    /// Whether customers pay here.
    pub production: bool,
}

impl<'a> Scene<'a> {
    /// Every pod that the objects run.
    pub(crate) fn pods(&self) -> impl Iterator<Item = (&'a Object, Pod<'a>)> {
        self.objects
            .iter()
            .filter_map(|object| Some((object, object.workload()?.pod()?)))
    }

    /// Every container, initial ones included, with a name for sentences: `Deployment/cart, container cart`.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (String, Pod<'a>, Container<'a>)> {
        self.pods().flat_map(|(object, pod)| {
            let all = pod.init_containers().into_iter().chain(pod.containers());
            all.map(move |container| {
                let place = format!("{}, container {}", object.reference().short(), container.name());
                (place, pod, container)
            })
        })
    }
}

fn flag(value: &Value, pointer: &str) -> Option<bool> {
    value.pointer(pointer).and_then(Value::as_bool)
}

/// The fewest replicas that a Deployment or StatefulSet runs: its autoscaler's word counts, where it has one.
fn replicas_min(scene: &Scene<'_>, object: &Object) -> u32 {
    let scales = |scaler: &&Object| {
        let target = |field: &str| scaler.value().pointer(&format!("/spec/scaleTargetRef/{field}"));
        scaler.is("autoscaling", "HorizontalPodAutoscaler")
            && target("kind").is_some_and(|kind| kind == object.kind())
            && target("name").is_some_and(|name| name == object.name())
    };
    let least = scene.objects.iter().find(scales).map(|scaler| {
        let least = scaler
            .value()
            .pointer("/spec/minReplicas")
            .and_then(Value::as_u64);
        least.map_or(1, |least| u32::try_from(least).unwrap_or(u32::MAX))
    });
    least.unwrap_or_else(|| object.workload().map_or(1, |workload| workload.replicas()))
}
