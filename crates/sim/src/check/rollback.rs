//! A rollback waits for nothing: what a person wants back is on its way in the same breath, whatever gates and freezes
//! say; and once customers are being led back, the bad release does not get them again.

use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Event, Step, Wish};

use super::{Checker, Sight};

#[derive(Debug)]
pub(super) struct Rollbacks;

impl Checker for Rollbacks {
    fn name(&self) -> &'static str {
        "a rollback waits for no gate and no freeze"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        let Event::Asked {
            environment: name,
            wish: Wish::Rollback { .. },
            ..
        } = sight.event
        else {
            return Ok(());
        };
        let phase = |view: &windlass_core::view::View| {
            let one = view.environments.iter().find(|one| one.name == *name);
            one.and_then(|one| one.rollout.as_ref().map(|rollout| rollout.phase.clone()))
        };
        // A step that changes something is not interrupted.
        let busy = matches!(
            phase(sight.before).as_deref(),
            Some("stop-old" | "migrate" | "start" | "ready" | "verify" | "clean")
        );
        let on_its_way = sight.actions.iter().any(|action| match action {
            Action::Carry {
                environment, step, ..
            } => environment == name && matches!(step, Step::Start | Step::StopOld),
            Action::Route {
                environment, step, ..
            } => environment == name && *step == Step::Return,
            Action::Build { .. }
            | Action::Measure { .. }
            | Action::Wake { .. }
            | Action::Notify { .. }
            | Action::ProposeRevert { .. } => false,
        });
        // The wish may have been withdrawn by what happened since it was asked.
        let taken = phase(sight.before) != phase(sight.after);
        if busy || on_its_way || !taken {
            return Ok(());
        }
        Err(format!("{name}: {:?} follows", sight.actions))
    }
}
