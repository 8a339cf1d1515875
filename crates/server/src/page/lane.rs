//! An environment as a lane: what serves, what comes, and what a person can do about it.

use maud::{Markup, html};
use windlass_core::view::{EnvironmentView, LiveView, RolloutView};

use super::act::{button, with_comment};
use super::{Reader, checklist, gates, phases, short, tracks, when};

/// The whole lane.
pub(super) fn lane(environment: &EnvironmentView, reader: &Reader) -> Markup {
    let name = &environment.name;
    let title = format!("lane-{name}-title");
    let state = if environment.waits_for_person {
        "waiting"
    } else if environment.settled {
        "settled"
    } else {
        "busy"
    };
    html! {
        section.lane data-state=(state) aria-labelledby=(title) {
            header #(format!("lane-{name}-head")) data-live="" {
                h2 #(title) { (name) }
                p.facts {
                    @if let Some(url) = &environment.url { a href=(url) { (url) } " · " }
                    (environment.source) " · " (environment.deploy) " · " (environment.strategy)
                }
                @if !environment.news.is_empty() { p.summary data-state=(state) { (environment.news) } }
            }
            div #(format!("lane-{name}-live")) data-live="" {
                @match &environment.live {
                    Some(live) => (serves(live, environment, reader.now_ms)),
                    None => p.nothing { "Nothing serves yet." },
                }
                (tracks::bar(&environment.tracks))
                (tracks::table(name, &environment.tracks))
            }
            div #(format!("lane-{name}-rollout")) data-live="" {
                @if let Some(rollout) = &environment.rollout { (progress(rollout, environment, reader)) }
                @if let Some(next) = environment.next_without_hold() {
                    p.next { strong { "Next: " } (first_line(&next.what)) ", since " (when(next.since_ms, reader.now_ms)) br; (next.remedy) }
                }
            }
            div #(format!("lane-{name}-acts")) data-live="" {
                @if reader.name.is_some() { (acts(environment, reader)) }
                (holds(environment, reader))
            }
            div #(format!("lane-{name}-more")) data-live="" {
                (checklist::checklist(environment, reader))
                (history(environment, reader.now_ms))
                (not_enforced(environment))
            }
        }
    }
}

fn serves(live: &LiveView, environment: &EnvironmentView, now_ms: i64) -> Markup {
    let track = environment.tracks.iter().find(|track| track.track == live.track);
    let (ready, desired) = track.map_or((0, 0), |track| (track.ready, track.desired));
    let (health, word) = match (ready, desired) {
        (_, 0) => ("unknown", "not looked at yet"),
        (ready, desired) if ready >= desired => ("good", "healthy"),
        (0, _) => ("bad", "down"),
        _ => ("bad", "degraded"),
    };
    html! {
        p.live {
            span.version { (live.version) }
            " " span.track data-track=(live.track.name()) { (live.track.name()) }
            " " span.health data-health=(health) { (word) " " (ready) "/" (desired) }
        }
        p.facts { code { (live.release) } " " (live.subject) " · since " (when(live.since_ms, now_ms)) }
    }
}

fn progress(rollout: &RolloutView, environment: &EnvironmentView, reader: &Reader) -> Markup {
    html! {
        div.rollout {
            h3 {
                "Rollout " (rollout.id) ": " (rollout.version)
                " " span.track data-track=(rollout.track.name()) { (rollout.track.name()) }
            }
            p.facts { code { (rollout.release) } " " (rollout.subject) " · began " (when(rollout.started_ms, reader.now_ms)) }
            (phases::strip(&rollout.phases))
            @if let Some(watch) = &rollout.watch { (phases::watch(watch, reader.now_ms)) }
            @if let Some(waiting) = &rollout.waiting {
                p.waiting data-person=(waiting.person) {
                    strong { "Waits for " } (waiting.what) ", since " (when(waiting.since_ms, reader.now_ms))
                    @if let Some(until) = waiting.until_ms { ", goes on " (when(until, reader.now_ms)) }
                    @if !waiting.remedy.is_empty() { br; (waiting.remedy) }
                }
            }
            @if let Some(url) = &environment.preview_url { p { "Try it first: " a href=(url) { (url) } } }
            (gates::table(&environment.name, &rollout.gates))
            @for approval in &rollout.approvals {
                p.approval { strong { (approval.actor) } " approved " (when(approval.at_ms, reader.now_ms)) ": " (approval.comment) }
            }
            @if let Some(plan) = &rollout.plan {
                details {
                    summary { "Plan " code { (short_digest(&plan.digest)) } ": " (plan.changes.len()) " changes" }
                    ul.changes { @for change in &plan.changes { li { (change) } } }
                    @for finding in &plan.findings {
                        p.finding data-blocks=(finding.blocks) { strong { (finding.rule) } " " (finding.message) br; (finding.remedy) }
                    }
                }
            }
        }
    }
}

/// The buttons that make sense now.
fn acts(environment: &EnvironmentView, reader: &Reader) -> Markup {
    let name = &environment.name;
    let can = |command: &str| environment.commands.iter().any(|one| one == command);
    let plan = environment
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.plan.as_ref());
    let back = environment
        .previous
        .as_ref()
        .map(|previous| previous.version.clone());
    html! {
        div.acts {
            @if let Some(plan) = plan.filter(|_| can("approve")) {
                (with_comment(reader, name, "approve", &plan.digest, "Approve", &format!("Why plan {} is fine", short_digest(&plan.digest))))
            }
            @if let Some(plan) = plan.filter(|_| can("reject")) {
                (button(reader, name, "reject", &plan.digest, "Reject"))
            }
            @if can("rollback") {
                (button(reader, name, "rollback", "", &back.map_or_else(|| "Roll back".to_owned(), |back| format!("Roll back to {back}"))))
            }
            @for (act, label) in [("promote", "Go on now"), ("pause", "Pause"), ("resume", "Resume"), ("abort", "Abort"), ("retry", "Try again")] {
                @if can(act) { (button(reader, name, act, "", label)) }
            }
        }
    }
}

fn holds(environment: &EnvironmentView, reader: &Reader) -> Markup {
    html! {
        @for hold in &environment.holds {
            div.hold {
                p { strong { (hold.release) } " is kept out by " (hold.by) ", " (when(hold.since_ms, reader.now_ms)) ": " (first_line(&hold.reason)) }
                (details(&format!("hold-{}-{}", environment.name, hold.release), &hold.reason))
                @if let Some(revert) = &hold.revert { p { (revert) } }
                @if reader.name.is_some() { (button(reader, &environment.name, "clear-hold", &hold.release, "Let it in again")) }
            }
        }
    }
}

fn history(environment: &EnvironmentView, now_ms: i64) -> Markup {
    let took = |name: &str, ms: Option<u64>| ms.map(|ms| format!(", {name} {ms} ms")).unwrap_or_default();
    html! {
        @if !environment.history.is_empty() {
            details #(format!("history-{}", environment.name)) {
                summary { (environment.history.len()) " ended rollouts" }
                ol.history {
                    @for ended in &environment.history {
                        li {
                            span.outcome data-outcome=(ended.outcome) { (ended.outcome) } " " strong { (ended.version) }
                            " by " (ended.decided_by) ", " (when(ended.ended_ms, now_ms))
                            (took("switch", ended.switch_ms)) (took("back", ended.rollback_ms))
                            @if !ended.reason.is_empty() { br; (first_line(&ended.reason)) }
                            (details(&format!("ended-{}-{}", environment.name, ended.rollout), &ended.reason))
                        }
                    }
                }
            }
        }
    }
}

fn first_line(reason: &str) -> &str {
    reason.lines().next().unwrap_or_default()
}

/// The lines after a reason's first: what a log said last.
fn details(id: &str, reason: &str) -> Markup {
    let (_, more) = reason.split_once('\n').unwrap_or_default();
    html! {
        @if !more.is_empty() {
            details #(id) {
                summary { "What was written last" }
                pre { (more) }
            }
        }
    }
}

fn not_enforced(environment: &EnvironmentView) -> Markup {
    html! {
        @if !environment.not_enforced.is_empty() {
            details #(format!("not-enforced-{}", environment.name)) {
                summary { (environment.not_enforced.len()) " settings that this runtime does not enforce" }
                ul { @for one in &environment.not_enforced { li { (one) } } }
            }
        }
    }
}

/// A digest that people can compare.
fn short_digest(digest: &str) -> &str {
    let bare = digest.split_once(':').map_or(digest, |(_, bare)| bare);
    short(bare)
}
