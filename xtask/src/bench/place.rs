//! Our proxy as a process for a benchmark, and on which cores things run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use windlass_proxy::client::Client;
use windlass_proxy::table::{Audience, Limits, Listener, Probe, Service, Table, Target, Timeouts, Track};

/// A running proxy; killed when dropped.
pub(super) struct Ours {
    pub(super) client: Client,
    process: Child,
    _state: tempfile::TempDir,
}

impl Ours {
    pub(super) async fn start(workers: usize) -> Result<Self, String> {
        let state = tempfile::tempdir().map_err(|error| error.to_string())?;
        let process = Command::new(program()?)
            .arg("--state")
            .arg(state.path())
            .args(["--workers", &workers.to_string()])
            .spawn()
            .map_err(|error| format!("starting the proxy: {error}"))?;
        let client = Client::new(state.path().join("control.sock"));
        let ours = Self {
            client,
            process,
            _state: state,
        };
        for _ in 0..500 {
            if ours.client.status().await.is_ok() {
                return Ok(ours);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("the proxy does not answer".to_owned())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The proxy's program is built beside this one.
fn program() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.with_file_name("windlass-proxy"))
}

/// A table with one listener for customers and the tracks blue and green.
pub(super) fn table(generation: u64, blue: (u32, &[SocketAddr]), green: (u32, &[SocketAddr])) -> Table {
    let track = |name: &str, (weight, targets): (u32, &[SocketAddr])| Track {
        name: name.to_owned(),
        weight,
        targets: targets
            .iter()
            .map(|address| Target {
                address: *address,
                health_path: None,
            })
            .collect(),
    };
    Table {
        name: "bench".to_owned(),
        generation,
        listeners: vec![Listener {
            name: "web".to_owned(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            service: "shop".to_owned(),
            track: None,
            audience: Audience::Customers,
            override_header: None,
        }],
        services: vec![Service {
            name: "shop".to_owned(),
            tracks: vec![track("blue", blue), track("green", green)],
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            probe: Probe::default(),
        }],
    }
}

/// Does something with this thread, and the processes that it starts, on one core.
pub(super) fn on_core<T>(core: usize, work: impl FnOnce() -> T) -> Result<T, String> {
    let own = Pid::from_raw(0);
    let before = nix::sched::sched_getaffinity(own).map_err(|error| error.to_string())?;
    let mut one = CpuSet::new();
    one.set(core).map_err(|error| error.to_string())?;
    sched_setaffinity(own, &one).map_err(|error| format!("core {core}: {error}"))?;
    let outcome = work();
    sched_setaffinity(own, &before).map_err(|error| error.to_string())?;
    Ok(outcome)
}

/// Processor time of a process and its children that ended, in seconds.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    // Hundredths of a second: USER_HZ is 100 on every Linux in use.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / 100.0
}
