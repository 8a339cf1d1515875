//! A token of the cluster's API in a pod that never asks the API for anything is only of use to an intruder.

use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "service-account-token",
    severity: Severity::Low,
    remedy: "set `automountServiceAccountToken: false`, and mount a token only where one is used",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (object, pod) in scene.pods() {
        if flag(pod.value(), "/spec/automountServiceAccountToken") != Some(false) {
            say(format!(
                "{} mounts a token of the cluster's API",
                object.reference().short()
            ));
        }
    }
}
