//! The simulated ledger: events in order, and the actions that are not answered yet.

use std::collections::BTreeMap;

use windlass_core::machine::action::Action;
use windlass_core::machine::event::Event;
use windlass_core::machine::{State, step};

/// An action's place: the event that caused it, and its number among that event's actions.
pub(crate) type Key = (usize, usize);

/// Events and the outbox.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    events: Vec<(Event, i64)>,
    outbox: BTreeMap<Key, Action>,
    /// All actions that were ever written.
    sent: usize,
}

impl Ledger {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// The last so many events, one a line.
    pub(super) fn tail(&self, count: usize) -> String {
        let from = self.events.len().saturating_sub(count);
        let lines: Vec<String> = self.events[from..]
            .iter()
            .map(|(event, at_ms)| format!("{at_ms} {event:?}"))
            .collect();
        lines.join("\n")
    }

    /// Writes an event, its actions, and that it answers an action: all or nothing. As in the real one, the place after
    /// the writer's head must be free: who missed what another one wrote is told so, by `None`.
    pub(super) fn append(
        &mut self,
        event: &Event,
        actions: &[Action],
        now_ms: i64,
        answers: Option<Key>,
        head: usize,
    ) -> Option<Vec<Key>> {
        if head != self.events.len() {
            return None;
        }
        self.events.push((event.clone(), now_ms));
        if let Some(key) = answers {
            self.outbox.remove(&key);
        }
        self.sent += actions.len();
        let seq = self.events.len();
        let keys: Vec<Key> = (0..actions.len()).map(|index| (seq, index)).collect();
        self.outbox
            .extend(keys.iter().copied().zip(actions.iter().cloned()));
        Some(keys)
    }

    pub(super) fn answered(&mut self, key: Key) {
        self.outbox.remove(&key);
    }

    pub(super) fn waits(&self, key: Key) -> bool {
        self.outbox.contains_key(&key)
    }

    pub(super) fn unanswered(&self) -> Vec<(Key, Action)> {
        self.outbox
            .iter()
            .map(|(key, action)| (*key, action.clone()))
            .collect()
    }

    pub(super) fn pending(&self, wanted: &str) -> usize {
        let concerns = |action: &&Action| match action {
            Action::Build { .. } => true,
            Action::Carry { environment, .. }
            | Action::Route { environment, .. }
            | Action::Measure { environment, .. }
            | Action::Wake { environment, .. } => environment == wanted,
            Action::Notify { .. } | Action::ProposeRevert { .. } => false,
        };
        self.outbox.values().filter(concerns).count()
    }

    /// The state that the events lead to.
    pub(super) fn replay(&self) -> State {
        self.events
            .iter()
            .fold(State::default(), |state, (event, at_ms)| {
                step(&state, event, *at_ms).0
            })
    }
}
