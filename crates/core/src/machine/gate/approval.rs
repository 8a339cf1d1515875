//! Gate: enough people approved exactly this plan, lately enough.

use std::collections::BTreeSet;

use super::{Answer, Facts};
use crate::config::Deploy;
use crate::view::ApprovalView;

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let (count, expires_ms) = match facts.lane.deploy() {
        Deploy::Auto => return Answer::allow("deploys by itself"),
        Deploy::Approvals {
            count, expires_ms, ..
        } => (count, expires_ms),
    };
    let valid: Vec<&ApprovalView> = facts
        .rollout
        .approvals
        .iter()
        .filter(|approval| counts(facts, approval, expires_ms))
        .collect();
    let people: BTreeSet<&str> = valid.iter().map(|approval| approval.actor.as_str()).collect();
    let evidence = facts.rollout.approvals.iter().map(|approval| {
        let expired = if counts(facts, approval, expires_ms) {
            ""
        } else {
            " (does not count any more)"
        };
        format!(
            "{} approved {}{expired}: {}",
            approval.actor, approval.plan, approval.comment
        )
    });
    let have = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let answer = if have >= count {
        Answer::allow(format!("approved by {}", listed(&people)))
    } else {
        Answer::person(
            format!("{have} of {count} approvals of plan {}", facts.plan.digest),
            format!("windlass approve {}", facts.lane.config.name),
        )
    };
    answer.with(evidence)
}

/// Whoever approved this plan in an emergency and may do that.
pub(super) fn emergency<'a>(facts: &Facts<'a>) -> Option<&'a ApprovalView> {
    let expires_ms = match facts.lane.deploy() {
        Deploy::Auto => u64::MAX,
        Deploy::Approvals { expires_ms, .. } => expires_ms,
    };
    facts.rollout.approvals.iter().find(|approval| {
        approval.break_glass
            && facts.lane.may_break_glass(&approval.actor)
            && fits(facts, approval, expires_ms)
    })
}

/// Whether an approval is of this plan, of somebody who may, and not too old.
fn counts(facts: &Facts<'_>, approval: &ApprovalView, expires_ms: u64) -> bool {
    facts.lane.may_approve(&approval.actor) && fits(facts, approval, expires_ms)
}

fn fits(facts: &Facts<'_>, approval: &ApprovalView, expires_ms: u64) -> bool {
    let expires_ms = i64::try_from(expires_ms).unwrap_or(i64::MAX);
    approval.plan == facts.plan.digest && facts.now_ms < approval.at_ms.saturating_add(expires_ms)
}

fn listed(people: &BTreeSet<&str>) -> String {
    people.iter().copied().collect::<Vec<_>>().join(", ")
}
