//! `windlass why`: what is waited for, since when, and what would unblock it; or why the last rollout ended as it did.

use anyhow::Result;
use clap::Args;
use windlass_core::view::{EnvironmentView, GateView, WaitingView};

use super::wish::{find, sentence};
use super::{Outcome, Shared, next};
use crate::clock::now_ms;
use crate::say::{Say, Tone};
use windlass_core::moment::relative;

/// What is waited for.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// The environment
    environment: String,
    /// The checklists of the guide as well
    #[arg(long)]
    checklist: bool,
}

impl Why {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let view = shared.client()?.view()?;
        let environment = find(&view, &self.environment)?;
        let say = shared.say();
        say.document(environment);
        say.line(format!(
            "{}  {}",
            say.tone(Tone::Strong, &environment.name),
            environment.summary
        ));
        for warning in &view.warnings {
            say.line(say.tone(Tone::Bad, format!("  warning: {warning}")));
        }
        explain(say, environment);
        if self.checklist {
            checklist(say, environment);
        }
        say.next(next::of(&view));
        Ok(if environment.waits_for_person {
            Outcome::Waiting
        } else {
            Outcome::Done
        })
    }
}

fn explain(say: Say, environment: &EnvironmentView) {
    let now = now_ms();
    if let Some(rollout) = &environment.rollout {
        say.line(format!(
            "  {} ({}) is in `{}`",
            rollout.version, rollout.release, rollout.phase
        ));
        if let Some(waiting) = &rollout.waiting {
            wait(say, "waits for ", waiting, now);
        }
        if let Some(watch) = &rollout.watch {
            say.line(format!(
                "  watched until {}: {} {}",
                relative(watch.ends_ms, now),
                watch.verdict,
                watch.because
            ));
        }
        gates(say, &rollout.gates);
        for approval in &rollout.approvals {
            say.line(format!(
                "  {} approved {}: {}",
                approval.actor,
                relative(approval.at_ms, now),
                approval.comment
            ));
        }
    }
    if let Some(next) = environment.next_without_hold() {
        wait(say, "next: ", next, now);
    }
    for track in environment
        .tracks
        .iter()
        .filter(|track| !track.trouble.is_empty())
    {
        say.line(format!(
            "  {}: {}",
            track.track.name(),
            say.tone(Tone::Bad, &track.trouble)
        ));
    }
    for hold in &environment.holds {
        say.line(format!(
            "  {} is kept out by {} since {}: {}",
            hold.release,
            hold.by,
            relative(hold.since_ms, now),
            hold.reason
        ));
        if let Some(revert) = &hold.revert {
            say.line(format!("    {revert}"));
        }
        say.line(format!("    {}", hold.remedy));
    }
    if let Some(last) = environment.history.first() {
        say.line(format!("  last: {}", sentence(say, &environment.name, last)));
    }
}

fn wait(say: Say, lead: &str, waiting: &WaitingView, now: i64) {
    say.line(format!(
        "  {lead}{}, since {}",
        waiting.what,
        relative(waiting.since_ms, now)
    ));
    if let Some(until) = waiting.until_ms {
        say.line(format!("  goes on by itself {}", relative(until, now)));
    }
    if !waiting.remedy.is_empty() {
        say.line(format!("  unblocked by: {}", waiting.remedy));
    }
}

/// A line for each gate: answer, reason, remedy and evidence.
pub(super) fn gates(say: Say, gates: &[GateView]) {
    for gate in gates {
        let (sign, tone) = match gate.answer.as_str() {
            "allow" => ("✔", Tone::Good),
            "defer" => ("…", Tone::Busy),
            _ => ("✖", Tone::Bad),
        };
        let answer = say.tone(tone, format!("{sign} {:<6}", gate.answer));
        say.line(format!("  {answer} {:<18} {}", gate.name, gate.reason));
        if !gate.remedy.is_empty() {
            say.line(format!("           → {}", gate.remedy));
        }
        for evidence in &gate.evidence {
            say.line(say.tone(Tone::Faint, format!("             {evidence}")));
        }
    }
}

fn checklist(say: Say, environment: &EnvironmentView) {
    let mut list = "";
    for item in &environment.checklist {
        if item.list != list {
            list = &item.list;
            say.line(format!("  {}", say.tone(Tone::Strong, list)));
        }
        let (sign, tone) = match item.state.as_str() {
            "done" => ("✔", Tone::Good),
            "failed" => ("✖", Tone::Bad),
            _ => ("○", Tone::Faint),
        };
        let state = say.tone(tone, format!("{sign} {:<6}", item.state));
        say.line(format!(
            "    {state} {} [{}]  {}",
            item.title, item.item, item.evidence
        ));
    }
}
