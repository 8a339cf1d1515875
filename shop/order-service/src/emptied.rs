//! Events that the cart has had from the checkout itself, so that the relay need not send them again. Only a help: what is
//! forgotten here, or never noted because the process died, is sent once more, and the cart knows it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Events that are remembered. The relay of another process may have taken some, so without a limit they would pile up.
const EVENTS_MAX: usize = 20_000;

/// A clone is the same set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Emptied {
    events: Arc<Mutex<HashSet<Uuid>>>,
}

impl Emptied {
    pub(crate) fn note(&self, event: Uuid) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= EVENTS_MAX {
            events.clear();
        }
        events.insert(event);
    }

    /// Whether it was noted; it is forgotten with that.
    pub(crate) fn take(&self, event: &str) -> bool {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::parse_str(event).is_ok_and(|event| events.remove(&event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_once_and_there_are_never_too_many() {
        let emptied = Emptied::default();
        for number in 0..EVENTS_MAX + 5 {
            emptied.note(Uuid::from_u128(number as u128));
        }
        let last = Uuid::from_u128(EVENTS_MAX as u128).to_string();
        assert_eq!([emptied.take(&last), emptied.take(&last)], [true, false]);
        assert_eq!(emptied.events.lock().unwrap().len(), 4);
    }
}
