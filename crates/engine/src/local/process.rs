//! A process of this machine by id and start time, so that an id that was given to another process is never taken for it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// From look to look at a process that is not a child of this one.
const LOOK: Duration = Duration::from_millis(50);

/// A process that may have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// Its id.
    pub(super) pid: i32,
    /// Clock ticks from boot to its start.
    pub(super) started: u64,
}

impl Process {
    /// The process with this id, if it runs.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in brackets and may hold spaces and brackets itself; fields are counted from after it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let (state, started) = (*fields.first()?, fields.get(19)?.parse().ok()?);
        (state != "Z" && state != "X").then_some(Self { pid, started })
    }

    /// Whether it still runs.
    pub(super) fn runs(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }

    /// Sends a signal, if it still runs.
    pub(super) fn signal(&self, signal: Signal) {
        if self.runs() {
            // It may end between the look and the signal; then there is nobody to tell.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        while self.runs() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Resident memory in bytes and processor time in milliseconds so far.
    pub(super) fn usage(&self) -> Option<(u64, u64)> {
        const PAGE_BYTES: u64 = 4096;
        const TICK_MS: u64 = 10;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let fields: Vec<u64> = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        Some((
            fields.get(21)? * PAGE_BYTES,
            (fields.get(11)? + fields.get(12)?) * TICK_MS,
        ))
    }
}

/// Reads a small JSON file; a missing or damaged one is none.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
