//! Gate: the release is not kept out.

use super::{Answer, Facts};

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    match facts.lane.held(&facts.rollout.release) {
        None => Answer::allow("no hold"),
        Some(hold) => Answer::deny(
            format!("kept out by {}: {}", hold.by, hold.reason),
            format!(
                "push a newer commit, or let it in again: windlass hold --clear {} {}",
                facts.lane.config.name, hold.release
            ),
        ),
    }
}
