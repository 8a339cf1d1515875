//! One replica in production: every restart of it is an outage.

use windlass_core::config::Severity;

use super::{Rule, Scene, replicas_min};

pub(super) const RULE: Rule = Rule {
    name: "replicas",
    severity: Severity::Medium,
    remedy: "set `replicas: 2` or more, or `minReplicas: 2` on its autoscaler",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    if !scene.production {
        return;
    }
    for deployment in scene
        .objects
        .iter()
        .filter(|object| object.is("apps", "Deployment"))
    {
        let replicas = replicas_min(scene, deployment);
        if replicas == 1 {
            say(format!(
                "Deployment/{} has a single replica in production",
                deployment.name()
            ));
        }
    }
}
