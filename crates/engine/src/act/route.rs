//! Moves customers: one swap of the proxy's table. A switch back is done when the old track answers everybody.

use std::time::{Duration, Instant};

use windlass_core::machine::action::{Action, Retire};
use windlass_core::machine::event::{Color, Event};

use super::millis;
use crate::world::World;

/// How long answers of a track that is left at once may take; what is in flight then is cut when the track is stopped.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn route(world: &World, action: Action) -> Option<Event> {
    let Action::Route {
        environment,
        rollout,
        turn,
        generation,
        weights,
        retire,
        step,
    } = action
    else {
        return None;
    };
    let began = Instant::now();
    world.router.follow(&world.runtime, &environment).await;
    let shared = world
        .router
        .share(&environment, generation, &weights, retire)
        .await;
    if let Err(error) = shared {
        return Some(Event::Failed {
            environment,
            rollout,
            turn,
            step,
            reason: error.to_string(),
        });
    }
    if retire == Retire::AtOnce {
        for left in [Color::Blue, Color::Green] {
            if !weights.contains_key(&left) {
                world.router.drain(&environment, left, LEAVE_WITHIN).await;
            }
        }
    }
    Some(Event::Done {
        environment,
        rollout,
        turn,
        step,
        took_ms: millis(began.elapsed()),
    })
}
