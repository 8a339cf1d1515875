//! `windlass down`: stops the controller, the instances and the proxy. What the ledger and the services wrote stays.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::{Outcome, Shared, wait_for};
use crate::client::Client;
use crate::place::Place;
use crate::wire;

/// How long the controller may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(30);
/// From look to look at whether it ended.
const LOOK: Duration = Duration::from_millis(20);

/// Stop everything.
#[derive(Debug, Args)]
pub(super) struct Down {
    /// Leave instances and proxy to customers, stop the controller only
    #[arg(long)]
    controller_only: bool,
}

impl Down {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let place = shared.place()?;
        let say = shared.say();
        let stopped = stop_controller(&place)?;
        say.line(if stopped {
            "The controller has ended."
        } else {
            "No controller was running."
        });
        if !self.controller_only {
            wait_for(wire::stop_all(&place))?;
            say.line("Instances and proxy have ended. Ledger and data are kept.");
        }
        say.document(&json!({ "controller": stopped, "all": !self.controller_only }));
        say.next("windlass up");
        Ok(Outcome::Done)
    }
}

/// Asks the controller to end and waits for it; whether there was one.
pub(super) fn stop_controller(place: &Place) -> Result<bool> {
    let Some(client) = Client::running(&place.contact()) else {
        return Ok(false);
    };
    let pid = Pid::from_raw(i32::try_from(client.contact().pid).context("its process id is not one")?);
    kill(pid, Signal::SIGTERM)
        .with_context(|| format!("the controller (process {pid}) cannot be stopped"))?;
    let began = Instant::now();
    while kill(pid, None).is_ok() && Client::running(&place.contact()).is_some() {
        if began.elapsed() > END_TIMEOUT {
            bail!(
                "the controller (process {pid}) does not end\nhint: `kill -9 {pid}` ends it; no customer notices"
            );
        }
        std::thread::sleep(LOOK);
    }
    Ok(true)
}
