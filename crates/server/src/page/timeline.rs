//! What happened, from the ledger: the events that people care about, each in a sentence.

use maud::{Markup, html};
use windlass_core::machine::event::{Event, Step, Wish};
use windlass_core::machine::release::Plan;

use super::{short, when};
use crate::handle::Handle;

/// Events of the ledger that are looked through.
const EVENTS_MAX: u32 = 600;
/// Sentences that are shown.
const MOMENTS_MAX: usize = 40;

/// A sentence of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    seq: u64,
    at_ms: i64,
    place: String,
    kind: &'static str,
    what: String,
}

/// The newest sentences, newest first. A ledger that cannot be read now shows none.
pub(super) async fn read<H: Handle>(handle: &H, seq: u64) -> Vec<Moment> {
    let after = seq.saturating_sub(u64::from(EVENTS_MAX));
    let records = handle.events(after, EVENTS_MAX).await.unwrap_or_default();
    let moments = records.iter().rev().filter_map(|record| {
        let event: Event = serde_json::from_value(record.get("event")?.clone()).ok()?;
        let (place, kind, what) = sentence(&event)?;
        let number = |key: &str| record.get(key).and_then(serde_json::Value::as_i64);
        Some(Moment {
            seq: record.get("seq")?.as_u64()?,
            at_ms: number("at_ms")?,
            place,
            kind,
            what,
        })
    });
    moments.take(MOMENTS_MAX).collect()
}

/// The sentences as a list.
pub(super) fn list(moments: &[Moment], now_ms: i64) -> Markup {
    html! {
        @if moments.is_empty() { p.nothing { "Nothing has happened yet." } }
        ol.timeline {
            @for moment in moments {
                li #(format!("event-{}", moment.seq)) data-kind=(moment.kind) {
                    (when(moment.at_ms, now_ms)) " "
                    @if !moment.place.is_empty() { strong { (moment.place) } " " }
                    (moment.what) " "
                    a.seq href=(format!("/api/v1/events?after={}&limit=1", moment.seq.saturating_sub(1))) { "#" (moment.seq) }
                }
            }
        }
    }
}

/// Place, kind and words of an event; `None` for what happens all the time.
fn sentence(event: &Event) -> Option<(String, &'static str, String)> {
    let (place, (kind, what)) = match event {
        Event::Done {
            step: Step::Prepare, ..
        }
        | Event::Observed { .. }
        | Event::Measured { .. }
        | Event::TimeCame { .. } => return None,
        Event::Notified { receipt, .. } if receipt.is_empty() => return None,
        Event::Configured { environments } => ("", read_configuration(environments.len())),
        Event::SnapshotSeen {
            branch,
            commit,
            subject,
            author,
            ..
        } => ("", seen(branch, commit, subject, author)),
        Event::ReleaseBuilt { release } => (
            "",
            ("good", format!("{} was built: {}", release.id, release.subject)),
        ),
        Event::BuildFailed { commit, reason } => (
            "",
            ("bad", format!("{} cannot be built: {reason}", short(commit))),
        ),
        Event::Prepared {
            environment, plan, ..
        } => (environment.as_str(), planned(plan)),
        Event::Done {
            environment,
            step,
            took_ms,
            ..
        } => (environment.as_str(), done(*step, *took_ms)),
        Event::Failed {
            environment,
            step,
            reason,
            ..
        } => (
            environment.as_str(),
            ("bad", format!("{} failed: {reason}", step.name())),
        ),
        Event::Asked {
            environment,
            actor,
            comment,
            wish,
        } => {
            let why = if comment.is_empty() {
                String::new()
            } else {
                format!(": {comment}")
            };
            (
                environment.as_str(),
                ("person", format!("{actor} {}{why}", wished(wish))),
            )
        }
        Event::Notified {
            environment, receipt, ..
        } => (
            environment.as_str(),
            ("fact", format!("people were told: {receipt}")),
        ),
        Event::RevertProposed {
            environment, revert, ..
        } => (environment.as_str(), ("fact", revert.clone())),
    };
    Some((place.to_owned(), kind, what))
}

fn read_configuration(environments: usize) -> (&'static str, String) {
    (
        "fact",
        format!("windlass.yaml was read: {environments} environments"),
    )
}

fn seen(branch: &str, commit: &str, subject: &str, author: &str) -> (&'static str, String) {
    let branch = if branch.is_empty() {
        "the working tree"
    } else {
        branch
    };
    (
        "fact",
        format!("{branch} is at {} \"{subject}\" by {author}", short(commit)),
    )
}

fn planned(plan: &Plan) -> (&'static str, String) {
    (
        "fact",
        format!("planned {} changes, plan {}", plan.changes.len(), plan.digest),
    )
}

fn done(step: Step, took_ms: u64) -> (&'static str, String) {
    match step {
        Step::Switch => ("good", format!("customers were switched in {took_ms} ms")),
        Step::Return => ("bad", format!("customers were switched back in {took_ms} ms")),
        Step::Prepare
        | Step::Migrate
        | Step::Start
        | Step::Ready
        | Step::Verify
        | Step::Clean
        | Step::StopOld => ("fact", format!("{} took {took_ms} ms", step.name())),
    }
}

fn wished(wish: &Wish) -> String {
    match wish {
        Wish::Approve { plan, break_glass } => {
            let emergency = if *break_glass { " in an emergency" } else { "" };
            format!("approved plan {plan}{emergency}")
        }
        Wish::Reject { plan } => format!("rejected plan {plan}"),
        Wish::Promote {
            release: Some(release),
        } => format!("asked for {release}"),
        Wish::Promote { release: None } => "let it go on".to_owned(),
        Wish::Rollback { to: Some(to) } => format!("rolled back to {to}"),
        Wish::Rollback { to: None } => "rolled back".to_owned(),
        Wish::Hold { release } => format!("keeps {release} out"),
        Wish::ClearHold { release } => format!("lets {release} in again"),
        Wish::Pause => "paused".to_owned(),
        Wish::Resume => "resumed".to_owned(),
        Wish::Abort => "aborted".to_owned(),
        Wish::Retry => "tries again".to_owned(),
        Wish::Attest { item } => format!("vouched for {item}"),
        Wish::Tested {
            commit,
            passed,
            failed,
        } if failed.is_empty() => {
            format!("tested {}: {} passed", short(commit), passed.join(", "))
        }
        Wish::Tested { commit, failed, .. } => {
            format!("tested {}: {} failed", short(commit), failed.join(", "))
        }
    }
}
