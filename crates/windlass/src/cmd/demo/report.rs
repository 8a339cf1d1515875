//! The demo's report: what happened, what should have happened, and where the two differ.

use serde::Serialize;
use serde_json::Value;

use super::act::{ByHand, Played};
use super::stage::Moment;
use crate::say::{Say, Tone, first_line};
use windlass_core::moment::span;

/// Requests that the demo must have sent for its losses to mean something.
const REQUESTS_MIN: u64 = 20_000;
/// From the command to the last answer of the bad version.
const ROLLBACK_MS_MAX: u64 = 1_000;

/// Losses that are shown to people; the document has more.
const LOSSES_SHOWN: usize = 10;

/// All of it; the first five fields are stable.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) requests: Requests,
    pub(super) releases: Vec<Released>,
    pub(super) controller_kills: u32,
    pub(super) ledger: Ledger,
    /// Where it differs from what was expected; empty when all is well.
    pub(super) differences: Vec<String>,
    pub(super) rollback_by_hand: Option<ByHand>,
    /// From the first release's build to the last command.
    pub(super) demo_ms: u64,
    /// Plans, gates and outcomes as the controller gave them.
    pub(super) evidence: Vec<Played>,
    /// The load generator's own summary.
    pub(super) load: Value,
    /// What the services proved about stock, charges and acknowledged orders.
    pub(super) proof: Value,
    pub(super) timeline: Vec<Moment>,
}

/// What customers sent, and what they got no good answer to.
#[derive(Debug, Serialize)]
pub(super) struct Requests {
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) journeys_sent: u64,
    pub(super) journeys_lost: u64,
    pub(super) witnesses_sent: u64,
    pub(super) witnesses_lost: u64,
    pub(super) losses: Vec<String>,
    pub(super) phases: Vec<Phase>,
}

/// Requests of the journeys during one release.
#[derive(Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) sent: u64,
    pub(super) lost: u64,
}

/// A release in short.
#[derive(Debug, Serialize)]
pub(super) struct Released {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) release: String,
    /// `promoted`, `rolled_back`, `refused`, or how it got stuck.
    pub(super) outcome: String,
    pub(super) decided_by: String,
    pub(super) reason: String,
    pub(super) switch_ms: Option<u64>,
    pub(super) rollback_ms: Option<u64>,
}

/// The record of everything.
#[derive(Debug, Serialize)]
pub(super) struct Ledger {
    pub(super) events: u64,
    pub(super) verified: bool,
    pub(super) head: String,
    pub(super) damage: Option<String>,
}

impl From<&Played> for Released {
    fn from(played: &Played) -> Self {
        let ended = played.production.as_ref().or(played.staging.as_ref());
        let outcome = match (&played.production, &played.staging) {
            (Some(ended), _) => ended.outcome.replace('-', "_"),
            (None, Some(ended)) => format!("{}_in_staging", ended.outcome.replace('-', "_")),
            (None, None) => "nothing".to_owned(),
        };
        Self {
            name: played.name.clone(),
            version: played.version.clone(),
            release: played.release.clone(),
            outcome,
            decided_by: ended.map(|ended| ended.decided_by.clone()).unwrap_or_default(),
            reason: ended.map(|ended| ended.reason.clone()).unwrap_or_default(),
            switch_ms: ended.and_then(|ended| ended.switch_ms),
            rollback_ms: ended.and_then(|ended| ended.rollback_ms),
        }
    }
}

/// Each sentence is something that is not as it should be.
pub(super) fn differences(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    let requests = &report.requests;
    if requests.lost > 0 {
        found.push(format!(
            "{} of {} requests were lost",
            requests.lost, requests.sent
        ));
    }
    if requests.sent < REQUESTS_MIN {
        found.push(format!(
            "only {} requests were sent, {REQUESTS_MIN} are needed",
            requests.sent
        ));
    }
    for (released, played) in report.releases.iter().zip(&report.evidence) {
        found.extend(unexpected(released, played));
    }
    match &report.rollback_by_hand {
        None => found.push("nothing was rolled back by hand".to_owned()),
        Some(by_hand) if by_hand.outcome != "rolled-back" => {
            found.push(format!("the rollback by hand ended as {}", by_hand.outcome));
        }
        Some(by_hand) if by_hand.last_answer_ms >= ROLLBACK_MS_MAX => {
            found.push(format!(
                "the bad version answered for {} ms after the rollback by hand",
                by_hand.last_answer_ms
            ));
        }
        Some(_) => {}
    }
    if report.proof["holds"] != true {
        let first = &report.proof["violations"][0];
        found.push(format!(
            "a promise of the shop was broken: {}: {}",
            first["rule"], first["detail"]
        ));
    }
    if report.controller_kills == 0 {
        found.push("the controller was never killed".to_owned());
    }
    if let Some(damage) = &report.ledger.damage {
        found.push(damage.clone());
    }
    found
}

/// How a release differs from what was expected of it.
fn unexpected(released: &Released, played: &Played) -> Vec<String> {
    let mut found = Vec::new();
    let expected = played.expected.replace('-', "_");
    if released.outcome != expected {
        found.push(format!(
            "{} was {}, expected {expected}",
            released.name, released.outcome
        ));
    }
    let (decider, word) = played.because;
    if released.outcome == expected && (released.decided_by != decider || !released.reason.contains(word)) {
        found.push(format!(
            "{} was decided by {} ({}), expected {decider} because of {word:?}",
            released.name,
            released.decided_by,
            first_line(&released.reason)
        ));
    }
    let by_person = played.production.as_ref().is_some_and(|ended| {
        ended.outcome != "promoted"
            && ended
                .approvals
                .iter()
                .any(|approval| approval.actor == ended.decided_by)
    });
    if by_person {
        found.push(format!("{} was taken back by a person", released.name));
    }
    if played.production.is_some() && played.plan.is_empty() {
        found.push(format!(
            "{} reached production without an approved plan",
            released.name
        ));
    }
    found
}

impl Report {
    /// For people.
    pub(super) fn show(&self, say: Say) {
        say.line("");
        say.line(say.tone(Tone::Strong, "Report"));
        self.show_releases(say);
        say.line("");
        self.show_ways(say);
        say.line("");
        self.show_requests(say);
        say.line("");
        self.show_facts(say);
        for difference in &self.differences {
            say.line(format!(
                "  {} {difference}",
                say.tone(Tone::Bad, "not as expected:")
            ));
        }
        if self.differences.is_empty() {
            say.line(say.tone(Tone::Good, "  Everything went as it should."));
        }
    }

    fn show_releases(&self, say: Say) {
        let row = |cells: [&str; 6]| {
            let [name, version, outcome, by, switch, back] = cells;
            say.line(format!(
                "  {name:<18} {version:<14} {outcome:<12} {by:<12} {switch:>8} {back:>12}"
            ));
        };
        row([
            "release",
            "version",
            "outcome",
            "decided by",
            "switch",
            "switch back",
        ]);
        let milliseconds = |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        for one in &self.releases {
            let (switch, back) = (milliseconds(one.switch_ms), milliseconds(one.rollback_ms));
            row([
                &one.name,
                &one.version,
                &one.outcome,
                &one.decided_by,
                &switch,
                &back,
            ]);
            if !one.reason.is_empty() {
                say.line(say.tone(Tone::Faint, format!("    {}", first_line(&one.reason))));
            }
        }
    }

    /// From push to production: how long, by whose leave, through which gates, with what evidence.
    fn show_ways(&self, say: Say) {
        say.line("  way to production");
        for played in &self.evidence {
            let ends = [("staging", &played.staging), ("production", &played.production)];
            let ends = ends
                .into_iter()
                .filter_map(|(name, ended)| Some((name, ended.as_ref()?)));
            let ends: Vec<String> = ends
                .map(|(name, ended)| {
                    let took = span(ended.ended_ms - ended.started_ms);
                    format!("{name} {} after {took}", ended.outcome)
                })
                .collect();
            say.line(format!("  {:<18} {}", played.name, ends.join(", ")));
            let approvals = played.production.iter().flat_map(|ended| &ended.approvals);
            for approval in approvals {
                say.line(format!(
                    "    {} approved {:.19}: {}",
                    approval.actor, played.plan, approval.comment
                ));
            }
            let (allow, other): (Vec<_>, Vec<_>) =
                played.gates.iter().partition(|gate| gate.answer == "allow");
            let names: Vec<_> = allow.iter().map(|gate| gate.name.as_str()).collect();
            let mut gates = vec![format!("{} allowed", names.join(", "))];
            gates.extend(
                other
                    .iter()
                    .map(|gate| format!("{} {}: {}", gate.name, gate.answer, first_line(&gate.reason))),
            );
            say.line(say.tone(Tone::Faint, format!("    gates: {}", gates.join("; "))));
        }
    }

    fn show_requests(&self, say: Say) {
        let requests = &self.requests;
        let row = |name: &str, sent: &str, lost: &str| say.line(format!("  {name:<18} {sent:>10} {lost:>6}"));
        row("requests during", "sent", "lost");
        let numbers = |name: &str, sent: u64, lost: u64| row(name, &sent.to_string(), &lost.to_string());
        for phase in &requests.phases {
            numbers(&phase.name, phase.sent, phase.lost);
        }
        numbers("witnesses", requests.witnesses_sent, requests.witnesses_lost);
        numbers("all", requests.sent, requests.lost);
        for loss in requests.losses.iter().take(LOSSES_SHOWN) {
            say.line(say.tone(Tone::Bad, format!("    {loss}")));
        }
    }

    fn show_facts(&self, say: Say) {
        if let Some(by_hand) = &self.rollback_by_hand {
            say.line(format!(
                "  rollback by hand: {} ms from the command to the last answer of the bad version, on {} connections",
                by_hand.last_answer_ms, by_hand.connections
            ));
        }
        let kept = if self.proof["holds"] == true {
            "all promises kept"
        } else {
            "A PROMISE WAS BROKEN"
        };
        say.line(format!(
            "  shop: {} orders and {} charges, {kept}",
            self.proof["orders"], self.proof["charges"]
        ));
        say.line(format!("  controller killed: {} time(s)", self.controller_kills));
        let verified = if self.ledger.verified {
            "verified"
        } else {
            "DAMAGED"
        };
        say.line(format!("  ledger: {} events, {verified}", self.ledger.events));
        let took = span(i64::try_from(self.demo_ms).unwrap_or(i64::MAX));
        say.line(format!("  the demo took {took}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Ledger, Released, Report, Requests, differences};
    use crate::cmd::demo::act::{ByHand, Played};

    fn report() -> Report {
        let played = Played {
            name: "slow".to_owned(),
            release: "sha-1".to_owned(),
            version: "v1".to_owned(),
            expected: "rolled-back".to_owned(),
            because: ("analysis", "took longer"),
            staging: None,
            production: None,
            plan: "sha256:1".to_owned(),
            gates: Vec::new(),
        };
        Report {
            requests: Requests {
                sent: 30_000,
                lost: 0,
                journeys_sent: 20_000,
                journeys_lost: 0,
                witnesses_sent: 10_000,
                witnesses_lost: 0,
                losses: Vec::new(),
                phases: Vec::new(),
            },
            releases: vec![Released {
                outcome: "rolled_back".to_owned(),
                decided_by: "analysis".to_owned(),
                reason: "31 of 95 requests took longer than 20 ms".to_owned(),
                ..Released::from(&played)
            }],
            controller_kills: 1,
            ledger: Ledger {
                events: 9,
                verified: true,
                head: String::new(),
                damage: None,
            },
            differences: Vec::new(),
            rollback_by_hand: Some(ByHand {
                release: "sha-1".to_owned(),
                outcome: "rolled-back".to_owned(),
                decided_by: "bo".to_owned(),
                last_answer_ms: 12,
                rollback_ms: Some(3),
                connections: 8,
            }),
            demo_ms: 1,
            evidence: vec![played],
            load: Value::Null,
            proof: serde_json::json!({ "holds": true, "violations": [] }),
            timeline: Vec::new(),
        }
    }

    #[test]
    fn whatever_is_not_as_it_should_be_is_named() {
        let check = |change: fn(&mut Report), expected: &[&str]| {
            let mut report = report();
            change(&mut report);
            assert_eq!(differences(&report), expected);
        };
        check(|_| (), &[]);
        check(
            |report| report.requests.lost = 2,
            &["2 of 30000 requests were lost"],
        );
        check(
            |report| report.requests.sent = 9,
            &["only 9 requests were sent, 20000 are needed"],
        );
        check(
            |report| report.releases[0].outcome = "promoted".to_owned(),
            &["slow was promoted, expected rolled_back"],
        );
        check(
            |report| report.releases[0].reason = "9 of 95 requests failed".to_owned(),
            &[
                "slow was decided by analysis (9 of 95 requests failed), expected analysis because of \"took longer\"",
            ],
        );
        check(
            |report| report.controller_kills = 0,
            &["the controller was never killed"],
        );
        check(
            |report| report.ledger.damage = Some("event 7 was changed".to_owned()),
            &["event 7 was changed"],
        );
        check(
            |report| report.proof = Value::Null,
            &["a promise of the shop was broken: null: null"],
        );
        check(
            |report| {
                report.rollback_by_hand.iter_mut().for_each(|one| {
                    one.last_answer_ms = 1_400;
                });
            },
            &["the bad version answered for 1400 ms after the rollback by hand"],
        );
    }
}
