//! Sends a lane's actions: numbers the turns, and remembers which outcome is waited for.

use std::collections::BTreeMap;

use super::action::{Action, Retire};
use super::event::{Color, Step};
use super::state::{Awaited, Lane, Phase, Rollout, Track};

/// Whole traffic, in percent.
const ALL: u32 = 100;

/// Sends a step that concerns `release` on `track`, and waits for its outcome.
pub(super) fn carry(
    lane: &mut Lane,
    step: Step,
    (release, track): (&str, Color),
    now_ms: i64,
    actions: &mut Vec<Action>,
) {
    let environment = lane.config.name.clone();
    let Some(rollout) = &mut lane.rollout else { return };
    lane.turns += 1;
    rollout.awaits = Some(Awaited {
        turn: lane.turns,
        step,
        since_ms: now_ms,
        weights: None,
    });
    let rollout = rollout.id;
    match step {
        Step::Start => {
            let running = lane.tracks.get(&track);
            // Where it serves already, starting it again changes nothing that an observation would tell.
            let running = running.filter(|one| one.release == release && !one.stopping && one.ready > 0);
            let (ready, desired) = running.map_or((0, 0), |one| (one.ready, one.desired));
            let starting = Track {
                release: release.to_owned(),
                ready,
                desired,
                trouble: running.map(|one| one.trouble.clone()).unwrap_or_default(),
                proven: false,
                stopping: false,
            };
            lane.tracks.insert(track, starting);
        }
        Step::StopOld | Step::Clean => {
            if let Some(track) = lane.tracks.get_mut(&track) {
                track.stopping = true;
            }
        }
        Step::Prepare | Step::Migrate | Step::Ready | Step::Verify | Step::Switch | Step::Return => {}
    }
    actions.push(Action::Carry {
        environment,
        rollout,
        turn: lane.turns,
        release: release.to_owned(),
        track,
        step,
    });
}

/// Sends a step of the rollout's own release on its own track.
pub(super) fn carry_own(lane: &mut Lane, step: Step, now_ms: i64, actions: &mut Vec<Action>) {
    if let Some(rollout) = &lane.rollout {
        let (release, track) = (rollout.release.clone(), rollout.track);
        carry(lane, step, (&release, track), now_ms, actions);
    }
}

/// Gives `track` the share `percent` of customers and the other track the rest. Tracks without a share are not named.
pub(super) fn route(
    lane: &mut Lane,
    step: Step,
    (track, percent): (Color, u32),
    now_ms: i64,
    actions: &mut Vec<Action>,
) {
    let environment = lane.config.name.clone();
    let Some(rollout) = &mut lane.rollout else { return };
    lane.turns += 1;
    lane.generation += 1;
    let percent = percent.min(ALL);
    let shares = [(track, percent), (track.other(), ALL - percent)];
    let weights: BTreeMap<Color, u32> = shares.into_iter().filter(|(_, share)| *share > 0).collect();
    rollout.awaits = Some(Awaited {
        turn: lane.turns,
        step,
        since_ms: now_ms,
        weights: Some(weights.clone()),
    });
    let retire = if step == Step::Return {
        Retire::AtOnce
    } else {
        Retire::Polite
    };
    actions.push(Action::Route {
        environment,
        rollout: rollout.id,
        turn: lane.turns,
        generation: lane.generation,
        weights,
        retire,
        step,
    });
}

/// Tells people.
pub(super) fn notify(lane: &Lane, rollout: u64, message: String, actions: &mut Vec<Action>) {
    actions.push(Action::Notify {
        environment: lane.config.name.clone(),
        rollout,
        message,
    });
}

impl Rollout {
    /// Goes to a phase. An outcome that was waited for is waited for no longer.
    pub(super) fn enter(&mut self, phase: Phase, now_ms: i64) {
        self.phase = phase;
        self.awaits = None;
        self.again = None;
        self.phases.push((phase, now_ms));
    }
}
