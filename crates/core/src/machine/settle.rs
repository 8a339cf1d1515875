//! What follows from the state as it is: builds, new rollouts, the next phase of each, and the times to wake up at.

use super::action::Action;
use super::analysis::Verdict;
use super::carry::{carry, carry_own, notify, route};
use super::event::Step;
use super::gate;
use super::outcome::{AGAIN_MS_MAX, finish, give_up, lead_back, promoted, send_back, stop};
use super::state::{Back, Build, Ending, Head, Lane, Outcome, Phase, Purpose, Rollout, State};
use super::take::building;
use super::watch;
use crate::config::{CanaryStep, Inconclusive, Strategy};

/// Changes in a row of one lane on one event; a rollout has fewer phases and a canary fewer steps without an action.
const ROUNDS_MAX: usize = 64;

/// Brings every lane as far as it gets without an outcome, a time or a person.
pub(super) fn settle(state: &mut State, now_ms: i64, actions: &mut Vec<Action>) {
    build(state, now_ms, actions);
    // A release that has served well in one environment may begin in another, whatever their order.
    for _ in 0..=state.lanes.len() {
        let mut changed = false;
        for place in 0..state.lanes.len() {
            for _ in 0..ROUNDS_MAX {
                if !advance(state, place, now_ms, actions) {
                    break;
                }
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for place in 0..state.lanes.len() {
        watch::measure(&mut state.lanes[place], actions);
        tidy(state, place, actions);
        wake(state, place, now_ms, actions);
    }
}

/// Has each head built that an environment follows directly, once.
fn build(state: &mut State, now_ms: i64, actions: &mut Vec<Action>) {
    let builders = state
        .lanes
        .iter()
        .filter(|lane| lane.config.promote_from.is_none() && !lane.removed);
    let wanted: Vec<String> = builders.map(|lane| lane.branch().to_owned()).collect();
    for branch in wanted {
        let Some(head) = state.heads.get(&branch) else {
            continue;
        };
        let commit = head.commit.clone();
        let begun = state.builds.iter().any(|build| build.commit == commit);
        if begun || state.known_commit(&commit).is_some() {
            continue;
        }
        let build = Build {
            commit: commit.clone(),
            branch: branch.clone(),
            subject: head.subject.clone(),
            order: head.order,
            since_ms: now_ms,
            failed: None,
        };
        building(state, build);
        actions.push(Action::Build { commit, branch });
    }
}

/// One change of one lane; `false` when there is none to make.
fn advance(state: &mut State, place: usize, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let lane = &state.lanes[place];
    let Some(rollout) = &lane.rollout else {
        return begin(state, place, now_ms, actions);
    };
    if rollout.stop.is_none()
        && let Some(successor) = state.successor(lane, rollout)
    {
        let ending = Ending {
            outcome: Outcome::Superseded,
            by: "source".to_owned(),
            reason: format!("{} is newer", successor.release.id),
        };
        stop(&mut state.lanes[place], ending, now_ms, actions);
        return true;
    }
    if rollout.awaits.is_some() {
        return false;
    }
    if let Some(ending) = rollout.stop.clone() {
        stop(&mut state.lanes[place], ending, now_ms, actions);
        return true;
    }
    if let Some(again) = &rollout.again {
        if rollout.phase == Phase::Clean && lane.back.is_some() {
            // Going back does not wait for a track that does not stop.
            finish(&mut state.lanes[place], now_ms, actions);
            return true;
        }
        // Farther off than any wait: the clock was set back, and customers may be waiting to be led back.
        let due = |at_ms: i64| at_ms <= now_ms || at_ms.saturating_sub(now_ms) > AGAIN_MS_MAX;
        let due = again.at_ms.is_some_and(due);
        return due && try_again(&mut state.lanes[place], now_ms, actions);
    }
    match rollout.phase {
        Phase::Prepare => {
            prepare(&mut state.lanes[place], now_ms, actions);
            true
        }
        Phase::Gates => pass_gates(state, place, now_ms, actions),
        Phase::StopOld | Phase::Migrate | Phase::Start | Phase::Ready | Phase::Verify => {
            go_on(&mut state.lanes[place], now_ms, actions)
        }
        Phase::Canary => canary(&mut state.lanes[place], now_ms, actions),
        Phase::Switch => switched(&mut state.lanes[place], now_ms, actions),
        Phase::Watch => watched(&mut state.lanes[place], now_ms, actions),
        Phase::Return => returned(&mut state.lanes[place], now_ms, actions),
        Phase::Clean => {
            finish(&mut state.lanes[place], now_ms, actions);
            true
        }
    }
}

/// Begins the next rollout of an idle lane, if there is one: back before forth, a person's wish before the source's.
fn begin(state: &mut State, place: usize, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let candidate = state
        .candidate(&state.lanes[place])
        .map(|known| known.release.id.clone());
    let lane = &mut state.lanes[place];
    if let Some(back) = lane.back.take() {
        let release = back.release.clone();
        open(lane, &release, Purpose::Back(back), now_ms);
        let in_place = lane.rollout.as_ref().is_some_and(Rollout::in_place);
        let recreate = lane.config.strategy == Strategy::Recreate;
        let first = if in_place && recreate && lane.live.is_some() {
            Phase::StopOld
        } else {
            Phase::Start
        };
        enter(lane, first, now_ms, actions);
        return true;
    }
    let asked = lane.wanted.take();
    let purpose = asked.as_ref().map_or(Purpose::Sync, |_| {
        Purpose::Asked(asked.clone().unwrap_or_default())
    });
    let Some(release) = asked.or(candidate) else {
        return false;
    };
    open(lane, &release, purpose, now_ms);
    prepare(lane, now_ms, actions);
    true
}

fn open(lane: &mut Lane, release: &str, purpose: Purpose, now_ms: i64) {
    lane.rollouts += 1;
    let track = lane.track_for(&lane.config);
    lane.rollout = Some(Rollout {
        id: lane.rollouts,
        release: release.to_owned(),
        track,
        strategy: lane.config.strategy.clone(),
        purpose,
        phase: Phase::Prepare,
        phases: Vec::new(),
        started_ms: now_ms,
        paused: false,
        old: lane.live.clone(),
        awaits: None,
        again: None,
        plan: None,
        planned_for: lane.generation,
        approvals: Vec::new(),
        gates: Vec::new(),
        canary: 0,
        watch: None,
        ending: None,
        stop: None,
        switch_ms: None,
        rollback_ms: None,
        settings: None,
    });
}

fn prepare(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) {
    let generation = lane.generation;
    if let Some(rollout) = &mut lane.rollout {
        rollout.planned_for = generation;
        rollout.plan = None;
    }
    enter(lane, Phase::Prepare, now_ms, actions);
}

/// Enters a phase and sends its action.
fn enter(lane: &mut Lane, phase: Phase, now_ms: i64, actions: &mut Vec<Action>) {
    let Some(rollout) = &mut lane.rollout else { return };
    rollout.enter(phase, now_ms);
    let old = rollout.old.clone();
    let back = matches!(rollout.purpose, Purpose::Back(_));
    let own = rollout.track;
    match phase {
        Phase::Prepare => carry_own(lane, Step::Prepare, now_ms, actions),
        Phase::StopOld => {
            if let Some(old) = old {
                carry(lane, Step::StopOld, (&old.release, old.track), now_ms, actions);
            }
        }
        Phase::Migrate => carry_own(lane, Step::Migrate, now_ms, actions),
        Phase::Start => carry_own(lane, Step::Start, now_ms, actions),
        Phase::Ready => carry_own(lane, Step::Ready, now_ms, actions),
        Phase::Verify => carry_own(lane, Step::Verify, now_ms, actions),
        Phase::Switch => {
            let step = if back { Step::Return } else { Step::Switch };
            route(lane, step, (own, 100), now_ms, actions);
        }
        Phase::Canary | Phase::Watch => watch::begin(lane, now_ms),
        Phase::Gates | Phase::Return | Phase::Clean => {}
    }
}

/// From a step that is done to the next one.
fn go_on(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &lane.rollout else {
        return false;
    };
    if rollout.paused {
        return false;
    }
    let back = matches!(rollout.purpose, Purpose::Back(_));
    let beside = rollout.old.is_some() && matches!(rollout.strategy, Strategy::Canary { .. });
    let rolling = matches!(rollout.strategy, Strategy::Rolling { .. });
    let next = match rollout.phase {
        Phase::StopOld if back => Phase::Start,
        Phase::StopOld => Phase::Migrate,
        Phase::Migrate => Phase::Start,
        Phase::Start => Phase::Ready,
        Phase::Ready if back || rolling => Phase::Switch,
        Phase::Ready => Phase::Verify,
        Phase::Verify if beside => Phase::Canary,
        Phase::Verify | Phase::Canary => Phase::Switch,
        Phase::Prepare | Phase::Gates | Phase::Switch | Phase::Watch | Phase::Return | Phase::Clean => {
            return false;
        }
    };
    enter(lane, next, now_ms, actions);
    true
}

/// Asks the gates; when all allow, the plan is carried out.
fn pass_gates(state: &mut State, place: usize, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let generation = state.lanes[place].generation;
    let answers = gate::answers(state, &state.lanes[place], now_ms);
    let lane = &mut state.lanes[place];
    let Some(rollout) = &mut lane.rollout else {
        return false;
    };
    let Some(answers) = answers.filter(|_| rollout.planned_for == generation) else {
        // Made for a state of the environment that is no more.
        prepare(lane, now_ms, actions);
        return true;
    };
    let lasting = answers
        .iter()
        .find(|(_, answer)| matches!(answer.verdict, gate::Verdict::Deny { lasting: true, .. }));
    if let Some((name, answer)) = lasting {
        let ending = Ending {
            outcome: Outcome::Refused,
            by: "gates".to_owned(),
            reason: format!("{name}: {}", answer.reason),
        };
        rollout.gates = answers
            .iter()
            .map(|(name, answer)| gate::shown(name, answer))
            .collect();
        give_up(lane, &ending, now_ms, actions);
        return true;
    }
    let open = answers
        .iter()
        .all(|(_, answer)| answer.verdict == gate::Verdict::Allow);
    if !open || rollout.paused {
        return false;
    }
    rollout.gates = answers
        .iter()
        .map(|(name, answer)| gate::shown(name, answer))
        .collect();
    let (id, release) = (rollout.id, rollout.release.clone());
    let recreate = rollout.strategy == Strategy::Recreate && rollout.old.is_some();
    let message = format!("{}: the rollout of {release} begins", lane.config.name);
    notify(lane, id, message, actions);
    let next = if recreate { Phase::StopOld } else { Phase::Migrate };
    enter(lane, next, now_ms, actions);
    true
}

/// The next step of a canary.
fn canary(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &mut lane.rollout else {
        return false;
    };
    let Strategy::Canary { steps } = &rollout.strategy else {
        return go_on(lane, now_ms, actions);
    };
    if rollout.paused {
        return false;
    }
    match steps.get(rollout.canary).copied() {
        None => go_on(lane, now_ms, actions),
        Some(CanaryStep::Weight(weight)) => {
            let own = rollout.track;
            route(lane, Step::Switch, (own, weight), now_ms, actions);
            true
        }
        Some(CanaryStep::Pause(pause_ms)) => {
            let passed = rollout
                .watch
                .as_ref()
                .is_some_and(|watch| watch.watched_ms.saturating_sub(watch.paused_at_ms) >= pause_ms);
            if passed {
                next_canary_step(rollout);
            }
            passed
        }
        Some(CanaryStep::Approval) => false,
    }
}

/// The step of the canary is done; a pause that follows begins now.
pub(super) fn next_canary_step(rollout: &mut Rollout) {
    rollout.canary += 1;
    if let Some(watch) = &mut rollout.watch {
        watch.paused_at_ms = watch.watched_ms;
    }
}

/// All customers are on the new release.
fn switched(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &lane.rollout else {
        return false;
    };
    if let Purpose::Back(Back { by, reason, .. }) = rollout.purpose.clone() {
        promoted(lane, &by, &format!("back: {reason}"), now_ms, actions);
    } else if rollout.strategy == Strategy::Recreate || lane.settings().watch_ms == 0 {
        promoted(lane, "readiness", "all instances are ready", now_ms, actions);
    } else {
        enter(lane, Phase::Watch, now_ms, actions);
    }
    true
}

/// The watch ends well, badly, or is prolonged.
fn watched(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &lane.rollout else {
        return false;
    };
    let Some(watch) = &rollout.watch else { return false };
    if watch.watched_ms < lane.settings().watch_ms || rollout.paused {
        return false;
    }
    let verdict = watch.verdict.clone();
    match (verdict, lane.settings().analysis.inconclusive) {
        (Some(Verdict::Good), _) => {
            promoted(lane, "analysis", "the watch found nothing", now_ms, actions);
        }
        (Some(Verdict::Inconclusive { because }), Inconclusive::Promote) => {
            let reason = format!("nothing speaks against it: {because}");
            promoted(lane, "analysis", &reason, now_ms, actions);
        }
        (Some(Verdict::Inconclusive { because }), Inconclusive::Rollback) => {
            let ending = Ending {
                outcome: Outcome::RolledBack,
                by: "analysis".to_owned(),
                reason: format!("not enough traffic for a verdict: {because}"),
            };
            lead_back(lane, ending, now_ms, actions);
        }
        (Some(Verdict::Inconclusive { .. }), Inconclusive::Wait) | (Some(Verdict::Bad { .. }) | None, _) => {
            return false;
        }
    }
    true
}

/// On the way back: start the old release if it is down, wait until it is ready, lead customers there, stop the new one.
fn returned(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &mut lane.rollout else {
        return false;
    };
    let Some(old) = rollout.old.clone() else {
        return false;
    };
    if rollout.rollback_ms.is_some() {
        rollout.enter(Phase::Clean, now_ms);
        carry_own(lane, Step::Clean, now_ms, actions);
    } else if lane.tracks.get(&old.track).is_some_and(|track| !track.proven) {
        carry(lane, Step::Ready, (&old.release, old.track), now_ms, actions);
    } else {
        send_back(lane, now_ms, actions);
    }
    true
}

/// Sends a failed action again.
pub(super) fn try_again(lane: &mut Lane, now_ms: i64, actions: &mut Vec<Action>) -> bool {
    let Some(rollout) = &lane.rollout else {
        return false;
    };
    let own = rollout.track;
    let old = rollout.old.clone();
    let back = matches!(rollout.purpose, Purpose::Back(_));
    let promoted = rollout
        .ending
        .as_ref()
        .is_some_and(|ending| ending.outcome == Outcome::Promoted);
    match rollout.phase {
        Phase::StopOld => {
            let Some(old) = old else { return false };
            carry(lane, Step::StopOld, (&old.release, old.track), now_ms, actions);
        }
        Phase::Start => carry_own(lane, Step::Start, now_ms, actions),
        Phase::Canary => {
            let weight = match &rollout.strategy {
                Strategy::Canary { steps } => steps.get(rollout.canary).copied(),
                Strategy::Recreate | Strategy::Rolling { .. } | Strategy::BlueGreen => None,
            };
            let Some(CanaryStep::Weight(weight)) = weight else {
                return false;
            };
            route(lane, Step::Switch, (own, weight), now_ms, actions);
        }
        Phase::Switch => {
            let step = if back { Step::Return } else { Step::Switch };
            route(lane, step, (own, 100), now_ms, actions);
        }
        Phase::Return => send_back(lane, now_ms, actions),
        Phase::Clean => match old.filter(|_| promoted) {
            Some(old) => carry(lane, Step::Clean, (&old.release, old.track), now_ms, actions),
            None => carry_own(lane, Step::Clean, now_ms, actions),
        },
        Phase::Prepare | Phase::Gates | Phase::Migrate | Phase::Ready | Phase::Verify | Phase::Watch => {
            return false;
        }
    }
    true
}

/// Proposes reverts, and lets go of holds that a newer release has outlived.
fn tidy(state: &mut State, place: usize, actions: &mut Vec<Action>) {
    let lane = &state.lanes[place];
    let promoted = lane.served.last().filter(|served| {
        lane.live
            .as_ref()
            .is_some_and(|live| live.release == served.release)
    });
    // Only while the branch is at something else that contains what serves: after a rewrite, the release that is kept out
    // may be all that there is to deploy.
    let head = state.heads.get(lane.branch());
    let commit = |release: &str| state.releases.get(release).map(|known| &known.release.commit);
    let promoted = promoted.filter(|served| {
        let contains =
            |head: &Head| commit(&served.release).is_some_and(|commit| head.contains.contains(commit));
        head.is_some_and(contains)
    });
    let live = promoted.map_or(0, |served| state.order(&served.release));
    let outlived: Vec<String> = lane
        .holds
        .iter()
        .filter(|hold| commit(&hold.release) != head.map(|head| &head.commit))
        .filter(|hold| state.order(&hold.release) < live)
        .filter(|hold| lane.served.iter().all(|served| served.release != hold.release))
        .map(|hold| hold.release.clone())
        .collect();
    let proposal = lane
        .revert
        .as_ref()
        .filter(|_| lane.config.branch().is_some())
        .and_then(|revert| {
            Some(Action::ProposeRevert {
                environment: lane.config.name.clone(),
                commit: commit(&revert.release)?.clone(),
                back_to: revert.to.as_deref().and_then(commit).cloned(),
                reason: revert.reason.clone(),
            })
        });
    actions.extend(proposal);
    let lane = &mut state.lanes[place];
    lane.holds.retain(|hold| !outlived.contains(&hold.release));
    lane.revert = None;
}

/// Asks to be woken when something changes by itself.
fn wake(state: &mut State, place: usize, now_ms: i64, actions: &mut Vec<Action>) {
    let Some((rollout, at_ms)) = next_time(state, &state.lanes[place], now_ms) else {
        return;
    };
    let lane = &mut state.lanes[place];
    if lane.wake_ms != Some(at_ms) {
        lane.wake_ms = Some(at_ms);
        actions.push(Action::Wake {
            environment: lane.config.name.clone(),
            rollout,
            at_ms,
        });
    }
}

/// When the lane's rollout goes on by itself, if a time decides that.
pub(super) fn next_time(state: &State, lane: &Lane, now_ms: i64) -> Option<(u64, i64)> {
    let rollout = lane.rollout.as_ref().filter(|rollout| rollout.awaits.is_none())?;
    if let Some(again) = &rollout.again {
        return Some((rollout.id, again.at_ms?));
    }
    if rollout.phase != Phase::Gates {
        return None;
    }
    let deferred = gate::answers(state, lane, now_ms)?.into_iter();
    let times = deferred.filter_map(|(_, answer)| match answer.verdict {
        gate::Verdict::Defer { until_ms, .. } => until_ms,
        gate::Verdict::Allow | gate::Verdict::Deny { .. } => None,
    });
    Some((rollout.id, times.min()?))
}
