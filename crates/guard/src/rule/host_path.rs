//! A folder of the node in a pod: the way out of a container.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "host-path",
    severity: Severity::High,
    remedy: "use a PersistentVolumeClaim, an emptyDir or a ConfigMap",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (object, pod) in scene.pods() {
        let volumes = pod.value().pointer("/spec/volumes").and_then(Value::as_array);
        for volume in volumes.into_iter().flatten() {
            if let Some(path) = volume.pointer("/hostPath/path").and_then(Value::as_str) {
                say(format!(
                    "{} mounts {path} of the node",
                    object.reference().short()
                ));
            }
        }
    }
}
