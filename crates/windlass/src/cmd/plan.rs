//! `windlass plan`: what the release in question would change, and what the gates say to it.

use anyhow::Result;
use clap::Args;

use super::approve::waiting;
use super::why::gates;
use super::wish::find;
use super::{Outcome, Shared, next};
use crate::say::Tone;

/// What a release would change.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The environment
    environment: String,
}

impl Plan {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let view = shared.client()?.view()?;
        let environment = find(&view, &self.environment)?;
        let plan = waiting(environment, None)?;
        let say = shared.say();
        say.document(&environment.rollout);
        if let Some(rollout) = &environment.rollout {
            let release = format!(
                "{} ({}) \"{}\"",
                rollout.version, rollout.release, rollout.subject
            );
            say.line(format!(
                "{} {release} on {}",
                say.tone(Tone::Strong, &environment.name),
                rollout.track.name()
            ));
        }
        for change in &plan.changes {
            say.line(format!("  {change}"));
        }
        for finding in &plan.findings {
            let tone = if finding.blocks { Tone::Bad } else { Tone::Busy };
            say.line(format!("  {} {}", say.tone(tone, &finding.rule), finding.message));
            say.line(format!("    → {}", finding.remedy));
        }
        say.line(format!("plan {}", plan.digest));
        if let Some(rollout) = &environment.rollout {
            gates(say, &rollout.gates);
        }
        say.next(next::of(&view));
        Ok(if environment.waits_for_person {
            Outcome::Waiting
        } else {
            Outcome::Done
        })
    }
}
