//! Gate: it is not a time without deployments.

use super::{Answer, Facts};

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let now_ms = facts.now_ms;
    let frozen = facts
        .lane
        .settings()
        .freeze
        .iter()
        .filter_map(|freeze| Some((freeze.until(now_ms)?, freeze)));
    match frozen.max_by_key(|(until_ms, _)| *until_ms) {
        None => Answer::allow("no freeze"),
        Some((until_ms, freeze)) => Answer::until(
            until_ms,
            format!("deployments are frozen: {}", freeze.reason),
            "it ends by itself; in an emergency, approve with --break-glass",
        ),
    }
}
