//! The runtime's own filter takes away system calls that no service needs.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "seccomp",
    severity: Severity::Medium,
    remedy: "set `securityContext.seccompProfile: {type: RuntimeDefault}` on the pod",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    const AT: &str = "/securityContext/seccompProfile/type";
    for (place, pod, container) in scene.containers() {
        let of_pod = || pod.value().pointer("/spec").and_then(|spec| spec.pointer(AT));
        let profile = container
            .value()
            .pointer(AT)
            .or_else(of_pod)
            .and_then(Value::as_str);
        if !matches!(profile, Some("RuntimeDefault" | "Localhost")) {
            say(format!("{place} may make every system call"));
        }
    }
}
