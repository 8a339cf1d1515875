//! Follows a cluster: tells the loop what is ready, makes what somebody changed be right again, and takes a person's switch
//! of the selector for what it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use windlass_core::machine::Ask;
use windlass_core::machine::event::{Color, Event, Wish};

use super::parts::Parts;
use super::{Lane, Trouble, Way, judge, step, switch};
use crate::controller::Message;
use crate::local::WorkloadState;
use crate::world::World;

/// Changes that come together are looked at together.
const GATHER: Duration = Duration::from_millis(200);
/// A look without a tick.
const LOOK: Duration = Duration::from_secs(5);
/// From try to try to reach a cluster.
const AGAIN: Duration = Duration::from_secs(3);
/// Tracks in these states are nobody else's business at the moment.
const OWN: [&str; 2] = ["live", "warm"];

/// What was told last of a track.
type Told = BTreeMap<Color, (u32, u32, String)>;

/// Follows for as long as the controller runs.
pub(crate) async fn run(world: Arc<World>, environment: String, lane: Arc<Lane>) {
    let about = format!("{environment} cluster");
    let mut told = Told::new();
    let mut asked = None;
    while !world.inbox.is_closed() {
        if let Err(reason) = lane.cluster.open().await {
            world.warn(&about, Some(format!("{environment}: {reason}")));
            tokio::time::sleep(AGAIN).await;
            continue;
        }
        let deaf = lane.cluster.look().deaf;
        world.warn(
            &about,
            deaf.then(|| format!("{environment}: the cluster cannot be heard; what is shown is as it was")),
        );
        if let Some((release, _)) = step::live(&world, &environment) {
            let judged = lane.judge_at_first(&world, &environment, &release).await;
            let about = format!("{environment} health scripts");
            world.warn(&about, judged.err().map(|it| format!("{environment}: {it}")));
        }
        let mut changes = lane.cluster.changes();
        tell(&world, &environment, &lane, &mut told).await;
        edge(&world, &environment, &lane, &mut asked).await;
        heal(&world, &environment, &lane).await;
        let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        tokio::time::sleep(GATHER).await;
    }
}

async fn tell(world: &World, environment: &str, lane: &Lane, told: &mut Told) {
    let seen = lane.cluster.look();
    for color in [Color::Blue, Color::Green] {
        let track = seen
            .tracks
            .get(&color)
            .map(|track| track.workloads.as_slice())
            .unwrap_or_default();
        if track.is_empty() {
            told.remove(&color);
            continue;
        }
        let now = sums(track, judge::troubled(&seen, color));
        if told.get(&color) != Some(&now) {
            told.insert(color, now.clone());
            let (ready, desired, trouble) = now;
            let event = Event::Observed {
                environment: environment.to_owned(),
                track: color,
                ready,
                desired,
                trouble,
            };
            world.tell(event, None).await;
        }
    }
}

fn sums(workloads: &[WorkloadState], judged: Option<String>) -> (u32, u32, String) {
    let ready = workloads.iter().map(|one| one.ready).sum();
    let desired = workloads.iter().map(|one| one.desired).sum();
    let troubled = workloads
        .iter()
        .find(|one| one.ready < one.desired && !one.message.is_empty());
    (
        ready,
        desired,
        troubled
            .map(|one| format!("{}: {}", one.name, one.message))
            .or(judged)
            .unwrap_or_default(),
    )
}

/// What a person did to the selector of the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Switched {
    /// Customers are where the release that serves is.
    No,
    /// A person led them to the release on this track.
    Back { by: String, to: Color },
    /// A person led them to a track where no release waits for customers.
    Astray { by: String, to: Color },
    /// The selector names no track any more: nobody can have meant that.
    Lost,
}

/// `tracks` are those with a release that customers may be led back to.
fn switched(way: &Way, live: Color, tracks: &[Color]) -> Switched {
    match (way.leads_to, &way.changed_by) {
        (None, _) => Switched::Lost,
        (Some(color), _) if color == live => Switched::No,
        // Our own, on its way; or one that the loop has not taken in yet.
        (Some(_), None) => Switched::No,
        (Some(to), Some(by)) if tracks.contains(&to) => Switched::Back { by: by.clone(), to },
        (Some(to), Some(by)) => Switched::Astray { by: by.clone(), to },
    }
}

async fn edge(world: &World, environment: &str, lane: &Lane, asked: &mut Option<Switched>) {
    // A switch of ours is not taken for somebody else's.
    let Ok(_switching) = lane.switching.try_lock() else {
        return;
    };
    let service = &world.options.config.edge;
    let Some((_, live)) = step::live(world, environment) else {
        return;
    };
    let Some(way) = lane.cluster.look().ways.get(service).cloned() else {
        return;
    };
    let view = world.published.view();
    let shown = view.environments.iter().find(|one| one.name == environment);
    let tracks = shown.map(|one| one.tracks.as_slice()).unwrap_or_default();
    let waiting: Vec<Color> = tracks
        .iter()
        .filter(|one| OWN.contains(&one.state.as_str()))
        .map(|one| one.track)
        .collect();
    let found = switched(&way, live, &waiting);
    let about = format!("{environment} edge");
    if found == Switched::No {
        world.warn(&about, None);
        *asked = None;
        return;
    }
    if asked.as_ref() == Some(&found) {
        return;
    }
    let warning = match &found {
        // What is lost is healed with everything else.
        Switched::No | Switched::Lost => None,
        Switched::Back { by, to } => {
            let release = tracks
                .iter()
                .find(|one| one.track == *to)
                .map(|one| one.release.clone());
            let comment = format!(
                "the selector of Service {service} was changed to version: {}",
                to.name()
            );
            ask_back(world, environment, by, release, comment).await.err()
        }
        Switched::Astray { by, to } => Some(format!(
            "{by} led customers to the {} track, where no release waits for them; that is left as it is",
            to.name()
        )),
    };
    world.warn(&about, warning.map(|text| format!("{environment}: {text}")));
    *asked = Some(found);
}

/// A rollback by that person: it writes the hold that sync and self-heal honour.
async fn ask_back(
    world: &World,
    environment: &str,
    actor: &str,
    release: Option<String>,
    comment: String,
) -> Result<(), String> {
    let (reply, answer) = oneshot::channel();
    let ask = Ask {
        environment: environment.to_owned(),
        actor: actor.to_owned(),
        comment,
        wish: Wish::Rollback { to: release },
    };
    if world.inbox.send(Message::Asked { ask, reply }).await.is_err() {
        return Ok(());
    }
    match answer.await {
        Ok(Err(refusal)) => Err(format!(
            "{actor} led customers elsewhere, which stands though it is no rollback: {refusal}"
        )),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// What leads customers to the release that serves, in all but its selector where somebody has another track in it.
async fn heal_ways(
    world: &World,
    environment: &str,
    lane: &Lane,
    live: Color,
) -> Result<Vec<String>, Trouble> {
    let Ok(_switching) = lane.switching.try_lock() else {
        return Ok(Vec::new());
    };
    let edge = &world.options.config.edge;
    let ways = lane.cluster.look().ways;
    if ways
        .get(edge)
        .is_some_and(|way| way.leads_to.is_some_and(|there| there != live))
    {
        return Ok(Vec::new());
    }
    let Some(release) = switch::release_on(world, environment, live) else {
        return Ok(Vec::new());
    };
    let Some(objects) = world.objects(environment, &release).await else {
        return Ok(Vec::new());
    };
    let parts = Parts::of(&objects, live, edge);
    lane.cluster.apply(parts.switched).await
}

/// Makes every track that has customers, or may get them back, be what it should. Nothing is sent for what is right.
async fn heal(world: &World, environment: &str, lane: &Lane) {
    let Some(_changing) = world.changing(environment).await else {
        return;
    };
    // Read after the lock: what a step changed meanwhile is in it.
    let view = world.published.view();
    let shown = view.environments.iter().find(|one| one.name == environment);
    let live = shown.and_then(|one| Some(one.live.as_ref()?.track));
    let release = shown.and_then(|one| Some(one.live.as_ref()?.release.clone()));
    let settings = world.settings_of(environment, &release.unwrap_or_default());
    if settings.is_some_and(|it| !it.heals()) {
        return;
    }
    let mut left = Vec::new();
    let mut failed = None;
    for track in shown.map(|one| one.tracks.as_slice()).unwrap_or_default() {
        if !OWN.contains(&track.state.as_str()) {
            continue;
        }
        let Some(objects) = world.objects(environment, &track.release).await else {
            continue;
        };
        let mut parts = Parts::of(&objects, track.track, &world.options.config.edge);
        if live != Some(track.track) {
            // Shared objects are as the release that serves wants them.
            parts.shared.clear();
        }
        match step::apply_running(lane, &parts).await {
            Ok(overrides) => left.extend(overrides),
            Err(reason) => failed = Some(format!("{environment} {}: {reason}", track.track.name())),
        }
    }
    if let Some(live) = live
        && failed.is_none()
    {
        match heal_ways(world, environment, lane, live).await {
            Ok(overrides) => left.extend(overrides),
            Err(reason) => failed = Some(format!("{environment}: {reason}")),
        }
    }
    world.warn(&format!("{environment} heal"), failed);
    let about = format!("{environment} overrides");
    world.warn(
        &about,
        lane.note("heal", left)
            .map(|text| format!("{environment}: {text}")),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(leads_to: Option<Color>, changed_by: Option<&str>) -> Way {
        Way {
            leads_to,
            changed_by: changed_by.map(str::to_owned),
            ..Way::default()
        }
    }

    #[test]
    fn a_persons_switch_is_told_from_our_own_and_from_damage() {
        use Color::{Blue, Green};
        let back = Switched::Back {
            by: "kubectl-patch".to_owned(),
            to: Blue,
        };
        let astray = Switched::Astray {
            by: "kubectl-patch".to_owned(),
            to: Blue,
        };
        let both: &[Color] = &[Blue, Green];
        let cases = [
            (way(Some(Green), None), both, Switched::No),
            (way(Some(Green), Some("kubectl-patch")), both, Switched::No),
            (way(Some(Blue), None), both, Switched::No),
            (way(Some(Blue), Some("kubectl-patch")), both, back),
            (way(Some(Blue), Some("kubectl-patch")), &[Green][..], astray),
            (way(None, None), both, Switched::Lost),
        ];
        for (way, tracks, expected) in cases {
            assert_eq!(switched(&way, Green, tracks), expected, "{way:?}");
        }
    }
}
