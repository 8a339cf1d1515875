//! The two tracks of an environment: how customers are divided between them, and how each serves.

use maud::{Markup, html};
use windlass_core::view::TrackView;

/// Width of the bar in its own units: one for each percent.
const WIDTH: u32 = 100;

/// The division of customers as a bar; the table below says the same in words.
pub(super) fn bar(tracks: &[TrackView]) -> Markup {
    let shares: Vec<(&TrackView, u32)> = tracks
        .iter()
        .scan(0, |from, track| {
            let start = *from;
            *from += track.weight;
            Some((track, start))
        })
        .collect();
    let words: Vec<String> = tracks
        .iter()
        .map(|track| format!("{} {} %", track.track.name(), track.weight))
        .collect();
    html! {
        @if tracks.iter().any(|track| track.weight > 0) {
            svg.split viewBox=(format!("0 0 {WIDTH} 6")) preserveAspectRatio="none" role="img" aria-label=(format!("customers: {}", words.join(", "))) {
                @for (track, start) in shares {
                    rect data-track=(track.track.name()) x=(start) y="0" width=(track.weight) height="6" {}
                }
            }
        }
    }
}

/// A row for each track.
pub(super) fn table(environment: &str, tracks: &[TrackView]) -> Markup {
    html! {
        @if !tracks.is_empty() {
            table.tracks {
                caption { "Tracks of " (environment) }
                thead {
                    tr {
                        th scope="col" { "Track" } th scope="col" { "Share" } th scope="col" { "Ready" }
                        th scope="col" { "Rate" } th scope="col" { "Errors" } th scope="col" { "p95" }
                    }
                }
                tbody { @for track in tracks { (row(track)) } }
            }
            @for track in tracks.iter().filter(|track| !track.trouble.is_empty()) {
                p.trouble { strong { (track.track.name()) } " " (track.trouble) }
            }
        }
    }
}

fn row(track: &TrackView) -> Markup {
    let traffic = track.traffic.clone().unwrap_or_default();
    let known = track.traffic.is_some();
    html! {
        tr {
            th scope="row" {
                span.track data-track=(track.track.name()) { (track.track.name()) }
                " " (track.state) br; span.facts { (track.version) }
            }
            td { (track.weight) " %" }
            td data-health=(if track.ready < track.desired { "bad" } else { "good" }) { (track.ready) "/" (track.desired) }
            @if known {
                td { (format!("{:.1}/s", traffic.rate)) }
                td { (format!("{:.2} %", traffic.errors * 100.0)) }
                td { @match traffic.p95_ms { Some(p95) => (format!("{p95:.0} ms")), None => "–" } }
            } @else {
                td { "–" } td { "–" } td { "–" }
            }
        }
    }
}
