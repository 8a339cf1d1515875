//! Real servers, and a real browser, for tests and measurements: each starts on a free port of this machine, with its data in a folder that goes
//! away with it, and can be killed and started again.
//!
//! `None` means that the program is not installed. That is said on standard error, and with `CI=true` it is a failure.

mod cached;
mod chromium;
mod ferretdb;
mod pgbouncer;
mod postgres;
mod redis;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use self::cached::{Cached, SCHEMATHESIS};
pub use self::chromium::{Chromium, Page, Scripts};
pub use self::ferretdb::FerretDb;
pub use self::pgbouncer::PgBouncer;
pub use self::postgres::{Durable, Postgres};
pub use self::redis::Redis;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);

/// What went wrong with a server.
pub type Result<T> = std::result::Result<T, String>;

/// Finds a program, or says that it is missing.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
pub fn program(name: &str, package: &str) -> Result<Option<PathBuf>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push(PathBuf::from("/usr/sbin"));
    // Debian keeps PostgreSQL's programs of each version apart.
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    versions.reverse();
    folders.splice(0..0, versions);
    let found = folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err(format!(
                "{name} is not installed, and with CI=true no test is left out\nhint: apt-get install {package}"
            ));
        }
        eprintln!("left out: {name} is not installed ({package})");
    }
    Ok(found)
}

/// A port that is free: below the range of outgoing connections, and not given twice.
fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    std::iter::repeat_with(|| first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 10_000)
        .filter_map(|offset| u16::try_from(10_000 + offset).ok())
        .take(10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| "no port from 10000 to 19999 is free".to_owned())
}

fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|cause| format!("a folder for data: {cause}"))
}

/// Waits until `answers` does.
fn wait(what: &str, answers: impl Fn() -> bool) -> Result<()> {
    let began = Instant::now();
    while !answers() {
        if began.elapsed() > START_MAX {
            return Err(format!("{what} does not start within {} s", START_MAX.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(())
}

/// Whether somebody listens there.
fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// The user that runs a server that refuses to run as root; `None` where nobody has to be another one.
fn other_user(name: &str) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))
        .filter(|_| root)?;
    line.split(':').nth(2)?.parse().ok()
}

fn give(path: &Path, user: Option<u32>) -> Result<()> {
    match user {
        Some(_) => {
            std::os::unix::fs::chown(path, user, None).map_err(|cause| format!("{}: {cause}", path.display()))
        }
        None => Ok(()),
    }
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
