//! Whoever breaks into a process must not be able to change its programs.

use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "read-only-root",
    severity: Severity::Medium,
    remedy: "set `securityContext.readOnlyRootFilesystem: true` and mount an `emptyDir` where the process writes",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        if flag(container.value(), "/securityContext/readOnlyRootFilesystem") != Some(true) {
            say(format!("{place} can write to its own root"));
        }
    }
}
