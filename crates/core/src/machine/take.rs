//! Takes an event into the state. What follows from the new state is decided in `settle`.

use super::action::Action;
use super::event::Event;
use super::grant::grant;
use super::outcome;
use super::release::{Release, id_of};
use super::state::{Build, Head, Known, Lane, State};
use super::{ask, watch};
use crate::config::Environment;

/// Releases that are remembered beside those in use.
const RELEASES_MAX: usize = 200;
/// Builds that are remembered.
const BUILDS_MAX: usize = 50;
/// Receipts that are kept per environment.
const RECEIPTS_MAX: usize = 50;

/// Changes `state` by what `event` says. What belongs to no environment, rollout or turn that there is changes nothing.
pub(super) fn take(state: &mut State, event: &Event, now_ms: i64, actions: &mut Vec<Action>) {
    match event {
        Event::Configured { environments } => configured(state, environments),
        Event::SnapshotSeen {
            branch,
            commit,
            subject,
            author,
            contains,
            rewritten,
        } => {
            let head = Head {
                commit: commit.clone(),
                subject: subject.clone(),
                author: author.clone(),
                contains: contains.iter().chain([commit]).cloned().collect(),
                seen_ms: now_ms,
                order: 0,
                rewritten: *rewritten,
            };
            snapshot_seen(state, branch, head);
        }
        Event::ReleaseBuilt { release } => release_built(state, release),
        Event::BuildFailed { commit, reason } => {
            let build = state.builds.iter_mut().find(|build| build.commit == *commit);
            if let Some(build) = build {
                build.failed = Some(reason.clone());
            }
        }
        Event::Asked {
            environment,
            actor,
            comment,
            wish,
        } => {
            let asked = ask::Ask {
                environment: environment.clone(),
                actor: actor.clone(),
                comment: comment.clone(),
                wish: wish.clone(),
            };
            grant(state, &asked, now_ms, actions);
        }
        Event::Prepared { .. }
        | Event::Done { .. }
        | Event::Failed { .. }
        | Event::Observed { .. }
        | Event::Measured { .. }
        | Event::TimeCame { .. }
        | Event::Notified { .. }
        | Event::RevertProposed { .. } => in_lane(state, event, now_ms, actions),
    }
}

fn in_lane(state: &mut State, event: &Event, now_ms: i64, actions: &mut Vec<Action>) {
    let (Event::Prepared { environment, .. }
    | Event::Done { environment, .. }
    | Event::Failed { environment, .. }
    | Event::Observed { environment, .. }
    | Event::Measured { environment, .. }
    | Event::TimeCame { environment, .. }
    | Event::Notified { environment, .. }
    | Event::RevertProposed { environment, .. }) = event
    else {
        return;
    };
    let Some(lane) = state
        .lanes
        .iter_mut()
        .find(|lane| lane.config.name == *environment)
    else {
        return;
    };
    match event {
        Event::Prepared { .. } => prepared(lane, event, now_ms),
        Event::Done {
            rollout,
            turn,
            step,
            took_ms,
            ..
        } if outcome::expected(lane, *rollout, *turn, *step) => {
            outcome::done(lane, *step, *took_ms, now_ms);
        }
        Event::Failed {
            rollout,
            turn,
            step,
            reason,
            ..
        } if outcome::expected(lane, *rollout, *turn, *step) => {
            outcome::failed(lane, *step, reason, now_ms, actions);
        }
        Event::Observed {
            track,
            ready,
            desired,
            trouble,
            ..
        } => watch::observed(lane, *track, (*ready, *desired), trouble, now_ms, actions),
        Event::Measured {
            rollout,
            new,
            old,
            at_ms,
            ..
        } => watch::measured(lane, (*rollout, *at_ms), (new, old), now_ms, actions),
        Event::TimeCame { at_ms, .. } => {
            if lane.wake_ms == Some(*at_ms) {
                lane.wake_ms = None;
            }
        }
        Event::Notified { rollout, receipt, .. } => notified(lane, *rollout, receipt),
        Event::RevertProposed { commit, revert, .. } => revert_proposed(lane, commit, revert),
        // An outcome that is not waited for, and what belongs to no environment.
        Event::Done { .. }
        | Event::Failed { .. }
        | Event::Configured { .. }
        | Event::SnapshotSeen { .. }
        | Event::ReleaseBuilt { .. }
        | Event::BuildFailed { .. }
        | Event::Asked { .. } => {}
    }
}

/// A plan is made for the rollout that waits for it.
fn prepared(lane: &mut Lane, event: &Event, now_ms: i64) {
    let Event::Prepared {
        rollout,
        turn,
        plan,
        settings,
        ..
    } = event
    else {
        return;
    };
    if outcome::expected(lane, *rollout, *turn, super::event::Step::Prepare) {
        outcome::prepared(lane, plan.clone(), settings.as_deref(), now_ms);
    }
}

/// Environments that the configuration no longer has stay only while something of theirs runs.
fn configured(state: &mut State, environments: &[Environment]) {
    let mut lanes = std::mem::take(&mut state.lanes);
    for environment in environments {
        let known = lanes.iter().position(|lane| lane.config.name == environment.name);
        let mut lane = known.map_or_else(|| Lane::new(environment.clone()), |place| lanes.remove(place));
        lane.config = environment.clone();
        lane.removed = false;
        state.lanes.push(lane);
    }
    for mut lane in lanes {
        if lane.live.is_some() || lane.rollout.is_some() {
            lane.removed = true;
            state.lanes.push(lane);
        }
    }
}

fn snapshot_seen(state: &mut State, branch: &str, mut head: Head) {
    let known = state.known_commit(&head.commit).map(|known| known.order);
    let building = state
        .builds
        .iter()
        .find(|build| build.commit == head.commit)
        .map(|build| build.order);
    head.order = known.or(building).unwrap_or_else(|| {
        state.commits += 1;
        state.commits
    });
    // Each controller looks anew; a head that is where it was is no news.
    if let Some(before) = state.heads.get(branch) {
        let (seen_ms, rewritten) = (before.seen_ms, before.rewritten);
        if *before
            == (Head {
                seen_ms,
                rewritten,
                ..head.clone()
            })
        {
            return;
        }
    }
    state.heads.insert(branch.to_owned(), head);
}

fn release_built(state: &mut State, release: &Release) {
    if state.releases.contains_key(&release.id) {
        state.builds.retain(|build| build.commit != release.commit);
        return;
    }
    let build = state
        .builds
        .iter()
        .position(|build| build.commit == release.commit)
        .map(|place| state.builds.remove(place));
    let (branch, order) = build.map_or_else(
        || {
            state.commits += 1;
            (String::new(), state.commits)
        },
        |build| (build.branch, build.order),
    );
    let known = Known {
        release: release.clone(),
        branch,
        order,
    };
    state.releases.insert(release.id.clone(), known);
    forget(state);
}

/// Keeps the newest releases and all that an environment or a branch still names.
fn forget(state: &mut State) {
    while state.releases.len() > RELEASES_MAX {
        let used = |known: &Known| {
            let id = &known.release.id;
            let head = state
                .heads
                .values()
                .any(|head| head.commit == known.release.commit);
            head || state.lanes.iter().any(|lane| {
                lane.live
                    .iter()
                    .chain(&lane.served)
                    .any(|running| running.release == *id)
                    || lane
                        .rollout
                        .as_ref()
                        .is_some_and(|rollout| rollout.release == *id)
                    || lane.wanted.as_ref() == Some(id)
            })
        };
        let oldest = state
            .releases
            .values()
            .filter(|known| !used(known))
            .min_by_key(|known| known.order)
            .map(|known| known.release.id.clone());
        let Some(oldest) = oldest else { return };
        state.releases.remove(&oldest);
    }
}

/// Remembers that a commit is being built.
pub(super) fn building(state: &mut State, build: Build) {
    state.builds.retain(|other| other.commit != build.commit);
    state.builds.push(build);
    let surplus = state.builds.len().saturating_sub(BUILDS_MAX);
    state.builds.drain(..surplus);
}

/// The hold of the commit's release says so; without one the release is let in again, and nobody waits for a revert.
fn revert_proposed(lane: &mut Lane, commit: &str, revert: &str) {
    let release = id_of(commit);
    if let Some(hold) = lane.holds.iter_mut().find(|hold| hold.release == release) {
        hold.revert = Some(revert.to_owned());
    }
}

fn notified(lane: &mut Lane, rollout: u64, receipt: &str) {
    lane.told.push((rollout, receipt.to_owned()));
    let surplus = lane.told.len().saturating_sub(RECEIPTS_MAX);
    lane.told.drain(..surplus);
}
