//! Waits until all instances of a track are ready, and reachable through the proxy.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use windlass_core::object::Object;

use super::{Carry, objects};
use crate::local::{Observation, WorkloadState};
use crate::world::{World, scope};

/// From look to look.
const LOOK: Duration = Duration::from_millis(50);
/// How long a workload may take that says nothing: Kubernetes' default of `progressDeadlineSeconds`.
const DEADLINE_S: u64 = 600;
/// Lines of a troubled workload's log in the reason.
const LINES: usize = 3;

pub(super) async fn ready(world: &World, carry: &Carry) -> Result<(), String> {
    let objects = objects(world, carry).await?;
    let deadline = deadline(&objects);
    let scope = scope(&carry.environment, carry.track);
    let began = Instant::now();
    loop {
        let observed = world.runtime.observe(&scope).await;
        let waiting = observed.workloads.iter().find(|one| one.ready < one.desired);
        let Some(waiting) = waiting else {
            world.router.follow(&world.runtime, &carry.environment).await;
            return Ok(());
        };
        if !world.is_current(&carry.environment, carry.turn) {
            return Err("something newer was asked for".to_owned());
        }
        if began.elapsed() >= deadline {
            return Err(reason(world, carry, &observed, waiting, deadline));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The longest time that a workload grants itself.
pub(crate) fn deadline(objects: &[Object]) -> Duration {
    let of = |object: &Object| {
        object.workload()?;
        object.value().pointer("/spec/progressDeadlineSeconds")?.as_u64()
    };
    let longest = objects.iter().filter_map(of).max();
    Duration::from_secs(longest.unwrap_or(DEADLINE_S))
}

fn reason(
    world: &World,
    carry: &Carry,
    observed: &Observation,
    waiting: &WorkloadState,
    deadline: Duration,
) -> String {
    let others = observed
        .workloads
        .iter()
        .filter(|one| one.ready < one.desired)
        .count()
        - 1;
    let mut text = format!(
        "{} is not ready after {} s ({} of {} instances): {}",
        waiting.name,
        deadline.as_secs(),
        waiting.ready,
        waiting.desired,
        if waiting.message.is_empty() {
            "no reason is known"
        } else {
            &waiting.message
        }
    );
    if others > 0 {
        let _ = write!(text, "; {others} more wait too");
    }
    let scope = scope(&carry.environment, carry.track);
    for line in world.runtime.logs(&scope, Some(&waiting.name), LINES) {
        let _ = write!(text, "\n  {}: {}", line.instance, line.text);
    }
    text
}
