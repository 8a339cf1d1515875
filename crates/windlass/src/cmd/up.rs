//! `windlass up`: starts the controller in the background and shows how the environments come up. Ctrl-C only stops
//! showing it.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use super::serve::{LISTEN, configuration};
use super::wish::account;
use super::{Outcome, Shared, status};
use crate::client::Client;
use crate::place::Place;
use crate::say::Tone;

/// How long the controller may take until it answers; it replays its ledger first.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// From look to look at whether it answers.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of the controller's log that are shown when it did not start.
const LOG_END: usize = 2_000;

/// Start everything.
#[derive(Debug, Args)]
pub(super) struct Up {
    /// Address of the API and the release page
    #[arg(long, default_value_t = LISTEN, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Return as soon as the controller answers
    #[arg(short, long)]
    detach: bool,
}

impl Up {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let place = shared.place()?;
        configuration(&place)?;
        let say = shared.say();
        let client = if let Some(client) = Client::running(&place.contact()) {
            say.progress("The controller runs already.");
            client
        } else {
            start(&place, self.listen, None)?.1
        };
        say.line(format!("release page  {}", say.tone(Tone::Strong, page(&client))));
        say.line(say.tone(
            Tone::Faint,
            "The address holds the token that allows changes: keep it to yourself.",
        ));
        let view = if self.detach || say.is_json() {
            client.view()?
        } else {
            status::follow(say, &client, None)?
        };
        say.document(&json!({ "page": page(&client), "view": view }));
        status::show(say, &view, None);
        Ok(status::outcome(&view, None))
    }
}

/// Starts a controller in the background, in a session of its own, and waits until it answers.
pub(super) fn start(place: &Place, listen: SocketAddr, repository: Option<&Path>) -> Result<(Child, Client)> {
    let state = &place.state;
    let written = || {
        format!(
            "the state folder {} cannot be written\nhint: `--state` names another",
            state.display()
        )
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .with_context(written)?;
    let path = state.join("controller.log");
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .with_context(written)?;
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(place.config())
        .arg("--state")
        .arg(state);
    command.arg("serve").arg("--listen").arg(listen.to_string());
    if let Some(repository) = repository {
        command.arg("--repository").arg(repository);
    }
    let log_too = log.try_clone().with_context(written)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .process_group(0)
        .spawn()
        .context("the controller cannot be started")?;
    let pid = child.id();
    let began = Instant::now();
    while began.elapsed() < START_TIMEOUT {
        if let Some(client) = Client::running(&place.contact()).filter(|client| client.contact().pid == pid) {
            return Ok((child, client));
        }
        if let Some(status) = child.try_wait().context("the controller cannot be waited for")? {
            bail!(
                "the controller ended at once ({status}): {}\nhint: all of its log is in {}",
                end_of(&path),
                path.display()
            );
        }
        std::thread::sleep(LOOK);
    }
    bail!(
        "the controller does not answer after {} s\nhint: its log is {}",
        START_TIMEOUT.as_secs(),
        path.display()
    )
}

/// The page's address with the token and who signs in; the browser trades them for a cookie.
pub(super) fn page(client: &Client) -> String {
    let contact = client.contact();
    let name = account().bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_alphanumeric() {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
        name
    });
    format!(
        "http://{}/login?token={}&name={name}",
        contact.address, contact.token
    )
}

fn end_of(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = file.read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(text.get(text.len().saturating_sub(LOG_END)..).unwrap_or_default())
        .into_owned();
    let last: Vec<&str> = text.lines().rev().take(5).collect();
    last.into_iter().rev().collect::<Vec<_>>().join("\n")
}
