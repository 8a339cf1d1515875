//! The watch over a release that has customers: measurements, observations, and what they decide.

use super::action::Action;
use super::analysis::{Sample, Verdict, judge};
use super::event::Color;
use super::outcome;
use super::state::{Ending, Lane, Outcome, Phase, Watch};

/// Longest time between two measurements that counts as watched, as a multiple of the wanted time: while nobody looks (the
/// controller was down, the clock jumped) the watch does not go on.
const GAP_MAX: u64 = 10;
/// What a runtime says of an instance that starts and fails again and again; the word is Kubernetes'.
const CRASH_LOOP: &str = "CrashLoopBackOff";

/// Begins the watch. The first measurement says where the counters are.
pub(super) fn begin(lane: &mut Lane, now_ms: i64) {
    let Some(rollout) = &mut lane.rollout else { return };
    let running = rollout.watch.take();
    let fresh = Watch {
        started_ms: now_ms,
        measured_ms: running.as_ref().and_then(|watch| watch.measured_ms),
        from_ms: Some(now_ms),
        due_ms: running.as_ref().map_or(now_ms, |watch| watch.due_ms),
        // After a canary the measurements are under way already.
        asked: running.as_ref().is_some_and(|watch| watch.asked),
        watched_ms: 0,
        paused_at_ms: 0,
        since: None,
        before: None,
        verdict: None,
    };
    rollout.watch = Some(fresh);
}

/// Asks for the next measurement, once.
pub(super) fn measure(lane: &mut Lane, actions: &mut Vec<Action>) {
    let Some(rollout) = lane
        .rollout
        .as_mut()
        .filter(|rollout| has_customers(rollout.phase))
    else {
        return;
    };
    let Some(watch) = rollout.watch.as_mut().filter(|watch| !watch.asked) else {
        return;
    };
    watch.asked = true;
    actions.push(Action::Measure {
        environment: lane.config.name.clone(),
        rollout: rollout.id,
        track: rollout.track,
        at_ms: watch.due_ms,
    });
}

/// Takes a measurement of both tracks that was asked for at `at_ms` for the rollout `id`.
pub(super) fn measured(
    lane: &mut Lane,
    (id, at_ms): (u64, Option<i64>),
    (new, old): (&Sample, &Sample),
    now_ms: i64,
    actions: &mut Vec<Action>,
) {
    if !awaited(lane, id, at_ms, now_ms) {
        return;
    }
    let settings = &lane.settings().analysis.clone();
    let every_ms = settings.every_ms.max(1);
    let Some(watch) = lane.rollout.as_mut().and_then(|rollout| rollout.watch.as_mut()) else {
        return;
    };
    let from_ms = watch.from_ms.take().unwrap_or(i64::MIN);
    let passed = watch.measured_ms.map(|last| now_ms - last.max(from_ms));
    let passed = passed.and_then(|passed| u64::try_from(passed).ok());
    watch.watched_ms += passed.unwrap_or(0).min(every_ms.saturating_mul(GAP_MAX));
    watch.measured_ms = Some(now_ms);
    watch.due_ms = now_ms.saturating_add(i64::try_from(every_ms).unwrap_or(i64::MAX));
    watch.asked = false;
    let since = watch.since.get_or_insert_with(|| new.clone());
    let before = watch.before.replace(new.clone()).unwrap_or_else(|| since.clone());
    let verdict = judge(settings, since, &before, new, old);
    watch.verdict = Some(verdict.clone());
    if let Verdict::Bad { because } = verdict {
        let ending = rolled_back("analysis", because);
        outcome::lead_back(lane, ending, now_ms, actions);
    }
}

/// Whether a measurement is the one that the watch of this rollout waits for, and no repeated or late one.
fn awaited(lane: &Lane, id: u64, at_ms: Option<i64>, now_ms: i64) -> bool {
    let rollout = lane.rollout.as_ref().filter(|rollout| rollout.id == id);
    let watched = rollout.filter(|rollout| has_customers(rollout.phase));
    let Some(watch) = watched.and_then(|rollout| rollout.watch.as_ref()) else {
        return false;
    };
    // Not by the clock: one that is set back a little while it is measured would make the only answer an early one, and
    // nothing would ever be measured again.
    if let Some(at_ms) = at_ms {
        return watch.asked && at_ms == watch.due_ms;
    }
    let since_last = watch.measured_ms.map(|last| now_ms - last);
    since_last.is_none_or(|passed| passed < 0) || now_ms >= watch.due_ms
}

/// Takes an observation of a track. A release that has customers and nothing that could answer them is left at once.
pub(super) fn observed(
    lane: &mut Lane,
    color: Color,
    (ready, desired): (u32, u32),
    trouble: &str,
    now_ms: i64,
    actions: &mut Vec<Action>,
) {
    let Some(track) = lane.tracks.get_mut(&color) else {
        return;
    };
    track.ready = ready;
    track.desired = desired;
    trouble.clone_into(&mut track.trouble);
    let Some(rollout) = &lane.rollout else { return };
    let down = (ready == 0 && desired > 0) || trouble.contains(CRASH_LOOP);
    if !down || color != rollout.track || !has_customers(rollout.phase) {
        return;
    }
    // One that never had customers fails by its switch; a rollback has nowhere better to go.
    if rollout.watch.is_some() {
        let because = format!("{ready} of {desired} instances are ready: {trouble}");
        outcome::lead_back(lane, rolled_back("health", because), now_ms, actions);
    }
}

fn rolled_back(by: &str, reason: String) -> Ending {
    Ending {
        outcome: Outcome::RolledBack,
        by: by.to_owned(),
        reason,
    }
}

/// Whether the new release has, or is about to get, customers.
pub(super) fn has_customers(phase: Phase) -> bool {
    match phase {
        Phase::Canary | Phase::Switch | Phase::Watch => true,
        Phase::Prepare
        | Phase::Gates
        | Phase::StopOld
        | Phase::Migrate
        | Phase::Start
        | Phase::Ready
        | Phase::Verify
        | Phase::Return
        | Phase::Clean => false,
    }
}
