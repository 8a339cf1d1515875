//! What every write of a process has to pass: open for as long as it is the one that acts, by the clocks of its own machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// From look to look at whether all is answered.
const LOOK: Duration = Duration::from_millis(20);

/// Open until a moment, or closed. Clones are the same fence.
#[derive(Debug, Clone, Default)]
pub struct Fence {
    /// By the clock that nobody sets, and by the one that goes on while the machine sleeps: whichever is over first.
    until: Arc<Mutex<Option<(Instant, SystemTime)>>>,
    /// Writes that passed and are not answered yet.
    under_way: Arc<AtomicUsize>,
}

/// Held while a write is under way.
#[derive(Debug)]
pub(crate) struct Passed(Arc<AtomicUsize>);

impl Drop for Passed {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Fence {
    /// How long it is open from now on; nothing when it is closed.
    pub fn left(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |(steady, wall)| {
            let steady = steady.saturating_duration_since(Instant::now());
            let wall = wall.duration_since(SystemTime::now());
            steady.min(wall.unwrap_or_default())
        })
    }

    /// Lets a write pass, for as long as the fence is open.
    pub(crate) fn pass(&self) -> Option<(Passed, Duration)> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let passed = Passed(Arc::clone(&self.under_way));
        let left = self.left();
        (!left.is_zero()).then_some((passed, left))
    }

    /// Closes, and waits until what had passed is answered.
    pub(crate) async fn drain(&self) {
        let until = Instant::now() + self.left();
        self.close();
        while self.under_way.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) fn open_until(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let both = (until, SystemTime::now() + left);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(both);
    }

    pub(crate) fn close(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_closes_by_itself() {
        let fence = Fence::default();
        assert!(fence.left().is_zero() && fence.pass().is_none());
        let until = Instant::now() + Duration::from_secs(10);
        fence.open_until(until);
        assert!(fence.left() > Duration::from_secs(5) && fence.pass().is_some());
        fence.open_until(Instant::now() + LOOK);
        tokio::time::sleep(LOOK * 2).await;
        assert!(fence.left().is_zero() && fence.pass().is_none());
    }

    #[tokio::test]
    async fn what_had_passed_is_waited_for_and_nothing_passes_after_that() {
        let fence = Fence::default();
        fence.open_until(Instant::now() + Duration::from_secs(10));
        let (passed, _) = fence.pass().unwrap();
        let began = Instant::now();
        let held = async {
            tokio::time::sleep(LOOK * 5).await;
            assert!(fence.pass().is_none());
            drop(passed);
        };
        tokio::join!(fence.drain(), held);
        let took = began.elapsed();
        assert!(took >= LOOK * 5 && took < Duration::from_secs(5), "{took:?}");
    }

    #[test]
    fn a_machine_that_slept_is_not_open_for_as_long_as_it_slept() {
        let fence = Fence::default();
        let steady = Instant::now() + Duration::from_secs(10);
        let wall = SystemTime::now() - Duration::from_mins(1);
        *fence.until.lock().unwrap() = Some((steady, wall));
        assert!(fence.left().is_zero());
    }
}
