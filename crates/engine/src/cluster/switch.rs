//! The switch on a cluster: the edge Service's selector, and proof that its addresses are the new track's alone.

use std::time::{Duration, Instant};

use windlass_core::machine::action::{Action, Retire};
use windlass_core::machine::event::{Color, Event, Step};

use super::parts::Parts;
use super::wait::{patiently, until};
use super::{Lane, Trouble, step};
use crate::world::World;

/// How long a cluster may take until a Service's addresses follow its selector.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn route(world: &World, lane: &Lane, action: Action) -> Option<Event> {
    let Action::Route {
        environment,
        rollout,
        turn,
        weights,
        retire,
        step,
        ..
    } = action
    else {
        return None;
    };
    let began = Instant::now();
    let all: Vec<Color> = weights
        .iter()
        .filter(|(_, weight)| **weight > 0)
        .map(|(color, _)| *color)
        .collect();
    let led = match all.as_slice() {
        [color] => {
            let lead = || lead(world, lane, &environment, turn, *color, step);
            let led = patiently(world, (&environment, turn), step.name(), lead).await;
            led.map_err(String::from)
        }
        _ => Err("a Service's selector leads to one track; weights need another way in".to_owned()),
    };
    let led = match (led, all.first(), retire) {
        (Ok(()), Some(color), Retire::AtOnce) => {
            let end = || end_others(world, lane, &environment, *color);
            let ended = patiently(world, (&environment, turn), "end connections of", end).await;
            ended.map_err(String::from)
        }
        (led, _, _) => led,
    };
    let tracks = world
        .environment(&environment)
        .is_none_or(windlass_core::config::Environment::has_tracks);
    if led.is_ok() && !tracks {
        // In place, what the new release no longer has is on its track still.
        if let Some(color) = all.first() {
            step::prune(world, lane, (&environment, turn), *color).await;
        }
    }
    Some(match led {
        Ok(()) => Event::Done {
            environment,
            rollout,
            turn,
            step,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        },
        Err(reason) => Event::Failed {
            environment,
            rollout,
            turn,
            step,
            reason,
        },
    })
}

async fn lead(
    world: &World,
    lane: &Lane,
    environment: &str,
    turn: u64,
    color: Color,
    step: Step,
) -> Result<(), Trouble> {
    lane.cluster.open().await?;
    let _switching = lane.switching.lock().await;
    if !world.is_current(environment, turn) {
        return Err(Trouble::from(
            "a newer change of traffic was asked for".to_owned(),
        ));
    }
    let edge = &world.options.config.edge;
    let release = release_on(world, environment, color)
        .ok_or_else(|| format!("no release is on the {} track of {environment}", color.name()))?;
    let objects = world.objects(environment, &release).await;
    let objects =
        objects.ok_or_else(|| format!("the objects of {release} for {environment} are not stored here"))?;
    let parts = Parts::of(&objects, color, edge);
    lane.cluster.look_again(edge.clone()).await?;
    let way = lane.cluster.look().ways.get(edge).cloned().unwrap_or_default();
    let live = step::live(world, environment).map(|(_, color)| color);
    if step == Step::Switch
        && let (Some(person), Some(there)) = (&way.changed_by, way.leads_to)
        && there != color
        && live.is_some_and(|live| live != there)
    {
        return Err(Trouble::from(format!(
            "{person} led customers to the {} track meanwhile; that stands\nhint: lead them back by hand, then `windlass retry {environment}`",
            there.name()
        )));
    }
    lane.cluster.take(parts.switched.clone()).await?;
    Ok(follows(lane, edge, color, &parts).await?)
}

/// Waits until new connections go to the track alone.
async fn follows(lane: &Lane, edge: &str, color: Color, parts: &Parts) -> Result<(), String> {
    if parts
        .switched
        .iter()
        .all(|object| !object.is("", "Service") || object.name() != edge)
    {
        return Ok(());
    }
    let followed = until(lane, FOLLOWS_WITHIN, |seen| {
        let way = seen.ways.get(edge)?;
        let alone = way.ready.len() == 1 && way.ready.contains_key(&Some(color));
        (way.leads_to == Some(color) && alone).then_some(())
    });
    followed.await.ok_or_else(|| {
        format!(
            "Service {edge} has the selector of the {} track, but its addresses do not follow within {} s\nhint: `kubectl get endpointslices` shows them; the controller manager may be down",
            color.name(),
            FOLLOWS_WITHIN.as_secs()
        )
    })
}

/// Clients that keep a connection would stay on the track that was left, for as long as they like.
async fn end_others(world: &World, lane: &Lane, environment: &str, color: Color) -> Result<(), Trouble> {
    let left = color.other();
    let Some(release) = release_on(world, environment, left) else {
        return Ok(());
    };
    let Some(objects) = world.objects(environment, &release).await else {
        return Ok(());
    };
    let parts = Parts::of(&objects, left, &world.options.config.edge);
    lane.cluster.end_connections(parts.edge).await
}

/// The release on a track: the one that is rolled out, the one that serves, or the one that is kept warm.
pub(super) fn release_on(world: &World, environment: &str, color: Color) -> Option<String> {
    let view = world.published.view();
    let lane = view.environments.iter().find(|lane| lane.name == environment)?;
    let track = lane.tracks.iter().find(|track| track.track == color);
    let rolled = lane.rollout.as_ref().filter(|rollout| rollout.track == color);
    let live = lane.live.as_ref().filter(|live| live.track == color);
    track
        .map(|track| track.release.clone())
        .or_else(|| Some(rolled?.release.clone()))
        .or_else(|| Some(live?.release.clone()))
}
