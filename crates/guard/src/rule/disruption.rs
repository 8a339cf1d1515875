//! A budget that allows no eviction keeps nodes from ever being drained.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_core::config::Severity;
use windlass_core::object::{Object, WorkloadKind};

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "disruption-budget",
    severity: Severity::Medium,
    remedy: "let at least one pod go: `maxUnavailable: 1`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for budget in scene
        .objects
        .iter()
        .filter(|object| object.is("policy", "PodDisruptionBudget"))
    {
        let name = budget.name();
        let amount = |pointer: &str| budget.value().pointer(pointer).map(Amount::of);
        if amount("/spec/maxUnavailable")
            .is_some_and(|most| most == Amount::Count(0) || most == Amount::Percent(0))
        {
            say(format!(
                "PodDisruptionBudget/{name} allows no eviction: maxUnavailable is 0"
            ));
        }
        let Some(least) = amount("/spec/minAvailable") else {
            continue;
        };
        match least {
            Amount::Percent(percent) if percent >= 100 => {
                say(format!(
                    "PodDisruptionBudget/{name} allows no eviction: minAvailable is {percent}%"
                ));
            }
            Amount::Count(least) => {
                let replicas = replicas(scene, budget);
                if replicas.is_some_and(|replicas| least >= replicas) {
                    let replicas = replicas.unwrap_or(0);
                    say(format!(
                        "PodDisruptionBudget/{name} allows no eviction: minAvailable is {least} of {replicas}"
                    ));
                }
            }
            Amount::Percent(_) | Amount::Other => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Count(u64),
    Percent(u64),
    Other,
}

impl Amount {
    fn of(value: &Value) -> Self {
        if let Some(count) = value.as_u64() {
            return Self::Count(count);
        }
        let percent = value
            .as_str()
            .and_then(|text| text.strip_suffix('%')?.parse().ok());
        percent.map_or(Self::Other, Self::Percent)
    }
}

/// Replicas of the workload that the budget selects, as far as the manifests say.
fn replicas(scene: &Scene<'_>, budget: &Object) -> Option<u64> {
    let selector = budget
        .value()
        .pointer("/spec/selector/matchLabels")?
        .as_object()?;
    let wanted: BTreeMap<&str, &str> = selector
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    let workload = scene
        .objects
        .iter()
        .filter_map(Object::workload)
        .find(|workload| {
            let labels = workload.pod().map(|pod| pod.labels()).unwrap_or_default();
            let kept = matches!(
                workload.kind(),
                WorkloadKind::Deployment | WorkloadKind::StatefulSet
            );
            kept && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
        })?;
    Some(u64::from(super::replicas_min(scene, workload.object())))
}
