//! Sync and self-heal never undo a hold: a release that is kept out is not even planned.

use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Event, Step, Wish};
use windlass_core::machine::release::id_of;

use super::{Checker, Sight};

#[derive(Debug)]
pub(super) struct Holds;

impl Checker for Holds {
    fn name(&self) -> &'static str {
        "sync and self-heal never undo a hold"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        let gone = sight.before.environments.iter().flat_map(|one| {
            let after = sight
                .after
                .environments
                .iter()
                .find(|after| after.name == one.name);
            one.holds.iter().filter_map(move |hold| {
                let kept =
                    after.is_some_and(|after| after.holds.iter().any(|kept| kept.release == hold.release));
                (!kept).then_some((one, hold, after?))
            })
        });
        for (environment, hold, after) in gone {
            let asked = matches!(
                sight.event,
                Event::Asked {
                    wish: Wish::ClearHold { .. } | Wish::Retry | Wish::Rollback { .. },
                    ..
                }
            );
            // The branch went on to something newer.
            let newer =
                matches!(sight.event, Event::SnapshotSeen { commit, .. } if id_of(commit) != hold.release);
            let outlived = after.history.len() != environment.history.len()
                || after.live.as_ref().map(|live| &live.release)
                    != environment.live.as_ref().map(|live| &live.release)
                || after.rollout.as_ref().map(|rollout| &rollout.phase)
                    != environment.rollout.as_ref().map(|rollout| &rollout.phase);
            if !asked && !newer && !outlived {
                return Err(format!(
                    "{}: the hold of {} is gone",
                    environment.name, hold.release
                ));
            }
        }
        for action in sight.actions {
            let Action::Carry {
                environment,
                release,
                step: Step::Prepare | Step::Migrate,
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
            if view.is_some_and(|one| one.holds.iter().any(|hold| hold.release == *release)) {
                return Err(format!("{environment}: {action:?} of a release that is kept out"));
            }
        }
        Ok(())
    }
}
