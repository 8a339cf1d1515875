//! `windlass releases`: what was built, and where it is; with an environment, how its rollouts ended.

use anyhow::Result;
use clap::Args;

use super::wish::{find, sentence};
use super::{Outcome, Shared, next};
use crate::clock::now_ms;
use crate::say::Tone;
use windlass_core::moment::at;

/// What was built.
#[derive(Debug, Args)]
pub(super) struct Releases {
    /// How the rollouts of this environment ended
    environment: Option<String>,
}

impl Releases {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let view = shared.client()?.view()?;
        let (say, now) = (shared.say(), now_ms());
        if let Some(name) = &self.environment {
            let history = &find(&view, name)?.history;
            say.document(history);
            for ended in history {
                say.line(format!(
                    "{}  {}",
                    at(ended.ended_ms, now),
                    sentence(say, name, ended)
                ));
            }
        } else {
            say.document(&view.releases);
            for known in &view.releases {
                let release = &known.release;
                let places: Vec<String> = known
                    .environments
                    .iter()
                    .map(|(name, state)| format!("{name} {state}"))
                    .collect();
                say.line(format!(
                    "{:<12} {:<12} {}  {}  {}  {}",
                    say.tone(Tone::Strong, &release.id),
                    release.version,
                    at(release.built_at_ms, now),
                    release.subject,
                    places.join(", "),
                    say.tone(Tone::Faint, known.tags.join(" "))
                ));
            }
        }
        say.next(next::of(&view));
        Ok(Outcome::Done)
    }
}
