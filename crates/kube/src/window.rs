//! How many requests may be under way at once: more while the server copes, half as many when it pushes back.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// At the start.
const START: usize = 8;
/// Never more: a server with two cores is busy with eight, one across a network with this many.
const MAX: usize = 32;
/// Answers in a row before one more is allowed.
const STEP: usize = 50;

/// The limit and what it has learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    allowed: usize,
    good: usize,
}

impl Limit {
    fn succeeded(&mut self) {
        self.good += 1;
        if self.good >= STEP {
            self.good = 0;
            self.allowed = (self.allowed + 1).min(MAX);
        }
    }

    fn pushed_back(&mut self) {
        self.good = 0;
        self.allowed = (self.allowed / 2).max(1);
    }
}

/// A place for each request under way.
#[derive(Debug)]
pub(crate) struct Window {
    state: Mutex<(Limit, usize)>,
    freed: Notify,
}

/// Held while a request is under way.
pub(crate) struct Place<'a> {
    window: &'a Window,
}

impl Default for Window {
    fn default() -> Self {
        let limit = Limit {
            allowed: START,
            good: 0,
        };
        Self {
            state: Mutex::new((limit, 0)),
            freed: Notify::new(),
        }
    }
}

impl Window {
    /// Waits until one more request may be sent.
    pub(crate) async fn enter(&self) -> Place<'_> {
        loop {
            // Listening begins before the look, so that nothing freed in between is missed.
            let freed = self.freed.notified();
            if self.try_enter() {
                return Place { window: self };
            }
            freed.await;
        }
    }

    /// The server answered.
    pub(crate) fn succeeded(&self) {
        self.learn(Limit::succeeded);
    }

    /// The server is too busy, or does not answer.
    pub(crate) fn pushed_back(&self) {
        self.learn(Limit::pushed_back);
    }

    fn learn(&self, how: fn(&mut Limit)) {
        how(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).0);
        self.freed.notify_one();
    }

    fn try_enter(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let free = state.1 < state.0.allowed;
        state.1 += usize::from(free);
        free
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.window.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 -= 1;
        drop(state);
        self.window.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_one_and_shrinks_by_half() {
        let mut limit = Limit {
            allowed: START,
            good: 0,
        };
        (0..STEP).for_each(|_| limit.succeeded());
        assert_eq!(limit.allowed, START + 1);
        (0..STEP * MAX * 2).for_each(|_| limit.succeeded());
        assert_eq!(limit.allowed, MAX);
        (0..10).for_each(|_| limit.pushed_back());
        assert_eq!(limit.allowed, 1);
    }

    #[tokio::test]
    async fn no_more_than_allowed_enter_and_one_that_leaves_lets_one_in() {
        let window = Window::default();
        let mut inside = Vec::new();
        for _ in 0..START {
            inside.push(window.enter().await);
        }
        assert!(!window.try_enter());
        inside.pop();
        inside.push(window.enter().await);
        assert!(!window.try_enter());
    }
}
