//! The log file: lines of text, two files of limited size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// Size at which the file is set aside, in bytes. With the one before, twice as much is kept.
const BYTES_MAX: u64 = 8 << 20;

/// Writes `proxy.log` in the state folder from now on. `WINDLASS_PROXY_LOG` chooses what (`debug`).
pub(super) fn begin(state: &Path) -> io::Result<()> {
    let path = state.join("proxy.log");
    let file = open(&path)?;
    let bytes = file.metadata()?.len();
    let log = Mutex::new(Log { path, file, bytes });
    let filter = EnvFilter::try_from_env("WINDLASS_PROXY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails if there is a subscriber already, which is then the one to use.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(log)
        .try_init();
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > BYTES_MAX {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = open(&self.path)?;
            self.bytes = 0;
        }
        let written = self.file.write(line)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
