//! A pod in the node's own namespaces sees and reaches what is none of its business.

use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "host-namespaces",
    severity: Severity::Critical,
    remedy: "remove hostNetwork, hostPID and hostIPC; use a Service to be reached",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (object, pod) in scene.pods() {
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            if flag(pod.value(), &format!("/spec/{field}")) == Some(true) {
                say(format!(
                    "{} uses the node's own {field}",
                    object.reference().short()
                ));
            }
        }
    }
}
