//! One event causes at most one action with a turn per environment and rollout, and turns only grow.

use std::collections::BTreeMap;

use windlass_core::machine::action::Action;

use super::{Checker, Sight};

#[derive(Debug)]
pub(super) struct OneAtATime;

impl Checker for OneAtATime {
    fn name(&self) -> &'static str {
        "one rollout per environment has one action under way"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        let mut turns: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for action in sight.actions {
            let (Action::Carry {
                environment,
                rollout,
                turn,
                ..
            }
            | Action::Route {
                environment,
                rollout,
                turn,
                ..
            }) = action
            else {
                continue;
            };
            if turns.insert((environment, *rollout), *turn).is_some() {
                return Err(format!(
                    "{environment}: two actions at once, the second {action:?}"
                ));
            }
        }
        Ok(())
    }
}
