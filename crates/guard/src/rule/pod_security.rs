//! What the Pod Security Standard `restricted` forbids and no other rule here looks at: ports, probes, kernel settings and
//! kinds of volumes of the node.

use windlass_core::config::Severity;

use super::{Rule, Scene};
use crate::pod_security::{Level, violations};

/// Checks of the standard that have a rule of their own here, with a better remedy.
const OTHERS: [&str; 9] = [
    "privileged",
    "hostNamespaces",
    "hostPathVolumes",
    "allowPrivilegeEscalation",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile_restricted",
    "capabilities_restricted",
    "capabilities_baseline",
];

pub(super) const RULE: Rule = Rule {
    name: "pod-security",
    severity: Severity::High,
    remedy: "remove the field; the Pod Security Standard `restricted` lists what is allowed instead",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (object, pod) in scene.pods() {
        let baseline = violations(pod.value(), Level::Baseline);
        let of_node = baseline.iter().find(|it| it.check == "hostPathVolumes");
        for violation in violations(pod.value(), Level::Restricted) {
            // Where only folders of the node are wrong with the volumes, another rule says so.
            let said = violation.check == "restrictedVolumes"
                && of_node.is_some_and(|it| it.message == violation.message);
            if !OTHERS.contains(&violation.check) && !said {
                let place = object.reference().short();
                say(format!(
                    "{place} fails {}: {}",
                    violation.check, violation.message
                ));
            }
        }
    }
}
