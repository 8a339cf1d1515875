//! The strip of phases of a rollout: what is done, what is under way, what is to come.

use crate::config::Strategy;
use crate::machine::state::{Outcome, Phase, Purpose, Rollout};
use crate::view::PhaseView;

/// The phases of a strategy, in order.
fn way(rollout: &Rollout, watch_ms: u64) -> Vec<Phase> {
    let first = rollout.old.is_none();
    let recreate = rollout.strategy == Strategy::Recreate;
    let rolling = matches!(rollout.strategy, Strategy::Rolling { .. });
    let canary = matches!(rollout.strategy, Strategy::Canary { .. });
    let back = matches!(rollout.purpose, Purpose::Back(_));
    let all = [
        (Phase::Prepare, !back),
        (Phase::Gates, !back),
        (Phase::StopOld, recreate && !first),
        (Phase::Migrate, !back),
        (Phase::Start, true),
        (Phase::Ready, true),
        (Phase::Verify, !back && !rolling),
        (Phase::Canary, canary && !first && !back),
        (Phase::Switch, true),
        (Phase::Watch, !back && !recreate && watch_ms > 0),
        (Phase::Clean, !rollout.in_place() && !first),
    ];
    all.into_iter()
        .filter(|(_, part)| *part)
        .map(|(phase, _)| phase)
        .collect()
}

/// Every phase with its state. A rollout that ends early shows where, and then how it ends.
pub(super) fn strip(rollout: &Rollout, watch_ms: u64) -> Vec<PhaseView> {
    let began = |phase: Phase| {
        let last = rollout.phases.iter().rev().find(|(other, _)| *other == phase);
        last.map(|(_, since_ms)| *since_ms)
    };
    let broken = rollout
        .ending
        .as_ref()
        .is_some_and(|ending| ending.outcome != Outcome::Promoted);
    let failed = rollout
        .phases
        .iter()
        .rev()
        .map(|(phase, _)| *phase)
        .find(|phase| !matches!(phase, Phase::Return | Phase::Clean))
        .filter(|_| broken);
    let mut way = way(rollout, watch_ms);
    if broken {
        way.retain(|phase| *phase != Phase::Clean && began(*phase).is_some());
        way.extend(
            [Phase::Return, Phase::Clean]
                .into_iter()
                .filter(|phase| began(*phase).is_some()),
        );
    }
    let place = way.iter().position(|phase| *phase == rollout.phase);
    let state = |at: usize, phase: Phase| {
        if Some(phase) == failed {
            "failed"
        } else if Some(at) == place {
            if rollout.awaits.is_none() {
                "waiting"
            } else {
                "now"
            }
        } else if place.is_some_and(|place| at < place) {
            "done"
        } else {
            "todo"
        }
    };
    way.iter()
        .enumerate()
        .map(|(at, phase)| PhaseView {
            name: phase.name().to_owned(),
            state: match (phase, state(at, *phase)) {
                // A watch is under way although no outcome is waited for.
                (Phase::Watch, "waiting") if !rollout.paused => "now",
                (_, state) => state,
            }
            .to_owned(),
            since_ms: began(*phase),
        })
        .collect()
}
