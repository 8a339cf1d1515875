//! Without a readiness probe requests go to instances that cannot answer yet; without liveness a hung one stays.

use windlass_core::config::Severity;
use windlass_core::object::WorkloadKind;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "probes",
    severity: Severity::High,
    remedy: "set `readinessProbe` and `livenessProbe` on each container that listens",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for workload in scene
        .objects
        .iter()
        .filter_map(windlass_core::object::Object::workload)
    {
        match workload.kind() {
            WorkloadKind::Job | WorkloadKind::CronJob | WorkloadKind::Pod | WorkloadKind::ReplicaSet => {
                continue;
            }
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => {}
        }
        for container in workload.containers() {
            if container.ports().is_empty() {
                continue;
            }
            let missing: Vec<&str> = [
                ("readinessProbe", container.readiness().is_none()),
                ("livenessProbe", container.liveness().is_none()),
            ]
            .iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| *name)
            .collect();
            if !missing.is_empty() {
                let place = workload.object().reference().short();
                say(format!(
                    "{place}, container {} has no {}",
                    container.name(),
                    missing.join(" and no ")
                ));
            }
        }
    }
}
