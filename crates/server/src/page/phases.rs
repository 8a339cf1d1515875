//! The phases of a rollout as a strip, and the clock of the watch.

use maud::{Markup, html};
use windlass_core::moment::span;
use windlass_core::view::{PhaseView, WatchView};

/// Every phase, with a sign and a word for its state.
pub(super) fn strip(phases: &[PhaseView]) -> Markup {
    html! {
        ol.phases {
            @for phase in phases {
                li data-state=(phase.state) aria-current=[(phase.state == "now" || phase.state == "waiting").then_some("step")] {
                    span aria-hidden="true" { (sign(&phase.state)) } " " (phase.name)
                    span.hidden { ", " (phase.state) }
                }
            }
        }
    }
}

/// How much of the watch is over, and what the numbers say so far.
pub(super) fn watch(watch: &WatchView, now_ms: i64) -> Markup {
    let all = (watch.ends_ms - watch.started_ms).max(1);
    let passed = (now_ms - watch.started_ms).clamp(0, all);
    html! {
        p.watch data-verdict=(watch.verdict) {
            progress max=(all) value=(passed) data-start=(watch.started_ms) data-end=(watch.ends_ms) { }
            " watched " (span(passed)) " of " (span(all)) ": " strong { (watch.verdict) } " " (watch.because)
        }
    }
}

fn sign(state: &str) -> &'static str {
    match state {
        "done" => "✔",
        "now" => "●",
        "waiting" => "…",
        "failed" => "✖",
        _ => "○",
    }
}
