//! Without this a process can gain rights that its user does not have (setuid programs).

use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "privilege-escalation",
    severity: Severity::High,
    remedy: "set `securityContext.allowPrivilegeEscalation: false` on the container",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        if flag(container.value(), "/securityContext/allowPrivilegeEscalation") != Some(false) {
            say(format!("{place} may gain further privileges"));
        }
    }
}
