//! The files of one instance: what it should run, what runs, how it ended. They are what a restarted controller goes by.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::process::Process;

/// What the shim runs. It holds secrets: only the owner may read the file.
pub(super) const SPEC: &str = "spec.json";
/// What runs, written by the shim.
pub(super) const RUN: &str = "run.json";
/// How it ended, written by the shim.
pub(super) const EXIT: &str = "exit.json";
/// Standard output and standard error.
pub(super) const LOG: &str = "log";

/// What runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    /// The shim, parent of the instance.
    pub(super) shim: Process,
    /// The instance itself.
    pub(super) instance: Process,
    /// Milliseconds since the epoch.
    pub(super) started_ms: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Exit {
    /// Exit status.
    pub(super) code: Option<i32>,
    /// The signal that ended it.
    pub(super) signal: Option<i32>,
    /// How long it ran.
    pub(super) ran_ms: u64,
    /// Why it did not even start.
    pub(super) error: Option<String>,
}

impl Exit {
    /// In words: `exited with status 2 after 0.1 s`.
    pub(super) fn sentence(&self) -> String {
        let seconds = format!("{}.{} s", self.ran_ms / 1000, self.ran_ms % 1000 / 100);
        match (&self.error, self.code, self.signal) {
            (Some(error), _, _) => format!("did not start: {error}"),
            (None, Some(code), _) => format!("exited with status {code} after {seconds}"),
            (None, None, Some(signal)) => format!("was ended by signal {signal} after {seconds}"),
            (None, None, None) => format!("ended after {seconds}"),
        }
    }

    /// Whether it ended well.
    pub(super) fn is_good(&self) -> bool {
        self.code == Some(0) && self.error.is_none()
    }
}

/// Replaces a file that only the owner may read.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let written = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            fs::rename(&temporary, path)
        });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes a folder and its parents that only the owner may enter.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    path.with_file_name(name)
}
