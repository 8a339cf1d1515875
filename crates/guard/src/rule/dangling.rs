//! A pod that refers to a ConfigMap, Secret, claim or account that the chart does not bring waits for it for ever.

use std::collections::BTreeSet;

use serde_json::Value;
use windlass_core::config::Severity;
use windlass_core::object::{Container, EnvFromSource, EnvValue, Object, Pod};

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "dangling-reference",
    severity: Severity::Medium,
    remedy: "correct the name, add the object, or mark the reference `optional: true`",
    check,
};

type Wanted = BTreeSet<(&'static str, String)>;

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    let there = there(scene);
    for (object, pod) in scene.pods() {
        for (kind, name) in wanted(pod).difference(&there) {
            let place = object.reference().short();
            say(format!(
                "{place} refers to {kind}/{name}, which is not among the objects"
            ));
        }
    }
}

/// What the objects bring, Secrets that an operator makes of them included.
fn there(scene: &Scene<'_>) -> Wanted {
    const KINDS: [&str; 4] = ["ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount"];
    let mut there: Wanted = BTreeSet::from([("ServiceAccount", "default".to_owned())]);
    for object in scene.objects {
        if let Some(kind) = KINDS.into_iter().find(|kind| object.is("", kind)) {
            there.insert((kind, object.name().to_owned()));
        }
        let made = match object.kind() {
            "ExternalSecret" => text(object.value(), "/spec/target/name"),
            "SealedSecret" => text(object.value(), "/spec/template/metadata/name"),
            "Certificate" => text(object.value(), "/spec/secretName"),
            _ => continue,
        };
        there.insert(("Secret", made.unwrap_or_else(|| object.name()).to_owned()));
    }
    there
}

fn wanted(pod: Pod<'_>) -> Wanted {
    let mut wanted = Wanted::new();
    for container in pod.init_containers().into_iter().chain(pod.containers()) {
        of_container(container, &mut wanted);
    }
    let volumes = pod.value().pointer("/spec/volumes").and_then(Value::as_array);
    for volume in volumes.into_iter().flatten() {
        let optional = |kind: &str| volume.pointer(&format!("/{kind}/optional")) == Some(&Value::Bool(true));
        for (kind, source, name) in [
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ] {
            if let Some(name) = text(volume, &format!("/{source}/{name}")).filter(|_| !optional(source)) {
                wanted.insert((kind, name.to_owned()));
            }
        }
    }
    if let Some(account) = pod.service_account() {
        wanted.insert(("ServiceAccount", account.to_owned()));
    }
    wanted
}

fn of_container(container: Container<'_>, wanted: &mut Wanted) {
    for from in container.env_from().into_iter().filter(|from| !from.optional) {
        wanted.insert(match from.source {
            EnvFromSource::ConfigMap(name) => ("ConfigMap", name.to_owned()),
            EnvFromSource::Secret(name) => ("Secret", name.to_owned()),
        });
    }
    for variable in container.env() {
        match variable.value {
            EnvValue::ConfigMap(key) if !key.optional => {
                wanted.insert(("ConfigMap", key.name.to_owned()));
            }
            EnvValue::Secret(key) if !key.optional => {
                wanted.insert(("Secret", key.name.to_owned()));
            }
            EnvValue::Literal(_)
            | EnvValue::ConfigMap(_)
            | EnvValue::Secret(_)
            | EnvValue::Field(_)
            | EnvValue::Resource(_) => {}
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// Whether an object of the set is what a Service or a policy selects.
pub(super) fn selected(scene: &Scene<'_>, selector: &Value) -> bool {
    let Some(wanted) = selector.as_object() else {
        return false;
    };
    scene.objects.iter().filter_map(Object::workload).any(|workload| {
        let labels = workload.pod().map(|pod| pod.labels()).unwrap_or_default();
        wanted
            .iter()
            .all(|(key, value)| labels.get(key.as_str()).copied() == value.as_str())
    })
}
