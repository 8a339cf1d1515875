//! Nothing is changed in an environment that wants approvals before enough people approved exactly this plan, except to
//! go back.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Event, Step, Wish};

use super::{Checker, Sight};

#[derive(Debug, Default)]
pub(super) struct Approvals {
    /// Who approved which plan of an environment, and who in an emergency.
    given: BTreeMap<(String, String), (BTreeSet<String>, bool)>,
}

impl Checker for Approvals {
    fn name(&self) -> &'static str {
        "no release without approvals that name its plan"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        if let Event::Asked {
            environment,
            actor,
            wish: Wish::Approve { plan, break_glass },
            ..
        } = sight.event
        {
            let given = self.given.entry((environment.clone(), plan.clone())).or_default();
            given.0.insert(actor.clone());
            given.1 |= break_glass;
        }
        for action in sight.actions {
            // The first step that changes anything; a rollback has none of it.
            let Action::Carry {
                environment,
                step: Step::Migrate | Step::StopOld,
                ..
            } = action
            else {
                continue;
            };
            let view = sight
                .after
                .environments
                .iter()
                .find(|one| one.name == *environment);
            let Some(view) = view else { continue };
            let wanted = match view.deploy.split(' ').next().unwrap_or_default() {
                "by" => continue,
                count => count.parse::<usize>().unwrap_or(usize::MAX),
            };
            let plan = view.rollout.as_ref().and_then(|rollout| rollout.plan.as_ref());
            let Some(plan) = plan else {
                return Err(format!("{environment}: {action:?} without a plan"));
            };
            let given = self.given.get(&(environment.clone(), plan.digest.clone()));
            let enough = given.is_some_and(|(people, emergency)| *emergency || people.len() >= wanted);
            if !enough {
                return Err(format!("{environment}: plan {} has {given:?}", plan.digest));
            }
        }
        Ok(())
    }
}
