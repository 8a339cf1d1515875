//! The steps of a rollout on a cluster, each as the machine names it.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use windlass_core::config::Strategy;
use windlass_core::machine::event::{Color, Step};
use windlass_core::object::Object;

use super::parts::Parts;
use super::wait::{patiently, until};
use super::{Lane, Seen, Trouble, judge, switch};
use crate::act::{Carry, deadline, objects, verify_programs};
use crate::local::WorkloadState;
use crate::world::World;

/// How long a track may take to go; what is not gone by then goes by itself.
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// Lines of a troubled workload's log in the reason.
const LINES: usize = 3;

pub(crate) async fn carry_out(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    if !matches!(carry.step, Step::StopOld | Step::Clean) {
        patiently(world, wanted(carry), carry.step.name(), || async move {
            lane.cluster.open().await?;
            lane.judge_by(world, &carry.environment, &carry.release).await
        })
        .await?;
    }
    match carry.step {
        Step::Migrate => migrate(world, lane, carry).await,
        Step::Start => start(world, lane, carry).await,
        Step::Ready => ready(world, lane, carry).await,
        Step::Verify => verify(world, lane, carry).await,
        Step::StopOld | Step::Clean => clean(world, lane, carry).await,
        // These come by other ways.
        Step::Prepare | Step::Switch | Step::Return => {
            Err(format!("{} is no step of a cluster", carry.step.name()))
        }
    }
}

/// Whose work it is, for whoever waits for the cluster.
fn wanted(carry: &Carry) -> (&str, u64) {
    (&carry.environment, carry.turn)
}

/// The objects of the step's release on its track.
async fn parts(world: &World, carry: &Carry) -> Result<Parts, String> {
    let all = objects(world, carry).await?;
    Ok(Parts::of(&all, carry.track, &world.options.config.edge))
}

async fn migrate(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    let parts = parts(world, carry).await?;
    if parts.jobs.is_empty() {
        return Ok(());
    }
    let shared = &parts.shared;
    patiently(world, wanted(carry), "migrate", || async move {
        lane.cluster.open().await?;
        let _changing = world.changing(&carry.environment).await;
        lane.cluster.apply(shared.clone()).await
    })
    .await?;
    for job in &parts.jobs {
        let name = job.name().to_owned();
        let run = || lane.cluster.run_job(job.clone());
        let outcome = patiently(world, wanted(carry), "migrate", run).await?;
        if !outcome.succeeded {
            let mut reason = format!("Job {name} failed: {}", outcome.message);
            let from = outcome.log.len().saturating_sub(LINES);
            for line in &outcome.log[from..] {
                let _ = write!(reason, "\n  {line}");
            }
            return Err(reason);
        }
    }
    Ok(())
}

/// Services first: pods are told their addresses.
async fn start(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    let parts = parts(world, carry).await?;
    let parts = &parts;
    let overrides = patiently(world, wanted(carry), "start", || async move {
        lane.cluster.open().await?;
        let _changing = world.changing(&carry.environment).await;
        apply_running(lane, parts).await
    })
    .await?;
    let about = format!("{} overrides", carry.environment);
    world.warn(
        &about,
        lane.note("start", overrides)
            .map(|text| format!("{}: {text}", carry.environment)),
    );
    Ok(())
}

/// Makes shared objects and a track be as they should.
pub(super) async fn apply_running(lane: &Lane, parts: &Parts) -> Result<Vec<String>, Trouble> {
    let mut overrides = lane.cluster.apply(parts.shared.clone()).await?;
    lane.cluster.apply(parts.services()).await?;
    let own = parts.aliased(&lane.cluster.look().ways);
    overrides.extend(lane.cluster.apply(own).await?);
    Ok(overrides)
}

async fn ready(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    let all = objects(world, carry).await?;
    let parts = Parts::of(&all, carry.track, &world.options.config.edge);
    let patience = deadline(&all);
    // A rolling update leaves the old pods where they are, and their troubles say nothing about the new ones.
    let strategy = world.environment(&carry.environment).map(|one| &one.strategy);
    let rolls = matches!(strategy, Some(Strategy::Rolling { .. }));
    lane.cluster.open().await?;
    let waited = until(lane, patience, |seen| {
        if let Some(reason) = hopeless(seen, carry.track).filter(|_| !rolls) {
            return Some(Err(reason));
        }
        if is_ready(seen, carry.track, &parts) {
            return Some(Ok(()));
        }
        let newer = !world.is_current(&carry.environment, carry.turn);
        newer.then(|| Err("something newer was asked for".to_owned()))
    });
    match waited.await {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(with_log(lane, carry.track, reason).await),
        None => {
            let reason = late(&lane.cluster.look(), carry.track, &parts, patience);
            Err(with_log(lane, carry.track, reason).await)
        }
    }
}

fn hopeless(seen: &Seen, color: Color) -> Option<String> {
    seen.tracks.get(&color)?.hopeless.clone()
}

/// All pods are ready, scripts call everything that they judge healthy, and the track's edge leads to some of them and to nothing else.
fn is_ready(seen: &Seen, color: Color, parts: &Parts) -> bool {
    let own = seen
        .tracks
        .get(&color)
        .map(|track| track.workloads.as_slice())
        .unwrap_or_default();
    let workloads = parts
        .own
        .iter()
        .filter(|object| object.is("apps", "Deployment"))
        .count();
    own.len() >= workloads
        && own.iter().chain(&seen.shared).all(|one| one.ready >= one.desired)
        && judge::troubled(seen, color).is_none()
        && edge_leads_to(seen, color, parts)
}

fn edge_leads_to(seen: &Seen, color: Color, parts: &Parts) -> bool {
    let has_edge = parts
        .own
        .iter()
        .any(|object| object.is("", "Service") && object.name() == parts.edge);
    let ready = seen.ways.get(&parts.edge).map(|way| &way.ready);
    !has_edge || ready.is_some_and(|ready| ready.len() == 1 && ready.contains_key(&Some(color)))
}

fn late(seen: &Seen, color: Color, parts: &Parts, patience: Duration) -> String {
    let own = seen
        .tracks
        .get(&color)
        .map(|track| track.workloads.as_slice())
        .unwrap_or_default();
    let waiting = own.iter().chain(&seen.shared).find(|one| one.ready < one.desired);
    let seconds = patience.as_secs();
    match (waiting, judge::troubled(seen, color)) {
        (Some(one), _) => format!(
            "{} is not ready after {seconds} s ({} of {} pods): {}",
            one.name,
            one.ready,
            one.desired,
            if one.message.is_empty() {
                "no reason is known"
            } else {
                &one.message
            }
        ),
        (None, Some(trouble)) => format!("{trouble} (after {seconds} s)"),
        (None, None) if !edge_leads_to(seen, color, parts) => {
            format!(
                "Service {} leads to no ready pod after {seconds} s: no pod has the labels of its selector",
                parts.edge
            )
        }
        (None, None) => format!("the track is not complete after {seconds} s"),
    }
}

async fn with_log(lane: &Lane, color: Color, mut reason: String) -> String {
    let seen = lane.cluster.look();
    let own = seen
        .tracks
        .get(&color)
        .map(|track| track.workloads.as_slice())
        .unwrap_or_default();
    let troubled = own
        .iter()
        .find(|one: &&WorkloadState| one.ready < one.desired && reason.contains(one.name.as_str()));
    if let Some(troubled) = troubled {
        for line in lane.cluster.logs(troubled.name.clone(), LINES).await {
            let _ = write!(reason, "\n  {}: {}", line.instance, line.text);
        }
    }
    reason
}

/// The kubelet has tried each pod's readiness already; here it is the way to them, and the programs of windlass.yaml. These
/// find the track at its address inside of the cluster.
async fn verify(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    let parts = parts(world, carry).await?;
    let seen = lane.cluster.look();
    if !edge_leads_to(&seen, carry.track, &parts) {
        return Err(format!(
            "Service {} no longer leads to the {} track alone",
            parts.edge,
            carry.track.name()
        ));
    }
    let address = seen
        .ways
        .get(&parts.edge)
        .and_then(|way| way.address.as_ref()?.parse::<IpAddr>().ok());
    let service = parts
        .own
        .iter()
        .find(|object| object.name() == parts.edge)
        .and_then(Object::service);
    let port = service.and_then(|service| Some(service.ports().first()?.port));
    match address.zip(port) {
        Some((address, port)) => verify_programs(world, carry, SocketAddr::new(address, port)).await,
        None => Ok(()),
    }
}

/// Takes a track away.
async fn clean(world: &World, lane: &Lane, carry: &Carry) -> Result<(), String> {
    patiently(world, wanted(carry), "clean", || async move {
        lane.cluster.open().await?;
        let _changing = world.changing(&carry.environment).await;
        clear(world, lane, carry).await
    })
    .await?;
    let elsewhere = live(world, &carry.environment).is_some_and(|(_, color)| color != carry.track);
    if carry.step == Step::Clean && elsewhere {
        let _changing = world.changing(&carry.environment).await;
        prune(world, lane, wanted(carry), carry.track.other()).await;
    }
    Ok(())
}

/// The track that customers are led to is taken only where the strategy says so. What watches told may be old by now.
async fn clear(world: &World, lane: &Lane, carry: &Carry) -> Result<(), Trouble> {
    let edge = &world.options.config.edge;
    lane.cluster.look_again(edge.clone()).await?;
    let live = live(world, &carry.environment);
    let leads_to = lane.cluster.look().ways.get(edge).and_then(|way| way.leads_to);
    let elsewhere = live.is_some_and(|(_, color)| color != carry.track);
    if carry.step == Step::Clean && elsewhere && leads_to == Some(carry.track) {
        return Err(Trouble::from(format!(
            "Service {edge} leads customers to the {} track, which is to be cleaned up\nhint: somebody changed its selector; lead them back, then `windlass retry {}`",
            carry.track.name(),
            carry.environment
        )));
    }
    lane.cluster.remove_track(carry.track, GONE_WITHIN).await
}

/// Deletes what the release on a track no longer has. What cannot be deleted is said; it holds up nothing.
pub(super) async fn prune(world: &World, lane: &Lane, wanted: (&str, u64), color: Color) {
    let (environment, _) = wanted;
    let Some(release) = switch::release_on(world, environment, color) else {
        return;
    };
    if world
        .settings_of(environment, &release)
        .is_some_and(|it| !it.prunes())
    {
        return;
    }
    let Some(all) = world.objects(environment, &release).await else {
        return;
    };
    let parts = Parts::of(&all, color, &world.options.config.edge);
    let mut keep = parts.lasting();
    // A Job that ran is the record of it.
    keep.extend(parts.jobs);
    let pruned = patiently(world, wanted, "prune", || lane.cluster.prune(color, keep.clone())).await;
    if let Ok(gone) = &pruned
        && !gone.is_empty()
    {
        tracing::info!(
            environment,
            "no longer in the chart and deleted: {}",
            gone.join(", ")
        );
    }
    let warning = pruned.err().map(|trouble| format!("{environment}: {trouble}"));
    world.warn(&format!("{environment} prune"), warning);
}

/// The release that serves, and its track.
pub(super) fn live(world: &World, environment: &str) -> Option<(String, Color)> {
    let view = world.published.view();
    let lane = view.environments.iter().find(|lane| lane.name == environment)?;
    let live = lane.live.as_ref()?;
    Some((live.release.clone(), live.track))
}

/// The lane of an environment that is on a cluster.
pub(crate) fn lane(world: &World, environment: &str) -> Option<Arc<Lane>> {
    world.clusters.get(environment).cloned()
}
