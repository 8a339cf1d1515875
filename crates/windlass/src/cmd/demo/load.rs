//! The customers: the shop's load generator as a process of its own, told where one phase ends and the next begins.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How long the generator may take to finish its journeys and count.
const END_TIMEOUT: Duration = Duration::from_mins(1);
/// Lines that wait to be read; one a second is written.
const LINES_MAX: usize = 100_000;

/// A running load generator.
#[derive(Debug)]
pub(super) struct Load {
    child: Child,
    words: ChildStdin,
    lines: Receiver<Value>,
}

impl Load {
    /// Sends `rate` requests a second to an address.
    /// Orders that were answered as paid are written to `acknowledged`.
    pub(super) fn start(program: &Path, target: SocketAddr, rate: u32, acknowledged: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args([
                "run",
                "--target",
                &format!("http://{target}"),
                "--rate",
                &rate.to_string(),
                "--seed",
                "1",
                "--acknowledged",
            ])
            .arg(acknowledged)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("the load generator {} cannot be started", program.display()))?;
        let words = child.stdin.take().context("the load generator takes no words")?;
        let output = child.stdout.take().context("the load generator has no output")?;
        let (sender, lines) = sync_channel(LINES_MAX);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line)
                    && sender.send(value).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, words, lines })
    }

    /// What is sent from now on belongs to a phase.
    pub(super) fn mark(&mut self, phase: &str) {
        // If it has ended, `end` says so.
        let _ = writeln!(self.words, "mark {phase}");
    }

    /// Lets it finish; its summary.
    pub(super) fn end(mut self) -> Result<Value> {
        let _ = writeln!(self.words, "end");
        let mut last = Value::Null;
        while let Ok(line) = self.lines.recv_timeout(END_TIMEOUT) {
            last = line;
        }
        let _ = self.child.kill();
        let status = self
            .child
            .wait()
            .context("the load generator cannot be waited for")?;
        if last.is_null() {
            bail!("the load generator ended without a summary ({status})");
        }
        Ok(last)
    }
}
