//! Gate: the sync windows of an Application's project let it through.

use super::{Answer, Facts};
use crate::argo::Trigger;
use crate::config::Deploy;

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let Some(application) = &facts.lane.settings().application else {
        return Answer::allow("no sync window");
    };
    let windows = &application.windows;
    if windows.is_empty() {
        return Answer::allow("no sync window");
    }
    // An approval is a person who syncs.
    let trigger = match facts.lane.deploy() {
        Deploy::Auto => Trigger::Automatic,
        Deploy::Approvals { .. } => Trigger::Manual,
    };
    let now_ms = facts.now_ms;
    if windows.may_sync(trigger, now_ms, None) {
        return Answer::allow("the sync windows allow it");
    }
    let barring = windows.barring(now_ms);
    let reason = barring.first().map(ToString::to_string).unwrap_or_default();
    let remedy = "in an emergency, approve with --break-glass";
    let evidence = barring.iter().skip(1).map(ToString::to_string);
    let answer = match windows.opens_at(trigger, now_ms) {
        Some(opens_ms) => Answer::until(opens_ms, reason, format!("it opens by itself; {remedy}")),
        None => Answer::person(reason, remedy),
    };
    answer.with(evidence)
}
