//! Gate: the release served well in the environment before, for long enough.

use super::{Answer, Facts};
use crate::moment::at;

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let Some(from) = &facts.lane.settings().promote_from else {
        return Answer::allow("no environment comes before");
    };
    let release = &facts.rollout.release;
    let Some(before) = facts.state.lane(from) else {
        return Answer::deny(
            format!("there is no environment {from}"),
            "correct promote-from in windlass.yaml",
        );
    };
    if let Some(hold) = before.held(release) {
        return Answer::deny(
            format!("{release} is kept out of {from} by {}: {}", hold.by, hold.reason),
            format!("push a newer commit, or let it in again in {from}"),
        );
    }
    let Some(served) = before.vouches_for(release) else {
        let on_its_way = before
            .rollout
            .as_ref()
            .is_some_and(|rollout| rollout.release == *release);
        if on_its_way {
            return Answer::later(
                format!("{release} is on its way in {from}"),
                format!("it goes on when the watch in {from} ends well: windlass why {from}"),
            );
        }
        return Answer::person(
            format!("{release} did not serve in {from}"),
            format!("windlass promote {from} {release}"),
        );
    };
    let soak_ms = i64::try_from(facts.lane.settings().gates.soak_ms).unwrap_or(i64::MAX);
    let soaked_ms = served.since_ms.saturating_add(soak_ms);
    // With its date, whenever it is read.
    let since = at(served.since_ms, 0);
    let evidence = [format!("{release} served in {from} since {since} UTC")];
    if facts.now_ms < soaked_ms {
        Answer::until(
            soaked_ms,
            format!("{release} has not served long enough in {from}"),
            "it goes on by itself",
        )
        .with(evidence)
    } else {
        Answer::allow(format!("{release} served well in {from}")).with(evidence)
    }
}
