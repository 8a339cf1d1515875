//! The proxy's process: started once, in a session of its own, and left alone. It outlives every controller.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use windlass_engine::controller::Handle;
use windlass_proxy::client::Client;

use crate::place::Place;

/// How long a proxy may take until it answers.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to end: requests in flight end first.
const END_WITHIN: Duration = Duration::from_secs(15);
/// From look to look.
const LOOK: Duration = Duration::from_millis(20);

/// From look to look at whether a running proxy still answers.
const WATCH: Duration = Duration::from_secs(1);

/// Starts the proxy of a platform whenever none answers, for as long as the controller runs.
pub(super) async fn keep(place: Place, controller: Handle) {
    let client = Client::new(place.socket());
    loop {
        tokio::time::sleep(WATCH).await;
        if client.status().await.is_ok() {
            continue;
        }
        tracing::error!("the proxy does not answer; starting it");
        match ensure(&place).await {
            Ok(()) => controller.proxy_came_back().await,
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// Starts the proxy of a platform if none answers. It takes a session of its own, and holds on to its tables. One that
/// runs another program than this is followed by this one, which takes over its sockets.
pub(super) async fn ensure(place: &Place) -> Result<()> {
    let client = Client::new(place.socket());
    let program = std::env::current_exe().context("the path of this program is not known")?;
    if let Ok(status) = client.status().await {
        if runs(status.pid, &program) {
            return Ok(());
        }
        match client.upgrade(&program).await {
            Ok(upgraded) => tracing::info!(pid = upgraded.pid, "the proxy runs this program now"),
            // It serves as it did.
            Err(error) => tracing::warn!("the proxy keeps its older program: {error}"),
        }
        return Ok(());
    }
    let folder = folder(place);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = place.state.join("proxy.log");
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let too = log.try_clone().context("the proxy's log cannot be shared")?;
    let mut child = Command::new(program)
        .arg("proxy")
        .arg("--state")
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(too)
        .spawn()
        .context("the proxy cannot be started")?;
    let began = Instant::now();
    while client.status().await.is_err() {
        let ended = child.try_wait().context("the proxy cannot be waited for")?;
        if let Some(status) = ended {
            bail!(
                "the proxy ended at once ({status})\nhint: its log is {}",
                path.display()
            );
        }
        if began.elapsed() > START_WITHIN {
            bail!(
                "the proxy does not answer after {} s\nhint: its log is {}",
                START_WITHIN.as_secs(),
                path.display()
            );
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Whether a process runs this very file: not one that was at its place before. Where that cannot be seen, it is taken to.
fn runs(pid: u32, program: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    let running = file(Path::new(&format!("/proc/{pid}/exe")));
    running.map_or(true, |running| file(program).is_ok_and(|own| own == running))
}

/// Has the proxy end, if there is one, and waits for it.
pub(super) async fn end(place: &Place) {
    let client = Client::new(place.socket());
    if client.shutdown().await.is_err() {
        return;
    }
    let began = Instant::now();
    while client.status().await.is_ok() && began.elapsed() < END_WITHIN {
        tokio::time::sleep(LOOK).await;
    }
}

/// Where the proxy keeps its tables and its socket.
fn folder(place: &Place) -> PathBuf {
    let socket = place.socket();
    socket.parent().map(PathBuf::from).unwrap_or(socket)
}
