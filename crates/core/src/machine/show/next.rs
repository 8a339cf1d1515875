//! What comes next from an environment's source, and what keeps it from becoming a rollout.

use crate::machine::state::{Build, Head, Hold, Known, Lane, State};
use crate::view::WaitingView;

/// `None` when the source's newest release is there, or is on its way.
pub(super) fn coming(state: &State, lane: &Lane, now_ms: i64) -> Option<WaitingView> {
    let Some(head) = state.heads.get(lane.branch()) else {
        return Some(WaitingView {
            what: "its source has not been read yet".to_owned(),
            since_ms: now_ms,
            remedy: "windlass status names what is in the way".to_owned(),
            person: false,
            ..WaitingView::default()
        });
    };
    let build = state.builds.iter().find(|build| build.commit == head.commit);
    if let Some(build) = build.filter(|_| lane.config.promote_from.is_none()) {
        return Some(building(build, lane.branch()));
    }
    let contained = state
        .releases
        .values()
        .filter(|known| head.contains.contains(&known.release.commit));
    let Some(newest) = contained.max_by_key(|known| known.order) else {
        return Some(nothing(lane, head));
    };
    let release = &newest.release.id;
    let there = lane.rollout.as_ref().map(|rollout| &rollout.release);
    let there = there.or(lane.live.as_ref().map(|live| &live.release));
    if there.is_some_and(|there| there == release || state.order(there) > newest.order) {
        return None;
    }
    kept_out(lane, release)
        .or_else(|| not_yet_promoted(state, lane, newest))
        .or_else(|| behind_a_rollout(lane, newest))
}

fn building(build: &Build, branch: &str) -> WaitingView {
    let subject = &build.subject;
    let (what, remedy) = match &build.failed {
        Some(reason) => (
            format!("the build of {subject} failed: {reason}"),
            format!("push a commit to {branch} that builds"),
        ),
        None => (
            format!("{subject} is being built"),
            "it goes on by itself".to_owned(),
        ),
    };
    WaitingView {
        what,
        since_ms: build.since_ms,
        remedy,
        person: build.failed.is_some(),
        ..WaitingView::default()
    }
}

fn nothing(lane: &Lane, head: &Head) -> WaitingView {
    let branch = lane.branch();
    let remedy = lane.config.promote_from.as_ref().map_or_else(
        || format!("push a commit to {branch}"),
        |from| format!("merge a commit that was released to {from} into {branch}"),
    );
    WaitingView {
        what: format!("{branch} contains no release"),
        since_ms: head.seen_ms,
        remedy,
        person: true,
        ..WaitingView::default()
    }
}

fn kept_out(lane: &Lane, release: &str) -> Option<WaitingView> {
    let hold = lane.held(release)?;
    Some(WaitingView {
        what: format!("{release} is kept out by {}: {}", hold.by, hold.reason),
        since_ms: hold.since_ms,
        remedy: let_in_again(lane, hold),
        person: true,
        held: Some(release.to_owned()),
        ..WaitingView::default()
    })
}

/// What ends a hold.
pub(super) fn let_in_again(lane: &Lane, hold: &Hold) -> String {
    let (name, release) = (&lane.config.name, &hold.release);
    format!("a newer commit clears it, or: windlass hold --clear {name} {release}")
}

fn not_yet_promoted(state: &State, lane: &Lane, newest: &Known) -> Option<WaitingView> {
    let release = &newest.release.id;
    let before = state.lane(lane.config.promote_from.as_ref()?)?;
    if before.vouches_for(release).is_some() {
        return None;
    }
    let from = &before.config.name;
    let (what, since_ms) = match before.held(release) {
        None => (
            format!("{release} waits until it served well in {from}"),
            newest.release.built_at_ms,
        ),
        Some(hold) => (
            format!("{release} is kept out of {from} by {}: {}", hold.by, hold.reason),
            hold.since_ms,
        ),
    };
    Some(WaitingView {
        what,
        since_ms,
        remedy: format!("windlass why {from}"),
        person: false,
        ..WaitingView::default()
    })
}

/// Once customers are on a release, the one before stays warm for its whole watch: the newer one waits.
fn behind_a_rollout(lane: &Lane, newest: &Known) -> Option<WaitingView> {
    let rollout = lane.rollout.as_ref()?;
    let name = &lane.config.name;
    Some(WaitingView {
        what: format!(
            "{} waits for the end of the rollout of {}",
            newest.release.id, rollout.release
        ),
        since_ms: newest.release.built_at_ms,
        remedy: format!("windlass promote {name} ends the watch; windlass abort {name} gives the rollout up"),
        person: false,
        ..WaitingView::default()
    })
}
