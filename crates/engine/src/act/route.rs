//! Moves customers: one swap of the proxy's table. What is in flight on the track
//! that is left ends there, before its instances are stopped.

use std::time::Instant;

use windlass_core::machine::action::Action;
use windlass_core::machine::event::Event;

use super::millis;
use crate::world::World;

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
    // Where the new release took the place of the old one, requests waited for this.
    world.router.release(&environment).await;
    Some(Event::Done {
        environment,
        rollout,
        turn,
        step,
        took_ms: millis(began.elapsed()),
    })
}
