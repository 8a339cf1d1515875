//! A privileged container is root on the node.

use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "privileged",
    severity: Severity::Critical,
    remedy: "remove `privileged: true`; add the single capability that is needed instead",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        if flag(container.value(), "/securityContext/privileged") == Some(true) {
            say(format!("{place} is privileged"));
        }
    }
}
