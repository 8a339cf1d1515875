//! Makes what runs be what should run: after a start of the controller or of the proxy, every track that has customers, or
//! may get them back, is compared with the objects of its release. It changes nothing that is right already.

use crate::act;
use crate::world::{World, scope};

/// Tracks in these states are nobody else's business at the moment.
const OWN: [&str; 2] = ["live", "warm"];

/// Looks at each track once.
pub(crate) async fn heal(world: &World) {
    for environment in &world.options.config.environments {
        if world.clusters.get(&environment.name).is_some() {
            // A cluster is followed by watch.
            continue;
        }
        let Some(_changing) = world.changing(&environment.name).await else {
            continue;
        };
        // Read after the lock: what a step changed meanwhile is in it.
        let view = world.published.view();
        let lane = view
            .environments
            .iter()
            .find(|lane| lane.name == environment.name);
        for track in lane.map(|lane| lane.tracks.as_slice()).unwrap_or_default() {
            if !OWN.contains(&track.state.as_str()) {
                continue;
            }
            let about = format!("{} {}", environment.name, track.track.name());
            let healed = heal_track(world, &environment.name, track.track, &track.release).await;
            let warning = healed
                .err()
                .map(|reason| format!("{about}: what runs cannot be compared with what should: {reason}"));
            world.warn(&about, warning);
        }
    }
}

async fn heal_track(
    world: &World,
    environment: &str,
    color: windlass_core::machine::event::Color,
    release: &str,
) -> Result<(), String> {
    let objects = world.objects(environment, release).await;
    let objects = objects.ok_or_else(|| format!("the objects of {release} are not stored here"))?;
    let placed = act::place(world, environment, color, &objects).await;
    let (_, desired) = placed.map_err(|e| e.to_string())?;
    let scope = scope(environment, color);
    if world.runtime.objects(&scope).await == desired {
        return Ok(());
    }
    tracing::warn!(
        environment,
        track = color.name(),
        "what runs is not what should run; changing it"
    );
    world
        .runtime
        .apply(&scope, &desired)
        .await
        .map_err(|e| e.to_string())
}
