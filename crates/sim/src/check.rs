//! What must never become true, one file per invariant. A checker looks after every event.

mod approval;
pub(crate) mod converged;
mod double;
mod explained;
mod generation;
mod hold;
mod lost;
mod one_at_a_time;
pub(crate) mod outbox;
mod owned;
pub(crate) mod refusal;
pub(crate) mod replay;
pub(crate) mod rest;
mod rollback;
mod soon;
mod track;
mod weights;

use std::fmt;

use windlass_core::machine::action::Action;
use windlass_core::machine::event::Event;
use windlass_core::view::View;

use crate::world::{Effect, World};

/// What a checker sees: an event, what followed from it, and what actions did to the world since the last one.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The world after the event.
    pub world: &'a World,
    /// The event.
    pub event: &'a Event,
    /// The actions that it caused.
    pub actions: &'a [Action],
    /// The view before it.
    pub before: &'a View,
    /// The view after it.
    pub after: &'a View,
    /// What happened to the world.
    pub effects: &'a [Effect],
}

/// An invariant.
pub trait Checker: fmt::Debug {
    /// The invariant as a sentence.
    fn name(&self) -> &'static str;

    /// Looks; an error says what is wrong.
    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String>;
}

/// An invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The invariant.
    pub checker: &'static str,
    /// What was found instead.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.checker, self.what)
    }
}

/// One of each.
pub fn checkers() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(weights::Weights),
        Box::new(generation::Generation::default()),
        Box::new(track::Tracks),
        Box::new(one_at_a_time::OneAtATime),
        Box::new(approval::Approvals::default()),
        Box::new(hold::Holds),
        Box::new(rollback::Rollbacks),
        Box::new(outbox::Outbox),
        Box::new(double::Double::default()),
        Box::new(owned::Owned::default()),
        Box::new(lost::Lost),
        Box::new(soon::Soon::default()),
        Box::new(explained::Explained),
    ]
}
