//! The three checklists of the guide, with what shows each item.

use maud::{Markup, html};
use windlass_core::view::EnvironmentView;

use super::Reader;
use super::act::button;

/// All items in their lists; whoever is signed in can vouch for the open ones.
pub(super) fn checklist(environment: &EnvironmentView, reader: &Reader) -> Markup {
    let items = &environment.checklist;
    let done = items.iter().filter(|item| item.state == "done").count();
    let can_attest = reader.name.is_some() && environment.commands.iter().any(|command| command == "attest");
    html! {
        @if !items.is_empty() {
            details #(format!("checklist-{}", environment.name)) {
                summary { "Checklist: " (done) " of " (items.len()) " done" }
                @for list in ["pre-deployment", "during-deployment", "post-deployment"] {
                    h4 { (list) }
                    ul.checklist {
                        @for item in items.iter().filter(|item| item.list == list) {
                            li data-state=(item.state) {
                                span aria-hidden="true" { (sign(&item.state)) } " " (item.title)
                                span.hidden { ", " (item.state) }
                                @if !item.evidence.is_empty() { p.facts { (item.evidence) } }
                                @if can_attest && item.state == "open" { (button(reader, &environment.name, "attest", &item.item, "Vouch for it")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sign(state: &str) -> &'static str {
    match state {
        "done" => "✔",
        "failed" => "✖",
        _ => "○",
    }
}
