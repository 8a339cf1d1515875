//! At rest, what runs and where customers are led is what the machine says: desired is observed.

use std::collections::BTreeMap;

use windlass_core::machine::event::Color;
use windlass_core::view::EnvironmentView;

use super::Failure;
use crate::world::World;

pub(crate) fn check(world: &World) -> Result<(), Failure> {
    let view = world.view();
    view.environments.iter().try_for_each(|one| {
        environment(world, one).map_err(|what| Failure {
            checker: "at rest, what runs is what is desired",
            what: format!("{}: {what}", one.name),
        })
    })
}

fn environment(world: &World, one: &EnvironmentView) -> Result<(), String> {
    let (Some(runtime), Some(proxy)) = (world.runtimes().get(&one.name), world.proxies().get(&one.name))
    else {
        return Err("it is not there".to_owned());
    };
    // In place, what a way back that failed or a rollout that waits left there is known by its track alone.
    let mut since = one.history.iter().take_while(|ended| ended.outcome != "promoted");
    let failed = since.any(|ended| ended.outcome == "failed");
    let known = one
        .tracks
        .iter()
        .map(|track| (track.track, track.release.clone()));
    let live = one.live.iter().map(|live| (live.track, live.release.clone()));
    let desired: BTreeMap<Color, String> = if runtime.is_in_place() && (failed || one.rollout.is_some()) {
        known.collect()
    } else {
        live.collect()
    };
    let mut runs = runtime.releases();
    let mut weights = proxy.weights.clone();
    if let Some(rollout) = &one.rollout {
        // It waits for a person, with two tracks side by side and perhaps some of the customers on the new one.
        runs.retain(|track, _| desired.contains_key(track));
        if !desired.contains_key(&rollout.track) {
            weights.remove(&rollout.track);
        }
    } else if !desired.is_empty() && weights.values().sum::<u32>() != 100 {
        return Err(format!("customers are led by {weights:?}"));
    }
    if runs != desired {
        return Err(format!("{runs:?} runs instead of {desired:?}"));
    }
    if !desired.is_empty() && !weights.keys().all(|track| desired.contains_key(track)) {
        return Err(format!("customers are led by {weights:?} while {desired:?} runs"));
    }
    for track in &one.tracks {
        if desired.contains_key(&track.track) && track.ready != runtime.answering(track.track) {
            let answering = runtime.answering(track.track);
            return Err(format!("{answering} instances of {track:?} answer"));
        }
    }
    Ok(())
}
