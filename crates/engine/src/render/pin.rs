//! The images of a release in the objects, whether or not the chart takes them from its values.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_core::object::{Object, WorkloadKind};

use super::values::without_version;

/// Names each container's image by the digest of the release, if it is the image of a service: `images` maps the service
/// to the full reference.
pub(super) fn pinned(object: &Object, images: &BTreeMap<String, String>) -> Object {
    let Some(kind) = WorkloadKind::of(object) else {
        return object.clone();
    };
    let edit = |value: &mut Value| {
        let Some(pod) = value.pointer_mut(kind.pod_pointer()) else {
            return;
        };
        for list in ["/spec/initContainers", "/spec/containers"] {
            let Some(containers) = pod.pointer_mut(list).and_then(Value::as_array_mut) else {
                continue;
            };
            for container in containers {
                let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
                if let Some(pinned) = images.get(service(image)) {
                    container["image"] = Value::String(pinned.clone());
                }
            }
        }
    };
    object.edited(edit).unwrap_or_else(|_| object.clone())
}

/// The last part of a reference's name: `cart` of `ghcr.io/company/cart:v1@sha256:...`.
fn service(image: &str) -> &str {
    let name = without_version(image);
    name.rsplit('/').next().unwrap_or(name)
}
