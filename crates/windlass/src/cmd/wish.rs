//! What approve, rollback, pause and their like have in common: who asks, why, and how long one waits for it.

use std::io::Read as _;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use windlass_core::machine::event::Wish;
use windlass_core::view::{EnvironmentView, HistoryView, View};
use windlass_server::Command;

use super::{Outcome, Shared, next};
use crate::client::Client;
use crate::say::{Say, Tone, first_line};

/// With `--wait`: how long an outcome may take; the longest watch window is shorter.
const OUTCOME_TIMEOUT: Duration = Duration::from_hours(24);
/// How long a rollback may take before `windlass rollback` stops watching it.
const BACK_TIMEOUT: Duration = Duration::from_mins(1);

/// Who asks, and why.
#[derive(Debug, Args)]
pub(super) struct Signed {
    /// Why; it is kept in the ledger
    #[arg(short = 'm', long, default_value = "", hide_default_value = true)]
    comment: String,
    /// Who asks; without it, git's user.name or the account on this machine
    #[arg(long = "as", value_name = "NAME", env = "WINDLASS_ACTOR")]
    actor: Option<String>,
    /// Stay until the rollout has ended; Ctrl-C only stops watching
    #[arg(long)]
    wait: bool,
}

/// Asks for one thing in one environment, and says what became of it.
pub(super) fn ask(shared: &Shared, environment: &str, signed: &Signed, wish: Wish) -> Result<Outcome> {
    let client = shared.client()?;
    let before = newest(&client.view()?, environment);
    let back = matches!(wish, Wish::Rollback { .. });
    let seq = submit(&client, environment, signed, wish)?;
    let say = shared.say();
    let ended = match (signed.wait, back) {
        (true, _) => client.until(OUTCOME_TIMEOUT, |view| {
            ended_after(view, environment, before.as_ref())
        }),
        (false, true) => client.until(BACK_TIMEOUT, |view| {
            ended_after(view, environment, before.as_ref())
        }),
        (false, false) => None,
    };
    let view = client.view()?;
    say.document(&json!({ "seq": seq, "outcome": ended, "environment": find(&view, environment)? }));
    if let Some(ended) = &ended {
        say.line(sentence(say, environment, ended));
    } else {
        say.line(format!(
            "{} {}",
            say.tone(Tone::Strong, environment),
            find(&view, environment)?.summary
        ));
    }
    say.next(next::of(&view));
    Ok(match ended {
        Some(ended) if !back && ended.outcome != "promoted" => Outcome::Failed,
        _ if find(&view, environment)?.waits_for_person => Outcome::Waiting,
        _ => Outcome::Done,
    })
}

/// Sends the wish; the answer is the sequence number of its event.
pub(super) fn submit(client: &Client, environment: &str, signed: &Signed, wish: Wish) -> Result<u64> {
    client.ask(&Command {
        environment: environment.to_owned(),
        actor: signed.actor.clone().unwrap_or_else(account),
        comment: signed.comment.clone(),
        wish,
    })
}

/// An environment of the view by name.
pub(super) fn find<'a>(view: &'a View, name: &str) -> Result<&'a EnvironmentView> {
    named(&view.environments, name, |environment| &environment.name)
}

/// The environment of this name among those that `name_of` names.
pub(super) fn named<'a, T>(all: &'a [T], name: &str, name_of: impl Fn(&T) -> &str) -> Result<&'a T> {
    all.iter().find(|one| name_of(one) == name).with_context(|| {
        let names: Vec<&str> = all.iter().map(name_of).collect();
        format!(
            "there is no environment {name}\nhint: windlass.yaml has {}",
            names.join(", ")
        )
    })
}

/// How a rollout ended, in a line.
pub(super) fn sentence(say: Say, environment: &str, ended: &HistoryView) -> String {
    let tone = if ended.outcome == "promoted" {
        Tone::Good
    } else {
        Tone::Bad
    };
    let took =
        |name: &str, ms: Option<u64>| ms.map(|ms| format!(", {name} took {ms} ms")).unwrap_or_default();
    format!(
        "{} {} ({}) {} by {}{}{}{}",
        say.tone(Tone::Strong, environment),
        ended.version,
        ended.release,
        say.tone(tone, &ended.outcome),
        ended.decided_by,
        took("the switch", ended.switch_ms),
        took("the way back", ended.rollback_ms),
        if ended.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", first_line(&ended.reason))
        },
    )
}

/// What tells ended rollouts apart: a rollback of one that had ended changes its entry.
fn newest(view: &View, environment: &str) -> Option<(u64, String, i64)> {
    let environment = find(view, environment).ok()?;
    environment
        .history
        .first()
        .map(|ended| (ended.rollout, ended.outcome.clone(), ended.ended_ms))
}

fn ended_after(view: &View, environment: &str, before: Option<&(u64, String, i64)>) -> Option<HistoryView> {
    let now = newest(view, environment);
    if now.as_ref() == before {
        return None;
    }
    find(view, environment).ok()?.history.first().cloned()
}

/// Who sits here: git's user.name, or the account on this machine.
pub(super) fn account() -> String {
    git_name()
        .or_else(|| std::env::var("USER").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

fn git_name() -> Option<String> {
    let mut program = Program::new("git")
        .args(["config", "user.name"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut name = String::new();
    program.stdout.take()?.read_to_string(&mut name).ok()?;
    program.wait().ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
