//! Why nothing happens: what is waited for, since when, what would unblock it, and whether a person has to act.

use crate::config::{CanaryStep, Inconclusive, Strategy};
use crate::machine::analysis::Verdict;
use crate::machine::gate;
use crate::machine::settle::next_time;
use crate::machine::state::{Lane, Phase, Rollout, State};
use crate::view::WaitingView;

/// What the rollout waits for.
pub(super) fn waiting(state: &State, lane: &Lane, rollout: &Rollout, now_ms: i64) -> Option<WaitingView> {
    let name = &lane.config.name;
    let since_ms = rollout
        .phases
        .last()
        .map_or(rollout.started_ms, |(_, since_ms)| *since_ms);
    let view = |what: String, until_ms, remedy: String, person| WaitingView {
        what,
        since_ms,
        until_ms,
        remedy,
        person,
        ..WaitingView::default()
    };
    if rollout.awaits.is_some() || rollout.again.is_some() {
        return step(lane, rollout);
    }
    if rollout.paused && rollout.phase != Phase::Gates {
        return Some(view(
            format!("the rollout is paused after {}", rollout.phase.name()),
            None,
            format!("windlass resume {name}"),
            true,
        ));
    }
    match rollout.phase {
        Phase::Gates => gates(state, lane, rollout, since_ms, now_ms),
        Phase::Canary => Some(canary(lane, rollout, since_ms, now_ms)),
        Phase::Watch => Some(watch(lane, rollout, since_ms, now_ms)),
        Phase::Prepare
        | Phase::StopOld
        | Phase::Migrate
        | Phase::Start
        | Phase::Ready
        | Phase::Verify
        | Phase::Switch
        | Phase::Return
        | Phase::Clean => None,
    }
}

/// An action that is under way, or that failed and is tried again.
fn step(lane: &Lane, rollout: &Rollout) -> Option<WaitingView> {
    let name = &lane.config.name;
    if let Some(awaited) = &rollout.awaits {
        let what = match &rollout.stop {
            Some(stop) => format!(
                "the step `{}` of {}, which is given up after it: {}",
                awaited.step.name(),
                rollout.release,
                stop.reason
            ),
            None => format!("the step `{}` of {}", awaited.step.name(), rollout.release),
        };
        return Some(WaitingView {
            since_ms: awaited.since_ms,
            what,
            remedy: format!("it goes on by itself; windlass status {name} shows its instances"),
            person: false,
            ..WaitingView::default()
        });
    }
    let again = rollout.again.as_ref()?;
    let times = match again.failures {
        1 => "once".to_owned(),
        failures => format!("{failures} times"),
    };
    let what = format!(
        "the phase {} failed {times}: {}",
        rollout.phase.name(),
        again.reason
    );
    let person = again.at_ms.is_none();
    let remedy = if person {
        format!("correct the cause, then: windlass retry {name}")
    } else {
        "it is tried again by itself".to_owned()
    };
    Some(WaitingView {
        since_ms: again.since_ms,
        what,
        until_ms: again.at_ms,
        remedy,
        person,
        ..WaitingView::default()
    })
}

/// The gate that is hardest to pass: a denial before a person, a person before a time.
fn gates(state: &State, lane: &Lane, rollout: &Rollout, since_ms: i64, now_ms: i64) -> Option<WaitingView> {
    let answers = gate::answers(state, lane, now_ms)?;
    let rank = |verdict: &gate::Verdict| match verdict {
        gate::Verdict::Allow => 0,
        gate::Verdict::Defer { person: false, .. } => 1,
        gate::Verdict::Defer { person: true, .. } => 2,
        gate::Verdict::Deny { .. } => 3,
    };
    let hardest = answers
        .iter()
        .rev()
        .max_by_key(|(_, answer)| rank(&answer.verdict))
        .filter(|(_, answer)| rank(&answer.verdict) > 0);
    let Some((name, answer)) = hardest else {
        return rollout.paused.then(|| WaitingView {
            what: "all gates allow, but the rollout is paused".to_owned(),
            since_ms,
            remedy: format!("windlass resume {}", lane.config.name),
            person: true,
            ..WaitingView::default()
        });
    };
    let (remedy, person) = match &answer.verdict {
        gate::Verdict::Allow => return None,
        gate::Verdict::Deny { remedy, .. } => (remedy, true),
        gate::Verdict::Defer { remedy, person, .. } => (remedy, *person),
    };
    Some(WaitingView {
        what: format!("{} waits at the gate {name}: {}", rollout.release, answer.reason),
        since_ms,
        until_ms: if person {
            None
        } else {
            next_time(state, lane, now_ms).map(|(_, at_ms)| at_ms)
        },
        remedy: remedy.clone(),
        person,
        ..WaitingView::default()
    })
}

fn canary(lane: &Lane, rollout: &Rollout, since_ms: i64, now_ms: i64) -> WaitingView {
    let name = &lane.config.name;
    let watch = rollout.watch.as_ref();
    let passed_ms = watch.map_or(0, |watch| watch.watched_ms.saturating_sub(watch.paused_at_ms));
    let step = match &rollout.strategy {
        Strategy::Canary { steps } => steps.get(rollout.canary).copied(),
        Strategy::Recreate | Strategy::Rolling { .. } | Strategy::BlueGreen => None,
    };
    let share = lane.weights.get(&rollout.track).copied().unwrap_or_default();
    let (until_ms, person) = match step {
        Some(CanaryStep::Pause(pause_ms)) => {
            let left = i64::try_from(pause_ms.saturating_sub(passed_ms)).unwrap_or(i64::MAX);
            (Some(now_ms.saturating_add(left)), false)
        }
        Some(CanaryStep::Approval) => (None, true),
        Some(CanaryStep::Weight(_)) | None => (None, false),
    };
    WaitingView {
        what: format!("{share} % of customers try {}", rollout.release),
        since_ms,
        until_ms,
        remedy: format!("windlass promote {name} goes on now; windlass abort {name} gives it up"),
        person,
        ..WaitingView::default()
    }
}

fn watch(lane: &Lane, rollout: &Rollout, since_ms: i64, now_ms: i64) -> WaitingView {
    let name = &lane.config.name;
    let watched_ms = rollout.watch.as_ref().map_or(0, |watch| watch.watched_ms);
    let left_ms = lane.settings().watch_ms.saturating_sub(watched_ms);
    let verdict = rollout.watch.as_ref().and_then(|watch| watch.verdict.as_ref());
    let undecided = left_ms == 0
        && lane.settings().analysis.inconclusive == Inconclusive::Wait
        && matches!(verdict, Some(Verdict::Inconclusive { .. }));
    let what = match verdict {
        Some(Verdict::Inconclusive { because }) if undecided => {
            format!(
                "the watch of {} ended without a verdict: {because}",
                rollout.release
            )
        }
        _ => format!("the watch of {}", rollout.release),
    };
    let ends_ms = now_ms.saturating_add(i64::try_from(left_ms).unwrap_or(i64::MAX));
    WaitingView {
        what,
        since_ms,
        until_ms: (!undecided).then_some(ends_ms),
        remedy: format!("windlass promote {name} ends the watch; windlass rollback {name} goes back"),
        person: undecided,
        ..WaitingView::default()
    }
}

/// What is the matter: instances that are not ready, and what the rollout waits for.
pub(super) fn news(lane: &Lane, waiting: Option<&WaitingView>) -> String {
    let track = lane.live.as_ref().and_then(|live| lane.tracks.get(&live.track));
    let trouble = track.filter(|track| track.ready < track.desired).map(|track| {
        format!(
            "{} of {} instances ready: {}",
            track.ready, track.desired, track.trouble
        )
    });
    let waiting = lane.rollout.as_ref().map(|rollout| match waiting {
        Some(waiting) => format!("waiting: {}", waiting.what),
        None => format!("{} is in {}", rollout.release, rollout.phase.name()),
    });
    let news: Vec<String> = trouble.into_iter().chain(waiting).collect();
    news.join("; ")
}

/// One sentence about an environment: what serves, what is the matter and, when nothing is rolled out, what comes next.
pub(super) fn summary(state: &State, lane: &Lane, news: &str, coming: Option<&WaitingView>) -> String {
    let serves = lane.live.as_ref().map_or_else(
        || "nothing serves".to_owned(),
        |live| {
            let known = state.releases.get(&live.release);
            let version = known.map_or(&live.release, |known| &known.release.version);
            format!("{version} serves")
        },
    );
    let next = coming.filter(|_| lane.rollout.is_none());
    let next = next.map_or("", |coming| &coming.what);
    let parts = [serves.as_str(), news, next];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join("; ")
}

/// Whether nothing is in progress that will go on by itself.
pub(super) fn settled(state: &State, lane: &Lane, waiting: Option<&WaitingView>) -> bool {
    if lane.rollout.is_some() {
        return waiting.is_some_and(|waiting| waiting.person);
    }
    let head = state.heads.get(lane.branch());
    let builds = lane.config.promote_from.is_none();
    let building = head.filter(|_| builds).is_some_and(|head| {
        let mut running = state.builds.iter().filter(|build| build.failed.is_none());
        running.any(|build| build.commit == head.commit)
    });
    !building && lane.back.is_none() && lane.wanted.is_none()
}
