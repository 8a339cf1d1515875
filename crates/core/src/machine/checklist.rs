//! The deployment checklist of the guide: 17 items in three lists, and what shows that each is done. What the machine saw
//! itself counts; for the rest somebody vouches, by name.

mod found;

use found::{
    alerts, benchmark, business, database, documentation, entry, errors, health, load, metrics, migrations,
    notified, posture, rollback, scans, tests_pass, trial,
};

use super::state::{Lane, Phase, Rollout, State};
use crate::view::ChecklistView;

/// An item of the checklist.
#[derive(Debug)]
pub struct Item {
    /// Its identifier, as `attest` and windlass.yaml take it.
    pub name: &'static str,
    /// `pre-deployment`, `during-deployment` or `post-deployment`.
    pub list: &'static str,
    /// As the guide words it.
    pub title: &'static str,
    look: fn(&Subject<'_>) -> Found,
}

/// All items, in the guide's order.
pub static ITEMS: [Item; 17] = [
    item(PRE, "tests-passing", "All tests passing", tests_pass),
    item(PRE, "security-scans-clean", "Security scans clean", scans),
    item(
        PRE,
        "performance-tests-completed",
        "Performance tests completed",
        load,
    ),
    item(
        PRE,
        "database-migrations-ready",
        "Database migrations ready",
        migrations,
    ),
    item(PRE, "rollback-plan-prepared", "Rollback plan prepared", rollback),
    item(
        PRE,
        "monitoring-alerts-configured",
        "Monitoring alerts configured",
        alerts,
    ),
    item(DURING, "health-checks-passing", "Health checks passing", health),
    item(
        DURING,
        "metrics-within-normal-ranges",
        "Metrics within normal ranges",
        metrics,
    ),
    item(DURING, "error-rates-stable", "Error rates stable", errors),
    item(
        DURING,
        "database-connectivity-verified",
        "Database connectivity verified",
        database,
    ),
    item(
        DURING,
        "load-balancer-health-checks-passing",
        "Load balancer health checks passing",
        entry,
    ),
    item(
        POST,
        "business-metrics-validation",
        "Business metrics validation",
        business,
    ),
    item(POST, "user-acceptance-testing", "User acceptance testing", trial),
    item(
        POST,
        "performance-benchmark-comparison",
        "Performance benchmark comparison",
        benchmark,
    ),
    item(
        POST,
        "security-posture-assessment",
        "Security posture assessment",
        posture,
    ),
    item(
        POST,
        "documentation-updated",
        "Documentation updated",
        documentation,
    ),
    item(POST, "team-notification-sent", "Team notification sent", notified),
];

const PRE: &str = "pre-deployment";
const DURING: &str = "during-deployment";
const POST: &str = "post-deployment";

const fn item(
    list: &'static str,
    name: &'static str,
    title: &'static str,
    look: fn(&Subject<'_>) -> Found,
) -> Item {
    Item {
        name,
        list,
        title,
        look,
    }
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Done,
    Open,
    Failed,
}

/// What was found about an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) status: Status,
    /// What shows it, or what is missing.
    pub(super) evidence: String,
}

/// What the items are asked about: a rollout in its environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    state: &'a State,
    lane: &'a Lane,
    rollout: &'a Rollout,
}

impl<'a> Subject<'a> {
    pub(super) fn rollout(state: &'a State, lane: &'a Lane, rollout: &'a Rollout) -> Self {
        Self { state, lane, rollout }
    }

    /// The rollout in progress, or else the one that brought what serves.
    fn of(state: &'a State, lane: &'a Lane) -> Option<Self> {
        let rollout = lane.rollout.as_ref().or(lane.last.as_deref())?;
        Some(Self::rollout(state, lane, rollout))
    }

    fn passed(&self, phase: Phase) -> bool {
        let phases = &self.rollout.phases;
        let place = phases.iter().position(|(other, _)| *other == phase);
        place.is_some_and(|place| place + 1 < phases.len()) && !self.failed_in(phase)
    }

    /// Whether it ended by giving up in this phase: cleaning came next.
    fn failed_in(&self, phase: Phase) -> bool {
        let phases = &self.rollout.phases;
        let place = phases.iter().position(|(other, _)| *other == phase);
        let next = place.and_then(|place| phases.get(place + 1));
        let promoted = self
            .rollout
            .ending
            .as_ref()
            .is_some_and(|ending| ending.outcome == super::state::Outcome::Promoted);
        !promoted && next.is_some_and(|(next, _)| matches!(next, Phase::Clean | Phase::Return))
    }
}

/// Looks at an item; what somebody vouched for is done, unless the machine saw the contrary.
pub(super) fn look(item: &Item, subject: &Subject<'_>) -> Found {
    let found = (item.look)(subject);
    let attested = subject.lane.attested.get(&subject.rollout.release);
    let attested = attested
        .and_then(|items| items.get(item.name))
        .filter(|_| found.status == Status::Open);
    match attested {
        None => found,
        Some(attested) => {
            let comment = if attested.comment.is_empty() {
                String::new()
            } else {
                format!(": {}", attested.comment)
            };
            Found {
                status: Status::Done,
                evidence: format!("{} vouches for it{comment}", attested.actor),
            }
        }
    }
}

/// All items about the rollout in progress or what serves.
pub(super) fn shown(state: &State, lane: &Lane) -> Vec<ChecklistView> {
    let subject = Subject::of(state, lane);
    let show = |item: &Item| {
        let found = subject.as_ref().map_or_else(
            || Found::open("nothing is released yet"),
            |subject| look(item, subject),
        );
        ChecklistView {
            list: item.list.to_owned(),
            item: item.name.to_owned(),
            title: item.title.to_owned(),
            state: match found.status {
                Status::Done => "done",
                Status::Open => "open",
                Status::Failed => "failed",
            }
            .to_owned(),
            evidence: found.evidence,
        }
    };
    ITEMS.iter().map(show).collect()
}
