//! What is done for an environment stays inside it: nothing else changes, and what it stops it had started itself.

use std::collections::BTreeSet;

use windlass_core::machine::action::Action;
use windlass_core::machine::event::Step;

use super::{Checker, Sight};
use crate::world::Effect;

#[derive(Debug, Default)]
pub(super) struct Owned {
    /// What was ever started where.
    started: BTreeSet<(String, String)>,
}

impl Checker for Owned {
    fn name(&self) -> &'static str {
        "an environment stops only what it owns"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for effect in sight.effects {
            let Effect::Changed {
                environment,
                changed,
                stopped,
                ..
            } = effect
            else {
                continue;
            };
            let own = |release: &String| self.started.contains(&(environment.clone(), release.clone()));
            if changed.iter().any(|other| other != environment) || !stopped.iter().all(own) {
                return Err(format!("{environment}: {effect:?}"));
            }
        }
        for action in sight.actions {
            let Action::Carry {
                environment,
                release,
                track,
                step,
                ..
            } = action
            else {
                continue;
            };
            match step {
                Step::Start => {
                    self.started.insert((environment.clone(), release.clone()));
                }
                Step::StopOld | Step::Clean
                    if !self.started.contains(&(environment.clone(), release.clone())) =>
                {
                    return Err(format!(
                        "{environment} stops {release}@{} of others",
                        track.name()
                    ));
                }
                Step::StopOld
                | Step::Clean
                | Step::Prepare
                | Step::Migrate
                | Step::Ready
                | Step::Verify
                | Step::Switch
                | Step::Return => {}
            }
        }
        Ok(())
    }
}
