//! Waits for a cluster: for one that does not answer, since that says nothing about a release, and for what it is to become.

use std::time::Duration;

use tokio::time::Instant;

use super::{Lane, Seen, Trouble};
use crate::world::World;

/// How long a cluster that does not answer is waited for: managed control planes take minutes for an update of their own.
const PATIENCE: Duration = Duration::from_mins(5);
/// From try to try.
const AGAIN: Duration = Duration::from_secs(1);
/// A look without a tick, in case that a watch is stuck.
const LOOK: Duration = Duration::from_secs(1);
/// A connection that a device on the way forgot says nothing for minutes, and looks like a cluster in which nothing happens.
const SILENCE: Duration = Duration::from_secs(10);

/// Tries something until it is done, until it is refused for good, or until something newer was asked for. Whoever looks
/// meanwhile is told what is waited for. `about` is what is done: `start staging`.
pub(super) async fn patiently<T, F: Future<Output = Result<T, Trouble>>>(
    world: &World,
    (environment, turn): (&str, u64),
    about: &str,
    attempt: impl Fn() -> F,
) -> Result<T, Trouble> {
    let began = Instant::now();
    let about = format!("{about} {environment}");
    loop {
        let tried = attempt().await;
        let wanted = world.is_wanted(environment, turn);
        match tried {
            Err(trouble) if trouble.passes && wanted && began.elapsed() < PATIENCE => {
                world.warn(&about, Some(format!("{about} waits: {trouble}")));
                tokio::time::sleep(AGAIN).await;
            }
            other => {
                world.warn(&about, None);
                return other;
            }
        }
    }
}

/// Looks until there is something to say, or until `within` is over: then there is nothing. Time in which the cluster
/// cannot be heard does not count.
pub(super) async fn until<T>(
    lane: &Lane,
    within: Duration,
    mut look: impl FnMut(&Seen) -> Option<T>,
) -> Option<T> {
    let mut changes = lane.cluster.changes();
    let mut left = within;
    let mut heard = Instant::now();
    loop {
        let looked = Instant::now();
        let seen = lane.cluster.look();
        if let Some(found) = look(&seen) {
            return Some(found);
        }
        if left.is_zero() {
            return None;
        }
        // A watch that ended ticks no more; the look goes on.
        match tokio::time::timeout(LOOK.min(left), changes.changed()).await {
            Ok(_) => heard = Instant::now(),
            Err(_) if heard.elapsed() >= SILENCE => {
                lane.cluster.listen_again();
                heard = Instant::now();
            }
            Err(_) => {}
        }
        if !seen.deaf {
            left = left.saturating_sub(looked.elapsed());
        }
    }
}
