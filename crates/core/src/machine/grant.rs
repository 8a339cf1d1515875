//! Grants what a person asked for: it changes the lane, `settle` does the rest.

use std::collections::BTreeMap;

use super::action::Action;
use super::ask::{Ask, Retry, again, permit, subject, target};
use super::event::Wish;
use super::outcome::{hold, lead_back, promoted, stop};
use super::settle::{next_canary_step, try_again};
use super::state::{Attestation, Back, Ending, Lane, Outcome, Phase, Revert, State, Tested};
use super::watch::has_customers;
use crate::config::{CanaryStep, Strategy};
use crate::view::ApprovalView;

/// Commits whose results are kept.
const TESTED_MAX: usize = 200;
/// Approvals that are kept of one rollout.
const APPROVALS_MAX: usize = 50;

/// Grants a wish, if it can still be granted.
pub(super) fn grant(state: &mut State, ask: &Ask, now_ms: i64, actions: &mut Vec<Action>) {
    if permit(state, ask).is_err() {
        return;
    }
    if let Wish::Tested {
        commit,
        passed,
        failed,
    } = &ask.wish
    {
        let tested = Tested {
            actor: ask.actor.clone(),
            at_ms: now_ms,
            passed: passed.clone(),
            failed: failed.clone(),
        };
        remember(&mut state.tested, commit, tested);
        return;
    }
    let retry = state.lane(&ask.environment).and_then(|lane| again(state, lane));
    if let (Wish::Retry, Some(Retry::Build(commit))) = (&ask.wish, &retry) {
        state.builds.retain(|build| build.commit != *commit);
        return;
    }
    let place = state
        .lanes
        .iter()
        .position(|lane| lane.config.name == ask.environment);
    let Some(lane) = place.and_then(|place| state.lanes.get_mut(place)) else {
        return;
    };
    match &ask.wish {
        Wish::Approve { plan, break_glass } => approve(lane, ask, plan, *break_glass, now_ms),
        Wish::Reject { .. } => stop(lane, ask.ending(Outcome::Refused, "rejected"), now_ms, actions),
        Wish::Promote { release: None } => go_on(lane, ask, now_ms, actions),
        Wish::Promote {
            release: Some(release),
        } => bring(lane, ask, release, now_ms, actions),
        Wish::Rollback { to } => go_back(lane, ask, to.as_deref(), now_ms, actions),
        Wish::Hold { release } => keep_out(lane, ask, release, now_ms, actions),
        Wish::ClearHold { release } => lane.holds.retain(|hold| hold.release != *release),
        Wish::Pause | Wish::Resume => {
            if let Some(rollout) = &mut lane.rollout {
                rollout.paused = ask.wish == Wish::Pause;
            }
        }
        Wish::Abort => stop(lane, ask.ending(Outcome::Aborted, "aborted"), now_ms, actions),
        Wish::Retry => once_more(lane, ask, retry, now_ms, actions),
        Wish::Attest { item } => attest(lane, ask, item, now_ms),
        // It belongs to no lane.
        Wish::Tested { .. } => {}
    }
}

/// Keeps the newest results.
fn remember(all: &mut BTreeMap<String, Tested>, commit: &str, tested: Tested) {
    all.insert(commit.to_owned(), tested);
    while all.len() > TESTED_MAX {
        let oldest = all.iter().min_by_key(|(_, tested)| tested.at_ms);
        let Some(oldest) = oldest.map(|(commit, _)| commit.clone()) else {
            return;
        };
        all.remove(&oldest);
    }
}

impl Ask {
    /// The comment, or `else_` if there is none.
    fn because<'a>(&'a self, else_: &'a str) -> &'a str {
        if self.comment.trim().is_empty() {
            else_
        } else {
            &self.comment
        }
    }

    fn ending(&self, outcome: Outcome, what: &str) -> Ending {
        Ending {
            outcome,
            by: self.actor.clone(),
            reason: self.because(what).to_owned(),
        }
    }
}

/// Brings a release here next; what has no customers yet makes room for it.
fn bring(lane: &mut Lane, ask: &Ask, release: &str, now_ms: i64, actions: &mut Vec<Action>) {
    lane.wanted = Some(release.to_owned());
    let early = lane
        .rollout
        .as_ref()
        .is_some_and(|rollout| !has_customers(rollout.phase));
    if early {
        let ending = ask.ending(Outcome::Superseded, "another release was asked for");
        stop(lane, ending, now_ms, actions);
    }
}

/// Keeps a release out; its rollout is given up if it has no customers yet.
fn keep_out(lane: &mut Lane, ask: &Ask, release: &str, now_ms: i64, actions: &mut Vec<Action>) {
    hold(lane, release, &ask.actor, ask.because("kept out"), now_ms);
    let its_rollout = lane
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.release == release && !has_customers(rollout.phase));
    if its_rollout {
        stop(lane, ask.ending(Outcome::Aborted, "kept out"), now_ms, actions);
    }
}

/// Tries again what failed.
fn once_more(lane: &mut Lane, ask: &Ask, retry: Option<Retry>, now_ms: i64, actions: &mut Vec<Action>) {
    match retry {
        Some(Retry::Release(release)) => {
            lane.holds.retain(|hold| hold.release != release);
            lane.wanted = Some(release);
        }
        Some(Retry::Back(release)) => {
            lane.back = Some(Back {
                release,
                by: ask.actor.clone(),
                reason: ask.because("once more").to_owned(),
            });
        }
        Some(Retry::Build(_)) | None => {
            try_again(lane, now_ms, actions);
        }
    }
}

fn attest(lane: &mut Lane, ask: &Ask, item: &str, now_ms: i64) {
    let Some(subject) = subject(lane) else { return };
    let attestation = Attestation {
        actor: ask.actor.clone(),
        comment: ask.comment.clone(),
        at_ms: now_ms,
    };
    lane.attested
        .entry(subject)
        .or_default()
        .insert(item.to_owned(), attestation);
}

fn approve(lane: &mut Lane, ask: &Ask, plan: &str, break_glass: bool, now_ms: i64) {
    let Some(rollout) = &mut lane.rollout else { return };
    // The newest word of a person counts.
    rollout
        .approvals
        .retain(|approval| approval.actor != ask.actor || approval.plan != plan);
    if rollout.approvals.len() < APPROVALS_MAX {
        rollout.approvals.push(ApprovalView {
            actor: ask.actor.clone(),
            comment: ask.comment.clone(),
            at_ms: now_ms,
            plan: plan.to_owned(),
            break_glass,
        });
    }
}

/// Skips what is left of a canary's pause or of the watch.
fn go_on(lane: &mut Lane, ask: &Ask, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &mut lane.rollout else { return };
    if rollout.phase == Phase::Watch {
        let reason = ask.because("the rest of the watch was skipped");
        promoted(lane, &ask.actor, reason, now_ms, actions);
        return;
    }
    rollout.paused = false;
    let waits = match &rollout.strategy {
        Strategy::Canary { steps } => steps.get(rollout.canary).copied(),
        Strategy::Recreate | Strategy::Rolling { .. } | Strategy::BlueGreen => None,
    };
    match waits {
        Some(CanaryStep::Pause(_) | CanaryStep::Approval) => next_canary_step(rollout),
        Some(CanaryStep::Weight(_)) | None => {}
    }
}

/// Back, now: a warm release by one swap, another by starting it first. What served is kept out.
fn go_back(lane: &mut Lane, ask: &Ask, to: Option<&str>, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(release) = target(lane, to) else { return };
    let reason = ask.because("rolled back").to_owned();
    let ending = |outcome| ask.ending(outcome, "rolled back");
    lane.holds.retain(|hold| hold.release != release);
    let back = Back {
        release: release.clone(),
        by: ask.actor.clone(),
        reason: reason.clone(),
    };
    let leaving = lane
        .rollout
        .as_ref()
        .filter(|rollout| has_customers(rollout.phase))
        .and_then(|rollout| rollout.old.clone());
    if let Some(old) = leaving {
        if old.release != release {
            lane.back = Some(back);
        }
        lead_back(lane, ending(Outcome::RolledBack), now_ms, actions);
        return;
    }
    if let Some(live) = lane.live.as_ref().map(|live| live.release.clone()) {
        hold(lane, &live, &ask.actor, &reason, now_ms);
        lane.served.retain(|served| served.release != live);
        lane.revert = Some(Revert {
            release: live,
            to: Some(release),
            reason: reason.clone(),
        });
    }
    lane.back = Some(back);
    lane.wanted = None;
    stop(lane, ending(Outcome::Superseded), now_ms, actions);
}
