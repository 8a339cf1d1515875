//! A circuit breaker: after several failures in a row calls are refused at once for a moment, then one may try.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES_MAX: u32 = 8;
/// How long it stays open before one call may try again.
const OPEN_FOR: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when calls are refused; moved on when one is let through to try.
    closed_again_at: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. Once the time is over one caller is let through, and the others wait for it.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.closed_again_at {
            None => true,
            Some(at) if now < at => false,
            Some(_) => {
                state.closed_again_at = Some(now + OPEN_FOR);
                true
            }
        }
    }

    pub(crate) fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures > 0 || state.closed_again_at.is_some() {
            *state = State::default();
        }
    }

    pub(crate) fn failed(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX {
            state.closed_again_at = Some(now + OPEN_FOR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_lets_one_try_and_closes() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..FAILURES_MAX {
            assert!(breaker.admits(start));
            breaker.failed(start);
        }
        assert!(!breaker.admits(start + OPEN_FOR / 2));
        let later = start + OPEN_FOR * 2;
        assert_eq!([breaker.admits(later), breaker.admits(later)], [true, false]);
        breaker.succeeded();
        assert!(breaker.admits(later));
    }
}
