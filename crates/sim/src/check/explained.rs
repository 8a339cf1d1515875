//! Whoever looks is told what is waited for: each gate that does not allow says why and what to do; and what is not
//! settled has something under way.

use windlass_core::view::EnvironmentView;

use super::{Checker, Sight};

#[derive(Debug)]
pub(super) struct Explained;

impl Checker for Explained {
    fn name(&self) -> &'static str {
        "every wait is explained and ends"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for one in &sight.after.environments {
            let name = &one.name;
            // One environment may wait for another, and that one for a person.
            let moves = |other: &EnvironmentView| {
                sight.world.pending(&other.name) > 0 || (other.name != *name && other.waits_for_person)
            };
            if !one.settled && !sight.after.environments.iter().any(moves) {
                return Err(format!("{name} waits for nothing: {}", one.summary));
            }
            if let Some(next) = &one.next
                && (next.what.is_empty() || next.remedy.is_empty())
            {
                return Err(format!("{name}: {next:?}"));
            }
            let Some(rollout) = &one.rollout else { continue };
            let Some(waiting) = &rollout.waiting else {
                return Err(format!("{name} does not say what it waits for: {}", one.summary));
            };
            if waiting.what.is_empty() || waiting.remedy.is_empty() {
                return Err(format!("{name}: {waiting:?}"));
            }
            if waiting.person && one.commands.is_empty() {
                return Err(format!(
                    "{name} waits for a person, who can do nothing: {waiting:?}"
                ));
            }
            for gate in &rollout.gates {
                if gate.reason.is_empty() || gate.remedy.is_empty() != (gate.answer == "allow") {
                    return Err(format!("{name}: {gate:?}"));
                }
            }
        }
        Ok(())
    }
}
