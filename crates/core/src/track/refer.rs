//! References from one object to another by name: where they are in a manifest, and how they follow a new name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::Object;

/// Gives the new name of an object by kind and name; `None` where it keeps it.
pub(super) type Rename<'a> = dyn Fn(&str, &str) -> Option<String> + 'a;

/// Rewrites the references of a coloured object.
pub(super) fn rewrite(object: &Object, value: &mut Value, rename: &Rename<'_>) {
    match object.kind() {
        "HorizontalPodAutoscaler" | "ScaledObject" => {
            target(value.pointer_mut("/spec/scaleTargetRef"), rename);
        }
        "VerticalPodAutoscaler" => target(value.pointer_mut("/spec/targetRef"), rename),
        _ => {}
    }
    let Some(workload) = object.workload() else { return };
    if let Some(spec) = value.pointer_mut(&format!("{}/spec", workload.kind().pod_pointer())) {
        pod(spec, &mut |kind, name| {
            if let Some(new) = rename(kind, name) {
                *name = new;
            }
        });
    }
}

/// The ConfigMaps and Secrets that an object refers to, as (kind, name).
pub(super) fn names(object: &Object, found: &mut BTreeSet<(String, String)>) {
    let mut see = |kind: &str, name: &mut String| {
        found.insert((kind.to_owned(), name.clone()));
    };
    for entry in object
        .value()
        .pointer("/spec/tls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(name) = entry.get("secretName").and_then(Value::as_str) {
            see("Secret", &mut name.to_owned());
        }
    }
    let Some(workload) = object.workload() else { return };
    let pointer = format!("{}/spec", workload.kind().pod_pointer());
    if let Some(spec) = object.value().pointer(&pointer) {
        pod(&mut spec.clone(), &mut see);
    }
}

/// Rewrites the backends of an Ingress (both API versions) or of a Gateway API route.
pub(super) fn services(value: &mut Value, rename: &dyn Fn(&str) -> Option<String>) {
    let follow = |value: Option<&mut Value>| {
        if let Some(Value::String(name)) = value
            && let Some(new) = rename(name)
        {
            *name = new;
        }
    };
    let backend = |backend: &mut Value| {
        follow(backend.pointer_mut("/service/name"));
        follow(backend.get_mut("serviceName"));
    };
    for default in ["/spec/defaultBackend", "/spec/backend"] {
        value.pointer_mut(default).into_iter().for_each(backend);
    }
    for rule in list(value.pointer_mut("/spec/rules")) {
        for path in list(rule.pointer_mut("/http/paths")) {
            path.get_mut("backend").into_iter().for_each(backend);
        }
        for reference in list(rule.get_mut("backendRefs")) {
            let kind = reference.get("kind").and_then(Value::as_str).unwrap_or("Service");
            if kind == "Service" {
                follow(reference.get_mut("name"));
            }
        }
    }
}

fn target(target: Option<&mut Value>, rename: &Rename<'_>) {
    let Some(target) = target else { return };
    let kind = target
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or("Deployment")
        .to_owned();
    if let Some(Value::String(name)) = target.get_mut("name")
        && let Some(new) = rename(&kind, name)
    {
        *name = new;
    }
}

/// Visits each reference of a pod's specification.
fn pod(spec: &mut Value, visit: &mut dyn FnMut(&str, &mut String)) {
    for group in ["containers", "initContainers", "ephemeralContainers"] {
        for container in list(spec.get_mut(group)) {
            for variable in list(container.get_mut("env")) {
                field(variable, "/valueFrom/configMapKeyRef/name", "ConfigMap", visit);
                field(variable, "/valueFrom/secretKeyRef/name", "Secret", visit);
            }
            for source in list(container.get_mut("envFrom")) {
                field(source, "/configMapRef/name", "ConfigMap", visit);
                field(source, "/secretRef/name", "Secret", visit);
            }
        }
    }
    for volume in list(spec.get_mut("volumes")) {
        field(volume, "/configMap/name", "ConfigMap", visit);
        field(volume, "/secret/secretName", "Secret", visit);
        for source in list(volume.pointer_mut("/projected/sources")) {
            field(source, "/configMap/name", "ConfigMap", visit);
            field(source, "/secret/name", "Secret", visit);
        }
    }
    for secret in list(spec.get_mut("imagePullSecrets")) {
        field(secret, "/name", "Secret", visit);
    }
}

fn field(parent: &mut Value, pointer: &str, kind: &str, visit: &mut dyn FnMut(&str, &mut String)) {
    if let Some(Value::String(name)) = parent.pointer_mut(pointer) {
        visit(kind, name);
    }
}

fn list(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}
