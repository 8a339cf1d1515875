//! Every action of the outbox is answered in the end: somebody is doing each of them at any time, and at rest only those
//! are left that wait for their time. An action that is superseded is answered as well, by an outcome that changes nothing.

use windlass_core::machine::action::Action;

use super::{Checker, Failure, Sight};
use crate::world::World;

const NAME: &str = "every action of the outbox is answered";

#[derive(Debug)]
pub(super) struct Outbox;

impl Checker for Outbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        match sight.world.forgotten().first() {
            None => Ok(()),
            Some(action) => Err(format!("nobody does {action:?}")),
        }
    }
}

pub(crate) fn check_at_rest(world: &World) -> Result<(), Failure> {
    let waits = |action: &Action| matches!(action, Action::Measure { .. } | Action::Wake { .. });
    match world.unanswered().into_iter().find(|action| !waits(action)) {
        None => Ok(()),
        Some(action) => Err(Failure {
            checker: NAME,
            what: format!("at rest, {action:?} has no outcome"),
        }),
    }
}
