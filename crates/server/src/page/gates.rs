//! The gates before a deployment: what each answers, why, what would change it, and what that rests on.

use maud::{Markup, html};
use windlass_core::view::GateView;

/// A row for each gate.
pub(super) fn table(environment: &str, gates: &[GateView]) -> Markup {
    html! {
        @if !gates.is_empty() {
            table.gates {
                caption { "Gates of " (environment) }
                thead { tr { th scope="col" { "Gate" } th scope="col" { "Answer" } th scope="col" { "Why" } } }
                tbody { @for gate in gates { (row(gate)) } }
            }
        }
    }
}

fn row(gate: &GateView) -> Markup {
    let sign = match gate.answer.as_str() {
        "allow" => "✔",
        "defer" => "…",
        _ => "✖",
    };
    html! {
        tr data-answer=(gate.answer) {
            th scope="row" { (gate.name) }
            td { span aria-hidden="true" { (sign) } " " (gate.answer) }
            td {
                (gate.reason)
                @if !gate.remedy.is_empty() { p.remedy { (gate.remedy) } }
                @if !gate.evidence.is_empty() {
                    ul.evidence { @for evidence in &gate.evidence { li { (evidence) } } }
                }
            }
        }
    }
}
