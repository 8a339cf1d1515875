//! The end of the demo: customers leave, what they saw is counted, the ledger is computed again.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use windlass_engine::ledger::Ledger as Record;

use super::act::{ByHand, Played};
use super::report::{Ledger, Phase, Report, Requests, differences};
use super::stage::Stage;
use crate::cmd::wait_for;

/// Counts, verifies, and compares with what was expected.
/// `trouble` is what kept the script from going on.
pub(super) fn finish(
    stage: &mut Stage,
    played: Vec<Played>,
    by_hand: Option<ByHand>,
    trouble: Vec<String>,
) -> Result<Report> {
    let demo_ms = stage.built.map(|built| built.elapsed().as_millis());
    let load = stage.load.take().context("no customers came in")?.end()?;
    let seen = stage.witness.take().context("no witnesses came in")?.end();
    stage.tell("customers have left; counting");
    let proof = match stage.proof() {
        Ok(proof) => proof,
        Err(error) => {
            json!({ "holds": false, "violations": [{ "rule": "the services prove something", "detail": format!("{error:#}") }] })
        }
    };
    let ledger = wait_for(async {
        let ledger = Record::read(&stage.place.state).await?;
        Ok(match ledger.verify().await {
            Ok(verified) => Ledger {
                events: verified.events,
                verified: true,
                head: verified.head,
                damage: None,
            },
            Err(error) => {
                let damage = Some(error.to_string());
                Ledger {
                    events: ledger.last_seq().await,
                    verified: false,
                    head: String::new(),
                    damage,
                }
            }
        })
    })?;
    let requests = requests(&load, &seen);
    let mut report = Report {
        requests,
        releases: played.iter().map(Into::into).collect(),
        rollback_by_hand: by_hand,
        controller_kills: stage.kills,
        ledger,
        demo_ms: u64::try_from(demo_ms.unwrap_or_default()).unwrap_or(u64::MAX),
        evidence: played,
        load,
        proof,
        timeline: std::mem::take(&mut stage.timeline),
        differences: Vec::new(),
    };
    report.differences = trouble;
    report.differences.extend(differences(&report));
    Ok(report)
}

fn requests(load: &Value, seen: &super::witness::Seen) -> Requests {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64);
    let phases: Vec<Phase> = load
        .get("phases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|phase| Phase {
            name: phase
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            sent: number(phase, "sent").unwrap_or_default(),
            lost: number(phase, "lost").unwrap_or_default(),
        })
        .collect();
    let listed = load.get("losses").and_then(Value::as_array).into_iter().flatten();
    let losses =
        listed.map(|loss| format!("after {} ms, {}: {}", loss["t_ms"], loss["what"], loss["reason"]));
    // A summary without these numbers must not pass for one without losses.
    let sent = number(load, "sent").unwrap_or_default();
    let lost = number(load, "lost").unwrap_or(sent.max(1));
    Requests {
        sent: sent + seen.sent,
        lost: lost + seen.lost,
        journeys_sent: sent,
        journeys_lost: lost,
        witnesses_sent: seen.sent,
        witnesses_lost: seen.lost,
        losses: losses.chain(seen.losses.clone()).collect(),
        phases,
    }
}
