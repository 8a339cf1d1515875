//! What the outcome of an action means for its rollout, and how a rollout ends. It does not decide what comes next when all
//! goes well: that is `settle`'s.

use super::action::Action;
use super::carry::{carry, carry_own, notify, route};
use super::event::Step;
use super::release::Plan;
use super::settle::next_canary_step;
use super::state::{Again, Back, Ending, Hold, Lane, Outcome, Phase, Purpose, Revert, Running};
use crate::config::{Environment, Strategy};
use crate::view::HistoryView;

/// Ended rollouts that are remembered per environment.
const HISTORY_MAX: usize = 50;
/// Releases that a rollback can go to.
const SERVED_MAX: usize = 20;
/// Failures of one action after which a person is asked. Leading customers back is tried for ever.
pub(super) const FAILURES_MAX: u32 = 5;
/// Wait after the first failure; doubles with each.
const AGAIN_MS: i64 = 500;
/// Longest wait between two tries.
pub(super) const AGAIN_MS_MAX: i64 = 10_000;

/// Whether the outcome of this step of this turn is waited for. Late and repeated ones are not.
pub(super) fn expected(lane: &Lane, rollout: u64, turn: u64, step: Step) -> bool {
    let current = lane.rollout.as_ref().filter(|current| current.id == rollout);
    let awaited = current.and_then(|current| current.awaits.as_ref());
    awaited.is_some_and(|awaited| awaited.turn == turn && awaited.step == step)
}

/// The plan is made; approvals of an earlier plan no longer fit. From now on the release's own settings count. Where the
/// environment is and what it follows stays: nothing has been started there.
pub(super) fn prepared(lane: &mut Lane, plan: Plan, settings: Option<&Environment>, now_ms: i64) {
    let own = settings.filter(|own| own.name == lane.config.name).map(|own| {
        let there = lane.config.clone();
        Environment {
            runtime: there.runtime,
            source: there.source,
            port: there.port,
            ..own.clone()
        }
    });
    let track = own.as_ref().map(|own| lane.track_for(own));
    let Some(rollout) = &mut lane.rollout else { return };
    if let (Some(own), Some(track)) = (own, track) {
        rollout.strategy.clone_from(&own.strategy);
        rollout.track = track;
        rollout.settings = Some(Box::new(own));
    }
    lane.not_enforced.clone_from(&plan.not_enforced);
    rollout.plan = Some(plan);
    rollout.enter(Phase::Gates, now_ms);
}

/// A step is done.
pub(super) fn done(lane: &mut Lane, step: Step, took_ms: u64, now_ms: i64) {
    let Some(rollout) = &mut lane.rollout else { return };
    let awaited = rollout.awaits.take();
    rollout.again = None;
    let (own, old) = (rollout.track, rollout.old.clone());
    match step {
        Step::Prepare | Step::Migrate | Step::Start | Step::Verify => {}
        Step::StopOld => {
            lane.live = None;
            if let Some(old) = old {
                lane.tracks.remove(&old.track);
            }
        }
        Step::Ready => {
            // While customers are led back, it is the old track that had to become ready again.
            let back = old.filter(|_| rollout.phase == Phase::Return);
            let track = back.map_or(own, |old| old.track);
            if let Some(track) = lane.tracks.get_mut(&track) {
                track.proven = true;
            }
        }
        Step::Switch | Step::Return => {
            lane.weights = awaited.and_then(|awaited| awaited.weights).unwrap_or_default();
            if step == Step::Return {
                rollout.rollback_ms = Some(took_ms);
            } else if rollout.phase == Phase::Switch {
                rollout.switch_ms = Some(took_ms);
            }
            match rollout.phase {
                Phase::Canary => next_canary_step(rollout),
                Phase::Return => lane.live = old,
                Phase::Switch => {
                    lane.live = Some(Running {
                        release: rollout.release.clone(),
                        track: own,
                        since_ms: now_ms,
                    });
                }
                Phase::Prepare
                | Phase::Gates
                | Phase::StopOld
                | Phase::Migrate
                | Phase::Start
                | Phase::Ready
                | Phase::Verify
                | Phase::Watch
                | Phase::Clean => {}
            }
        }
        Step::Clean => {
            lane.tracks.retain(|_, track| !track.stopping);
        }
    }
}

/// A step failed.
pub(super) fn failed(lane: &mut Lane, step: Step, reason: &str, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &mut lane.rollout else { return };
    rollout.awaits = None;
    let back = matches!(rollout.purpose, Purpose::Back(_));
    let by = match step {
        Step::Prepare => "plan",
        Step::StopOld | Step::Start => "start",
        Step::Migrate => "migration",
        Step::Ready => "readiness",
        Step::Verify => "verification",
        Step::Switch | Step::Return | Step::Clean => "proxy",
    };
    let outcome = if back { Outcome::Failed } else { Outcome::Refused };
    let ending = Ending {
        outcome,
        by: by.to_owned(),
        reason: reason.to_owned(),
    };
    let before_customers = match rollout.phase {
        Phase::Prepare
        | Phase::Gates
        | Phase::StopOld
        | Phase::Migrate
        | Phase::Start
        | Phase::Ready
        | Phase::Verify => true,
        Phase::Canary | Phase::Switch | Phase::Watch | Phase::Return | Phase::Clean => false,
    };
    let failures = rollout.again.as_ref().map_or(0, |again| again.failures) + 1;
    // On the way back in place nothing else serves.
    let starts = back && matches!(rollout.phase, Phase::StopOld | Phase::Start);
    if before_customers && !(starts && failures < FAILURES_MAX) {
        let ending = rollout.stop.take().unwrap_or(ending);
        give_up(lane, &ending, now_ms, actions);
        return;
    }
    let for_ever = rollout.phase == Phase::Return;
    if failures >= FAILURES_MAX && !for_ever && !back && rollout.phase != Phase::Clean {
        lead_back(lane, ending, now_ms, actions);
        return;
    }
    let wait = (AGAIN_MS << failures.min(10)).min(AGAIN_MS_MAX);
    let since_ms = rollout.again.as_ref().map_or(now_ms, |again| again.since_ms);
    rollout.again = Some(Again {
        failures,
        reason: reason.to_owned(),
        since_ms,
        at_ms: (failures < FAILURES_MAX || for_ever).then_some(now_ms + wait),
    });
}

/// Ends a rollout as soon as that is safe: steps that change something are waited for, customers are led back first.
pub(super) fn stop(lane: &mut Lane, ending: Ending, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &mut lane.rollout else { return };
    match rollout.phase {
        Phase::Prepare | Phase::Gates | Phase::Ready | Phase::Verify => {
            give_up(lane, &ending, now_ms, actions);
        }
        Phase::StopOld | Phase::Migrate | Phase::Start => {
            if rollout.awaits.is_some() {
                rollout.stop = Some(ending);
            } else {
                give_up(lane, &ending, now_ms, actions);
            }
        }
        Phase::Canary | Phase::Switch | Phase::Watch => lead_back(lane, ending, now_ms, actions),
        // It ends already.
        Phase::Return | Phase::Clean => {}
    }
}

/// Ends a rollout that has no customers yet.
pub(super) fn give_up(lane: &mut Lane, ending: &Ending, now_ms: i64, actions: &mut Vec<Action>) {
    keep_out(lane, ending, now_ms);
    let Some(rollout) = &mut lane.rollout else { return };
    let began = |phase| rollout.phases.iter().any(|(other, _)| *other == phase);
    let (stopped, started) = (began(Phase::StopOld), began(Phase::Start));
    let restore = rollout.in_place() && (stopped || started);
    rollout.ending = Some(ending.clone());
    rollout.stop = None;
    if restore {
        restore_old(lane, ending);
    }
    let Some(rollout) = &mut lane.rollout else { return };
    // A rolling update that is given up leaves old instances behind, which still serve: they are replaced, not stopped.
    let clean = started && !matches!(rollout.strategy, Strategy::Rolling { .. });
    if clean {
        rollout.enter(Phase::Clean, now_ms);
        carry_own(lane, Step::Clean, now_ms, actions);
    } else {
        finish(lane, now_ms, actions);
    }
}

/// Ends a rollout that has customers, or may have: they are led back first.
pub(super) fn lead_back(lane: &mut Lane, ending: Ending, now_ms: i64, actions: &mut Vec<Action>) {
    keep_out(lane, &ending, now_ms);
    let Some(rollout) = &mut lane.rollout else { return };
    rollout.stop = None;
    rollout.paused = false;
    let serves = lane
        .live
        .as_ref()
        .is_some_and(|live| live.release == rollout.release);
    let in_place = rollout.in_place();
    match &rollout.old {
        Some(_) if in_place => {
            rollout.ending = Some(ending.clone());
            restore_old(lane, &ending);
            finish(lane, now_ms, actions);
        }
        Some(_) => {
            rollout.ending = Some(ending);
            rollout.enter(Phase::Return, now_ms);
            send_back(lane, now_ms, actions);
        }
        None if serves => {
            // Nothing served before: bad service is better than none, and a person is told.
            rollout.ending = Some(Ending {
                outcome: Outcome::Failed,
                ..ending
            });
            finish(lane, now_ms, actions);
        }
        // A route that may still arrive would lead customers to what is gone: its outcome is waited for.
        None if rollout.awaits.is_some() => rollout.stop = Some(ending),
        None => {
            rollout.ending = Some(ending);
            rollout.enter(Phase::Clean, now_ms);
            carry_own(lane, Step::Clean, now_ms, actions);
        }
    }
}

/// Leads customers back to the old track; when nothing on it is ready, it is started first.
pub(super) fn send_back(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &lane.rollout else { return };
    let Some(old) = rollout.old.clone() else { return };
    let down = lane
        .tracks
        .get(&old.track)
        .is_none_or(|track| track.stopping || !track.proven || (track.ready == 0 && track.desired > 0));
    if down {
        carry(lane, Step::Start, (&old.release, old.track), now_ms, actions);
    } else {
        route(lane, Step::Return, (old.track, 100), now_ms, actions);
    }
}

/// Has the old release started again in its place.
fn restore_old(lane: &mut Lane, ending: &Ending) {
    let Some(rollout) = &lane.rollout else { return };
    if matches!(rollout.purpose, Purpose::Back(_)) {
        return;
    }
    if let Some(old) = &rollout.old {
        let back = Back {
            release: old.release.clone(),
            by: ending.by.clone(),
            reason: ending.reason.clone(),
        };
        lane.back.get_or_insert(back);
    }
}

/// Writes the hold that keeps sync from trying the same again.
fn keep_out(lane: &mut Lane, ending: &Ending, now_ms: i64) {
    let Some(rollout) = &lane.rollout else { return };
    let holds = match ending.outcome {
        Outcome::RolledBack | Outcome::Refused | Outcome::Aborted | Outcome::Failed => true,
        Outcome::Promoted | Outcome::Superseded => false,
    };
    if holds && !matches!(rollout.purpose, Purpose::Back(_)) {
        let release = rollout.release.clone();
        let old = rollout.old.as_ref().map(|old| old.release.clone());
        hold(lane, &release, &ending.by, &ending.reason, now_ms);
        if ending.outcome == Outcome::RolledBack {
            let to = lane.back.as_ref().map(|back| back.release.clone()).or(old);
            lane.revert = Some(Revert {
                release,
                to,
                reason: ending.reason.clone(),
            });
        }
    }
}

/// Keeps a release out.
pub(super) fn hold(lane: &mut Lane, release: &str, by: &str, reason: &str, now_ms: i64) {
    if lane.held(release).is_none() {
        lane.holds.push(Hold {
            release: release.to_owned(),
            reason: reason.to_owned(),
            by: by.to_owned(),
            since_ms: now_ms,
            revert: None,
        });
    }
}

/// The release stays: what is left to do is stopping the old one.
pub(super) fn promoted(lane: &mut Lane, by: &str, reason: &str, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &mut lane.rollout else { return };
    rollout.ending = Some(Ending {
        outcome: Outcome::Promoted,
        by: by.to_owned(),
        reason: reason.to_owned(),
    });
    let serves = Running {
        release: rollout.release.clone(),
        track: rollout.track,
        since_ms: lane.live.as_ref().map_or(now_ms, |live| live.since_ms),
    };
    let old = rollout.old.clone().filter(|_| !rollout.in_place());
    if let Some(own) = &rollout.settings {
        lane.config = (**own).clone();
    }
    lane.served.retain(|served| served.release != serves.release);
    lane.served.push(serves);
    let surplus = lane.served.len().saturating_sub(SERVED_MAX);
    lane.served.drain(..surplus);
    let Some(rollout) = &mut lane.rollout else { return };
    if let Some(old) = old {
        rollout.enter(Phase::Clean, now_ms);
        carry(lane, Step::Clean, (&old.release, old.track), now_ms, actions);
    } else {
        finish(lane, now_ms, actions);
    }
}

/// Writes the rollout into the history, and tells people.
pub(super) fn finish(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = lane.rollout.take() else {
        return;
    };
    let ending = rollout.ending.clone().unwrap_or(Ending {
        outcome: Outcome::Failed,
        by: "machine".to_owned(),
        reason: "it ended without a reason".to_owned(),
    });
    let message = format!(
        "{}: {} {} by {}: {}",
        lane.config.name,
        rollout.release,
        ending.outcome.name(),
        ending.by,
        ending.reason
    );
    notify(lane, rollout.id, message, actions);
    if ending.outcome == Outcome::Promoted {
        lane.last = Some(Box::new(rollout.clone()));
    }
    lane.history.push(HistoryView {
        rollout: rollout.id,
        release: rollout.release,
        version: String::new(),
        subject: String::new(),
        outcome: ending.outcome.name().to_owned(),
        decided_by: ending.by,
        reason: ending.reason,
        started_ms: rollout.started_ms,
        ended_ms: now_ms,
        switch_ms: rollout.switch_ms,
        rollback_ms: rollout.rollback_ms,
        plan: rollout.plan.map(|plan| plan.digest),
        approvals: rollout.approvals,
        gates: rollout.gates,
    });
    let surplus = lane.history.len().saturating_sub(HISTORY_MAX);
    lane.history.drain(..surplus);
}
