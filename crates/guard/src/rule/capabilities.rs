//! A service needs none of the rights that Linux hands to root in parts.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene};

/// The one capability that the restricted Pod Security Standard lets a container add.
const ALLOWED: &str = "NET_BIND_SERVICE";

pub(super) const RULE: Rule = Rule {
    name: "capabilities",
    severity: Severity::Medium,
    remedy: "set `securityContext.capabilities: {drop: [ALL]}`, and add nothing but NET_BIND_SERVICE",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        let list = |pointer: &str| {
            let list = container.value().pointer(pointer).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str)
        };
        if !list("/securityContext/capabilities/drop").any(|one| one == "ALL") {
            say(format!("{place} keeps capabilities that it does not need"));
        }
        for added in list("/securityContext/capabilities/add").filter(|one| *one != ALLOWED) {
            say(format!("{place} adds the capability {added}"));
        }
    }
}
