//! The machine that decides what happens to releases: events in, new state and actions out. It reads no clock and does
//! nothing itself.
//!
//! One environment is one lane with at most one rollout. A rollout goes through the phases of its strategy:
//!
//! | strategy | phases |
//! |---|---|
//! | blue-green | prepare, gates, migrate, start, ready, verify, switch, watch, clean |
//! | canary | prepare, gates, migrate, start, ready, verify, canary, switch, watch, clean |
//! | rolling | prepare, gates, migrate, start, ready, switch, watch |
//! | recreate | prepare, gates, stop-old, migrate, start, ready, verify, switch |
//! | back (a rollback whose target no longer runs) | (stop-old,) start, ready, switch (, clean): no plan, no gate |
//!
//! Blue-green and canary take the track beside the live one; rolling and recreate stay on blue. In place (rolling,
//! recreate) the runtime replaces what is on the track.
//!
//! At most one action with a turn is under way per lane, except that leading customers back never waits for another.
//! Actions are sent at least once; an outcome counts only if it names the rollout and the turn that is waited for.

pub mod action;
pub mod analysis;
mod ask;
mod candidate;
mod carry;
pub mod checklist;
pub mod event;
mod gate;
mod grant;
mod outcome;
pub mod release;
mod settle;
mod show;
mod state;
mod take;
#[cfg(test)]
mod tests;
mod watch;

pub use ask::{Ask, Refusal, ask};
pub use show::view;
pub use state::State;

use action::Action;
use event::Event;

/// What happens next: the state after `event`, and what has to be done about it. `now_ms` is in milliseconds since the epoch.
#[must_use]
pub fn step(state: &State, event: &Event, now_ms: i64) -> (State, Vec<Action>) {
    let mut next = state.clone();
    let mut actions = Vec::new();
    take::take(&mut next, event, now_ms, &mut actions);
    settle::settle(&mut next, now_ms, &mut actions);
    (next, actions)
}
