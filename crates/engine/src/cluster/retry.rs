//! A step that failed is tried again, as the Application's `retry` says: a migration, and what is sent to the cluster. What
//! waits for pods or judges them is not: they have had their time.

use std::time::Duration;

use windlass_core::argo::Retry;
use windlass_core::machine::event::Step;

use super::{Lane, step};
use crate::act::Carry;
use crate::world::World;

/// A look for something newer while it is waited.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn carry_out(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    let settings = world.settings_of(&carry.environment, &carry.release);
    let retry = settings.and_then(|it| Some(it.application?.sync.retry));
    let retry = match carry.step {
        Step::Migrate | Step::Start => retry.unwrap_or(Retry::NEVER),
        Step::Prepare
        | Step::Ready
        | Step::Verify
        | Step::Switch
        | Step::Return
        | Step::StopOld
        | Step::Clean => Retry::NEVER,
    };
    let about = format!("{} {}", carry.environment, carry.step.name());
    let mut tries = 0;
    loop {
        let done = step::carry_out(world, lane, carry).await;
        let failed = match done {
            Err(reason) if retry.goes_on(tries) => reason,
            done => {
                world.warn(&about, None);
                return match done {
                    Err(reason) if tries > 0 => Err(format!("{reason} (tried {} times)", tries + 1)),
                    done => done,
                };
            }
        };
        let wait = Duration::from_millis(retry.wait_ms(tries));
        world.warn(
            &about,
            Some(format!(
                "{about} is tried again in {} s: {failed}",
                wait.as_secs()
            )),
        );
        if !waited(world, carry, wait).await {
            world.warn(&about, None);
            return Err(failed);
        }
        tries = tries.saturating_add(1);
    }
}

/// Says whether the step is still wanted after the wait.
async fn waited(world: &World, carry: &Carry, wait: Duration) -> bool {
    let end = tokio::time::Instant::now() + wait;
    while tokio::time::Instant::now() < end {
        if !world.is_wanted(&carry.environment, carry.turn) {
            return false;
        }
        let left = end - tokio::time::Instant::now();
        tokio::time::sleep(left.min(LOOK)).await;
    }
    world.is_wanted(&carry.environment, carry.turn)
}
