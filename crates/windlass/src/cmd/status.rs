//! `windlass status`: what runs where, and what is in progress. One block per environment, made to be read at 2 am.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use windlass_core::view::{EnvironmentView, LiveView, PhaseView, RolloutView, TrackView, View};

use super::wish::find;
use super::{Outcome, Shared, next};
use crate::client::Client;
use crate::clock::now_ms;
use crate::say::{Say, Tone};
use windlass_core::moment::{at, relative, span};

/// From look to look with `--follow`.
const LOOK: Duration = Duration::from_millis(250);
/// Column at which the facts of an environment begin.
const INDENT: usize = 12;

/// What runs where.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Only this environment
    environment: Option<String>,
    /// Stay, and show each change, until nothing is in progress; Ctrl-C only stops watching
    #[arg(short, long)]
    follow: bool,
}

impl Status {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let client = shared.client()?;
        let say = shared.say();
        let view = if self.follow && !say.is_json() {
            follow(say, &client, self.environment.as_deref())?
        } else {
            client.view()?
        };
        if let Some(name) = &self.environment {
            find(&view, name)?;
        }
        say.document(&view);
        show(say, &view, self.environment.as_deref());
        Ok(outcome(&view, self.environment.as_deref()))
    }
}

/// Whether the environments that are looked at wait for a person.
pub(super) fn outcome(view: &View, only: Option<&str>) -> Outcome {
    if shown(view, only).any(|environment| environment.waits_for_person) {
        Outcome::Waiting
    } else {
        Outcome::Done
    }
}

/// Prints each change until nothing goes on by itself any more.
pub(super) fn follow(say: Say, client: &Client, only: Option<&str>) -> Result<View> {
    let mut before: Vec<String> = Vec::new();
    loop {
        let view = client.view()?;
        let now: Vec<String> = shown(&view, only)
            .map(|environment| in_a_line(say, environment))
            .collect();
        for line in now.iter().filter(|line| !before.contains(line)) {
            say.line(format!(
                "{} {line}",
                say.tone(Tone::Faint, at(view.at_ms, now_ms()))
            ));
        }
        before = now;
        if shown(&view, only).all(|environment| environment.settled)
            && view.builds.iter().all(|build| build.state != "building")
        {
            return Ok(view);
        }
        std::thread::sleep(LOOK);
    }
}

/// All of it, for people.
pub(super) fn show(say: Say, view: &View, only: Option<&str>) {
    let now = now_ms();
    say.line(format!(
        "{}  {} UTC  {}",
        say.tone(Tone::Strong, &view.platform),
        at(now, now),
        say.tone(Tone::Faint, format!("event {} of the ledger", view.seq))
    ));
    for warning in &view.warnings {
        say.line(format!("{} {warning}", say.tone(Tone::Bad, "warning:")));
    }
    for build in &view.builds {
        let what = format!("{} {} \"{}\"", build.state, short(&build.commit), build.subject);
        let since = relative(build.since_ms, now);
        if build.state == "failed" {
            say.line(format!("{} {since}: {}", say.tone(Tone::Bad, what), build.reason));
        } else {
            say.line(format!("{} since {since}", say.tone(Tone::Busy, what)));
        }
    }
    for environment in shown(view, only) {
        say.line("");
        block(say, environment, now);
    }
    if !view.isolation.is_empty() && only.is_none() {
        say.line("");
        say.line(say.tone(Tone::Faint, format!("instances: {}", view.isolation)));
    }
    say.next(next::of(view));
}

fn shown<'a>(view: &'a View, only: Option<&'a str>) -> impl Iterator<Item = &'a EnvironmentView> {
    view.environments
        .iter()
        .filter(move |environment| only.is_none_or(|name| environment.name == name))
}

fn in_a_line(say: Say, environment: &EnvironmentView) -> String {
    let phases = environment
        .rollout
        .as_ref()
        .map(|rollout| format!("  {}", strip(say, &rollout.phases)));
    format!(
        "{} {}{}",
        say.tone(Tone::Strong, format!("{:<11}", environment.name)),
        environment.summary,
        phases.unwrap_or_default()
    )
}

fn block(say: Say, environment: &EnvironmentView, now: i64) {
    let fact = |name: &str, text: String| say.line(format!("  {name:<width$}{text}", width = INDENT - 2));
    let address = environment
        .url
        .clone()
        .unwrap_or_else(|| environment.runtime.clone());
    say.line(format!(
        "{}{}  {}",
        say.tone(Tone::Strong, format!("{:<INDENT$}", environment.name)),
        address,
        say.tone(
            Tone::Faint,
            format!(
                "{}, {}, {}",
                environment.source, environment.deploy, environment.strategy
            )
        )
    ));
    let tone = if environment.waits_for_person || !environment.settled {
        Tone::Busy
    } else {
        Tone::Good
    };
    fact("state", say.tone(tone, &environment.summary));
    if let Some(live) = &environment.live {
        fact("live", release(live, now));
    }
    if let Some(rollout) = &environment.rollout {
        in_progress(say, rollout, now, &fact);
    }
    for track in &environment.tracks {
        fact(track.track.name(), track_line(say, track));
    }
    if let Some(preview) = &environment.preview_url {
        fact("preview", preview.clone());
    }
    if let Some(previous) = &environment.previous {
        let way = if previous.warm {
            "one swap away"
        } else {
            "would be started first"
        };
        fact(
            "before",
            format!("{} ({}), {way}", previous.version, previous.release),
        );
    }
    for hold in &environment.holds {
        let who = format!(
            "{} kept out by {} {}",
            hold.release,
            hold.by,
            relative(hold.since_ms, now)
        );
        fact("held", format!("{}: {}", say.tone(Tone::Bad, who), hold.reason));
    }
}

fn in_progress(say: Say, rollout: &RolloutView, now: i64, fact: &impl Fn(&str, String)) {
    let what = format!(
        "{} ({}) \"{}\" on {}",
        rollout.version,
        rollout.release,
        rollout.subject,
        rollout.track.name()
    );
    fact(
        "rollout",
        format!("{what}, began {}", relative(rollout.started_ms, now)),
    );
    fact("", strip(say, &rollout.phases));
    if let Some(waiting) = &rollout.waiting {
        let until = waiting
            .until_ms
            .map(|until| format!(", goes on {}", relative(until, now)))
            .unwrap_or_default();
        fact(
            "waits for",
            format!(
                "{} (since {}{until})",
                say.tone(Tone::Busy, &waiting.what),
                relative(waiting.since_ms, now)
            ),
        );
        if !waiting.remedy.is_empty() {
            fact("", waiting.remedy.clone());
        }
    }
    if let Some(watch) = &rollout.watch {
        let (passed, all) = (
            now.min(watch.ends_ms) - watch.started_ms,
            watch.ends_ms - watch.started_ms,
        );
        let tone = if watch.verdict == "bad" {
            Tone::Bad
        } else {
            Tone::Good
        };
        let verdict = say.tone(tone, &watch.verdict);
        fact(
            "watch",
            format!("{} of {}: {verdict} {}", span(passed), span(all), watch.because),
        );
    }
}

fn release(live: &LiveView, now: i64) -> String {
    format!(
        "{} ({}) \"{}\" on {}, since {} ({})",
        live.version,
        live.release,
        live.subject,
        live.track.name(),
        at(live.since_ms, now),
        relative(live.since_ms, now)
    )
}

fn track_line(say: Say, track: &TrackView) -> String {
    let traffic = track.traffic.as_ref().map(|traffic| {
        let p95 = traffic
            .p95_ms
            .map(|p95| format!(", p95 {p95:.0} ms"))
            .unwrap_or_default();
        format!(
            ", {:.1}/s, {:.2} % errors{p95}",
            traffic.rate,
            traffic.errors * 100.0
        )
    });
    let tone = if track.ready < track.desired {
        Tone::Bad
    } else {
        Tone::Good
    };
    let ready = say.tone(tone, format!("{}/{} ready", track.ready, track.desired));
    let trouble = if track.trouble.is_empty() {
        String::new()
    } else {
        format!(" {}", say.tone(Tone::Bad, &track.trouble))
    };
    format!(
        "{:<8} {} {ready}, {} % of customers{}{trouble}",
        track.state,
        track.version,
        track.weight,
        traffic.unwrap_or_default()
    )
}

/// The phases with a sign for each state; the phase that is at work is named in brackets, for those without colours.
fn strip(say: Say, phases: &[PhaseView]) -> String {
    let shown = phases.iter().map(|phase| match phase.state.as_str() {
        "done" => say.tone(Tone::Good, format!("✔ {}", phase.name)),
        "now" => say.tone(Tone::Busy, format!("[● {}]", phase.name)),
        "waiting" => say.tone(Tone::Busy, format!("[… {}]", phase.name)),
        "failed" => say.tone(Tone::Bad, format!("[✖ {}]", phase.name)),
        _ => say.tone(Tone::Faint, format!("○ {}", phase.name)),
    });
    shown.collect::<Vec<_>>().join("  ")
}

/// The first digits of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
