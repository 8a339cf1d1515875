//! The command line: one file per verb. A verb reads views, asks for changes or starts processes; it decides nothing.

mod abort;
mod approve;
mod attest;
mod ci;
mod demo;
mod doctor;
mod down;
mod guard;
pub(crate) mod helm;
mod hold;
mod image;
mod import;
mod install;
mod ledger;
mod logs;
mod next;
mod pause;
mod plan;
mod promote;
mod rbac;
mod reject;
mod releases;
mod resume;
mod retry;
mod rollback;
mod serve;
mod status;
mod up;
mod why;
mod wish;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::client::Client;
use crate::place::Place;
use crate::say::{Format, Say};

/// How a verb that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for is done.
    Done,
    /// It waits for a person.
    Waiting,
    /// It is known to be otherwise: a report says what failed.
    Failed,
}

/// From git push to customer traffic, and back again, safely.
#[derive(Debug, Parser)]
#[command(
    name = "windlass",
    version,
    after_help = "Charts: `windlass helm --help` lists Helm's own commands (template, lint, ...; on a cluster install, upgrade, rollback, ...), which take Helm's flags.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 waiting for a person.\nStart with `windlass demo`, or with `windlass up` in a folder that has a windlass.yaml."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    /// The configuration; without it, windlass.yaml of this folder or of one above
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of ledger and instances; without it, .windlass beside the configuration
    #[arg(long, global = true, value_name = "FOLDER", env = "WINDLASS_STATE")]
    state: Option<PathBuf>,
    /// Lines for people, or one document for programs
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    output: Format,
}

impl Shared {
    fn say(&self) -> Say {
        Say::new(self.output)
    }

    fn place(&self) -> Result<Place> {
        Place::find(self.config.as_deref(), self.state.as_deref())
    }

    fn client(&self) -> Result<Client> {
        Client::connect(&self.place()?.contact())
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the controller, the proxy and the environments
    Up(up::Up),
    /// Stop everything that `up` started
    Down(down::Down),
    /// See it all work: five releases under load, two good, three bad
    Demo(demo::Demo),
    /// What runs where, and what is in progress
    Status(status::Status),
    /// What is waited for, since when, and what would unblock it
    Why(why::Why),
    /// What a release would change, and what the gates say
    Plan(plan::Plan),
    /// Allow the plan that waits
    Approve(approve::Approve),
    /// Refuse the plan that waits
    Reject(reject::Reject),
    /// Go on now, or bring a release to an environment
    Promote(promote::Promote),
    /// Back to the release before, at once
    Rollback(rollback::Rollback),
    /// Keep a release out, or let it in again
    Hold(hold::Hold),
    /// Let a rollout wait
    Pause(pause::Pause),
    /// Let a paused rollout go on
    Resume(resume::Resume),
    /// Give a rollout up
    Abort(abort::Abort),
    /// Try again what failed
    Retry(retry::Retry),
    /// Vouch for an item of the checklist
    Attest(attest::Attest),
    /// Run what a commit must pass, and write down how it ended
    Ci(ci::Ci),
    /// What was built, and where it is
    Releases(releases::Releases),
    /// What the instances of a service wrote
    Logs(logs::Logs),
    /// Verify or export the record of everything that happened
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Judge what these files would deploy
    #[command(subcommand)]
    Guard(guard::Guard),
    /// The least that a cluster must allow whoever releases these files to an environment
    Rbac(rbac::Rbac),
    /// The manifests that run Windlass in a cluster
    Install(install::Install),
    /// Build images, send them to a registry, look into them
    #[command(subcommand)]
    Image(image::Image),
    /// Take over what another tool deploys
    #[command(subcommand)]
    Import(import::Import),
    /// Find out what is missing on this machine
    Doctor(doctor::Doctor),
    /// Be the controller, in the foreground
    Serve(serve::Serve),
}

impl Cli {
    /// Runs the verb. Whatever went wrong is printed.
    pub(crate) fn run(self) -> ExitCode {
        let say = self.shared.say();
        match self.verb.run(&self.shared) {
            Ok(Outcome::Done) => ExitCode::SUCCESS,
            Ok(Outcome::Failed) => ExitCode::from(1),
            Ok(Outcome::Waiting) => ExitCode::from(3),
            Err(error) => {
                say.error(&error);
                ExitCode::from(1)
            }
        }
    }
}

impl Verb {
    fn run(&self, shared: &Shared) -> Result<Outcome> {
        match self {
            Self::Up(verb) => verb.run(shared),
            Self::Down(verb) => verb.run(shared),
            Self::Demo(verb) => verb.run(shared),
            Self::Status(verb) => verb.run(shared),
            Self::Why(verb) => verb.run(shared),
            Self::Plan(verb) => verb.run(shared),
            Self::Approve(verb) => verb.run(shared),
            Self::Reject(verb) => verb.run(shared),
            Self::Promote(verb) => verb.run(shared),
            Self::Rollback(verb) => verb.run(shared),
            Self::Hold(verb) => verb.run(shared),
            Self::Pause(verb) => verb.run(shared),
            Self::Resume(verb) => verb.run(shared),
            Self::Abort(verb) => verb.run(shared),
            Self::Retry(verb) => verb.run(shared),
            Self::Attest(verb) => verb.run(shared),
            Self::Ci(verb) => verb.run(shared),
            Self::Releases(verb) => verb.run(shared),
            Self::Logs(verb) => verb.run(shared),
            Self::Ledger(verb) => verb.run(shared),
            Self::Guard(verb) => verb.run(shared),
            Self::Rbac(verb) => verb.run(shared),
            Self::Install(verb) => verb.run(shared),
            Self::Image(verb) => verb.run(shared),
            Self::Import(verb) => verb.run(shared),
            Self::Doctor(verb) => verb.run(shared),
            Self::Serve(verb) => verb.run(shared),
        }
    }
}

/// Runs what waits for several things at once.
fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_is_documented() {
        let documented = include_str!("../../../docs/commands.md");
        for verb in super::Cli::command().get_subcommands() {
            let name = verb.get_name();
            assert!(
                documented.contains(&format!("`windlass {name}")),
                "docs/commands.md does not say what {name} does"
            );
        }
    }
}
