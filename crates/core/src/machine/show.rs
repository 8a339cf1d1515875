//! Shows the state to people and programs: the fold behind `view`. What needs a clock of the proxy or the name of a
//! socket is filled in by the controller.

mod next;
mod phases;
mod summary;

use std::collections::BTreeMap;

use super::analysis::Verdict;
use super::event::Color;
use super::release::id_of;
use super::state::{Head, Known, Lane, Phase, Rollout, Running, State};
use super::{ask, checklist, gate};
use crate::config::{Deploy, Runtime, Source, Strategy};
use crate::tag;
use crate::view::{
    BuildView, EnvironmentView, HistoryView, HoldView, LiveView, PlanView, ReleaseView, RolloutView,
    TrackView, View, WatchView,
};

/// The branch whose newest release is called `latest`.
const MAIN: &str = "main";

/// Everything as it is at `now_ms`, milliseconds since the epoch. `platform`, `seq`, `isolation`, addresses of previews and
/// traffic are the controller's to fill in.
pub fn view(state: &State, now_ms: i64) -> View {
    let mut releases: Vec<&Known> = state.releases.values().collect();
    releases.sort_by_key(|known| std::cmp::Reverse(known.order));
    View {
        platform: String::new(),
        at_ms: now_ms,
        seq: 0,
        isolation: String::new(),
        environments: state
            .lanes
            .iter()
            .map(|lane| environment(state, lane, now_ms))
            .collect(),
        releases: releases.into_iter().map(|known| release(state, known)).collect(),
        builds: state
            .builds
            .iter()
            .rev()
            .map(|build| BuildView {
                commit: build.commit.clone(),
                subject: build.subject.clone(),
                state: if build.failed.is_some() {
                    "failed"
                } else {
                    "building"
                }
                .to_owned(),
                reason: build.failed.clone().unwrap_or_default(),
                since_ms: build.since_ms,
            })
            .collect(),
        warnings: rewritten(state),
    }
}

/// A warning for each branch that no longer contains what it was at before; its next commit clears it.
fn rewritten(state: &State) -> Vec<String> {
    let heads = state.heads.iter().filter(|(_, head)| head.rewritten);
    let warning = |(branch, head): (&String, &Head)| {
        format!(
            "{branch} was rewritten and is now at {}: releases that it no longer contains are not deployed; \
             hint: if that was a mistake, push the old commit again; a next commit clears this",
            id_of(&head.commit)
        )
    };
    heads.map(warning).collect()
}

fn runtime(runtime: &Runtime) -> String {
    match runtime {
        Runtime::Local => "local".to_owned(),
        Runtime::Kubernetes {
            context, namespace, ..
        } => format!("{}/{namespace}", context.as_deref().unwrap_or("kubernetes")),
    }
}

fn environment(state: &State, lane: &Lane, now_ms: i64) -> EnvironmentView {
    let warm = |running: &Running| {
        let track = lane.tracks.get(&running.track);
        track.is_some_and(|track| track.release == running.release && track.proven && !track.stopping)
    };
    let shown = |running: &Running| live(state, running, warm(running));
    let rollout = lane.rollout.as_ref();
    let waiting = rollout.and_then(|rollout| summary::waiting(state, lane, rollout, now_ms));
    let next = next::coming(state, lane, now_ms);
    let news = summary::news(lane, waiting.as_ref());
    EnvironmentView {
        name: lane.config.name.clone(),
        runtime: runtime(&lane.config.runtime),
        source: match &lane.config.source {
            Source::Worktree(folder) => folder.clone(),
            Source::Branch { branch, .. } => branch.clone(),
        },
        url: lane.config.port.map(|port| format!("http://localhost:{port}")),
        generation: lane.generation,
        preview_url: None,
        strategy: match &lane.settings().strategy {
            Strategy::Recreate => "recreate",
            Strategy::Rolling { .. } => "rolling",
            Strategy::BlueGreen => "blue-green",
            Strategy::Canary { .. } => "canary",
        }
        .to_owned(),
        deploy: match lane.deploy() {
            Deploy::Auto => "by itself".to_owned(),
            Deploy::Approvals { count: 1, .. } => "1 approval".to_owned(),
            Deploy::Approvals { count, .. } => format!("{count} approvals"),
        },
        summary: summary::summary(state, lane, &news, next.as_ref()),
        news,
        settled: summary::settled(state, lane, waiting.as_ref()),
        waits_for_person: waiting.as_ref().is_some_and(|waiting| waiting.person),
        live: lane.live.as_ref().map(shown),
        previous: lane.previous().map(shown),
        tracks: tracks(state, lane),
        rollout: rollout.map(|current| RolloutView {
            waiting,
            ..rollout_view(state, lane, current, now_ms)
        }),
        next,
        holds: lane
            .holds
            .iter()
            .map(|hold| HoldView {
                release: hold.release.clone(),
                reason: hold.reason.clone(),
                by: hold.by.clone(),
                since_ms: hold.since_ms,
                remedy: next::let_in_again(lane, hold),
                revert: hold.revert.clone(),
            })
            .collect(),
        history: lane
            .history
            .iter()
            .rev()
            .map(|ended| named(state, ended))
            .collect(),
        checklist: checklist::shown(state, lane),
        commands: ask::commands(state, lane),
        not_enforced: lane.not_enforced.clone(),
    }
}

/// Version, subject and commit of a release.
fn words(state: &State, release: &str) -> (String, String, String) {
    state.releases.get(release).map_or_else(
        || (release.to_owned(), String::new(), String::new()),
        |known| {
            let release = &known.release;
            (
                release.version.clone(),
                release.subject.clone(),
                release.commit.clone(),
            )
        },
    )
}

fn live(state: &State, running: &Running, warm: bool) -> LiveView {
    let (version, subject, commit) = words(state, &running.release);
    LiveView {
        release: running.release.clone(),
        version,
        subject,
        commit,
        track: running.track,
        since_ms: running.since_ms,
        warm,
    }
}

fn named(state: &State, ended: &HistoryView) -> HistoryView {
    let (version, subject, _) = words(state, &ended.release);
    HistoryView {
        version,
        subject,
        ..ended.clone()
    }
}

fn tracks(state: &State, lane: &Lane) -> Vec<TrackView> {
    let serves = |color: Color| lane.live.as_ref().is_some_and(|live| live.track == color);
    let canary = lane
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.phase == Phase::Canary);
    lane.tracks
        .iter()
        .map(|(color, track)| TrackView {
            track: *color,
            release: track.release.clone(),
            version: words(state, &track.release).0,
            state: match (track.stopping, serves(*color), track.proven) {
                (true, _, _) => "stopping",
                (false, true, _) => "live",
                (false, false, false) => "starting",
                (false, false, true) if canary => "canary",
                (false, false, true) => "warm",
            }
            .to_owned(),
            weight: lane.weights.get(color).copied().unwrap_or_default(),
            ready: track.ready,
            desired: track.desired,
            trouble: track.trouble.clone(),
            traffic: None,
        })
        .collect()
}

fn rollout_view(state: &State, lane: &Lane, rollout: &Rollout, now_ms: i64) -> RolloutView {
    let (version, subject, _) = words(state, &rollout.release);
    let gates = if rollout.gates.is_empty() {
        let answers = gate::answers(state, lane, now_ms).unwrap_or_default();
        answers
            .iter()
            .map(|(name, answer)| gate::shown(name, answer))
            .collect()
    } else {
        rollout.gates.clone()
    };
    RolloutView {
        id: rollout.id,
        release: rollout.release.clone(),
        version,
        subject,
        track: rollout.track,
        phase: rollout.phase.name().to_owned(),
        phases: phases::strip(rollout, lane.settings().watch_ms),
        started_ms: rollout.started_ms,
        paused: rollout.paused,
        waiting: None,
        plan: rollout.plan.as_ref().map(|plan| PlanView {
            digest: plan.digest.clone(),
            changes: plan.changes.clone(),
            findings: plan.findings.clone(),
        }),
        gates,
        approvals: rollout.approvals.clone(),
        watch: watch(lane, rollout, now_ms),
    }
}

fn watch(lane: &Lane, rollout: &Rollout, now_ms: i64) -> Option<WatchView> {
    let watch = rollout.watch.as_ref()?;
    let left_ms = lane.settings().watch_ms.saturating_sub(watch.watched_ms);
    let (verdict, because) = match &watch.verdict {
        Some(Verdict::Bad { because }) => ("bad", because.clone()),
        Some(Verdict::Good) => ("good", "nothing speaks against it".to_owned()),
        Some(Verdict::Inconclusive { because }) => ("inconclusive", because.clone()),
        None => ("inconclusive", "nothing is measured yet".to_owned()),
    };
    Some(WatchView {
        started_ms: watch.started_ms,
        ends_ms: now_ms.saturating_add(i64::try_from(left_ms).unwrap_or(i64::MAX)),
        verdict: verdict.to_owned(),
        because,
    })
}

fn release(state: &State, known: &Known) -> ReleaseView {
    let id = &known.release.id;
    let place = |lane: &Lane| {
        let is = |running: Option<&Running>| running.is_some_and(|running| running.release == *id);
        let rollout = lane.rollout.as_ref().filter(|rollout| rollout.release == *id);
        let word = if is(lane.live.as_ref()) {
            "live"
        } else if let Some(rollout) = rollout {
            match rollout.phase {
                Phase::Prepare | Phase::Gates => "waiting",
                Phase::StopOld
                | Phase::Migrate
                | Phase::Start
                | Phase::Ready
                | Phase::Verify
                | Phase::Canary
                | Phase::Switch
                | Phase::Watch
                | Phase::Return
                | Phase::Clean => "rolling-out",
            }
        } else if lane.held(id).is_some() {
            "held"
        } else if is(lane.previous()) {
            "previous"
        } else {
            return None;
        };
        Some((lane.config.name.clone(), word.to_owned()))
    };
    let environments: BTreeMap<String, String> = state.lanes.iter().filter_map(place).collect();
    ReleaseView {
        release: known.release.clone(),
        environments,
        tags: tags(state, known),
    }
}

/// Names that people use for a release: its commit, its version, `latest` for the newest that main contains, and each
/// environment where it is the newest.
fn tags(state: &State, known: &Known) -> Vec<String> {
    let release = &known.release;
    let newest = |commits: &dyn Fn(&Known) -> bool| {
        let newest = state
            .releases
            .values()
            .filter(|other| commits(other))
            .max_by_key(|other| other.order);
        newest.is_some_and(|newest| newest.release.id == release.id)
    };
    let mut tags = vec![release.id.clone()];
    if semver::Version::parse(release.version.trim_start_matches('v')).is_ok() {
        tags.push(release.version.clone());
    }
    let main = state.heads.get(MAIN);
    if main.is_some_and(|main| newest(&|other| main.contains.contains(&other.release.commit))) {
        tags.push("latest".to_owned());
    }
    for lane in &state.lanes {
        let follows = lane.config.deploy == Deploy::Auto && lane.config.branch().is_some();
        let branch = lane.branch();
        if follows && newest(&|other| other.branch == branch) {
            tags.push(lane.config.name.clone());
        }
    }
    tags.retain(|tag| tag.parse::<tag::Tag>().is_ok());
    tags
}
