//! Gate: the items of the checklist that windlass.yaml wants before a deployment are done.

use super::{Answer, Facts};
use crate::machine::checklist::{self, Item, Status};

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let wanted = &facts.lane.settings().gates.checklist;
    let subject = checklist::Subject::rollout(facts.state, facts.lane, facts.rollout);
    let items: Vec<(&Item, checklist::Found)> = checklist::ITEMS
        .iter()
        .filter(|item| wanted.iter().any(|wanted| wanted == item.name))
        .map(|item| (item, checklist::look(item, &subject)))
        .collect();
    let evidence: Vec<String> = items
        .iter()
        .map(|(item, found)| format!("{}: {}", item.name, found.evidence))
        .collect();
    let with = |status| items.iter().find(move |(_, found)| found.status == status);
    let environment = &facts.lane.config.name;
    let answer = if let Some((item, found)) = with(Status::Failed) {
        Answer::deny(
            format!("{}: {}", item.title, found.evidence),
            "correct it and push a newer commit",
        )
    } else if let Some((item, found)) = with(Status::Open) {
        Answer::person(
            format!("{}: {}", item.title, found.evidence),
            format!("windlass attest {environment} {}", item.name),
        )
    } else {
        Answer::allow(format!("{} items of the checklist are done", items.len()))
    };
    answer.with(evidence)
}
