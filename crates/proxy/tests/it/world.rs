//! A proxy of one test: its process, its state folder, its client, and tables in few words.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tempfile::TempDir;
use windlass_proxy::client::Client;
use windlass_proxy::message::{Applied, Health, Retire};
use windlass_proxy::table::{Audience, Listener, Probe, Service, Table, Target, Track};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_windlass-proxy");
/// Longer than anything here takes, even on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) state: TempDir,
    process: Child,
}

impl World {
    pub(crate) async fn start() -> Self {
        let state = tempfile::tempdir().expect("a folder");
        let process = spawn(state.path());
        let client = Client::new(state.path().join("control.sock"));
        let world = Self {
            client,
            state,
            process,
        };
        world.answers().await;
        world
    }

    /// Kills the process and starts another one in the same folder.
    pub(crate) async fn crash_and_restart(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
        self.process = spawn(self.state.path());
        self.answers().await;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the process has ended by itself; whether with success.
    pub(crate) async fn ends(&mut self) -> bool {
        for _ in 0..2_000 {
            if let Some(status) = self.process.try_wait().expect("a process") {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the process does not end\n{}", self.log());
    }

    pub(crate) async fn apply(&self, table: Table) -> Applied {
        self.client.apply(table, Retire::Polite).await.expect("applied")
    }

    /// Applies and waits until each target has been probed; returns the address of listener `web`.
    pub(crate) async fn serve(&self, table: Table) -> SocketAddr {
        let applied = self.apply(table).await;
        self.probed().await;
        applied.listeners["web"]
    }

    /// Waits until no target is unknown.
    pub(crate) async fn probed(&self) {
        self.until(|health| *health != Health::Unknown).await;
    }

    /// Waits until the health of all targets fits.
    pub(crate) async fn until(&self, fits: impl Fn(&Health) -> bool) {
        for _ in 0..2_000 {
            let status = self.client.status().await.expect("a status");
            let mut targets = status.tables.iter().flat_map(|table| &table.targets);
            if targets.all(|target| fits(&target.health)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "targets do not come to it: {:?}\n{}",
            self.client.status().await,
            self.log()
        );
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.state.path().join("proxy.log")).unwrap_or_default()
    }

    async fn answers(&self) {
        for _ in 0..2_000 {
            if self.client.status().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the proxy does not answer\n{}", self.log());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A successor is no child of ours.
        drop(Reaper(self.state.path().to_owned()));
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Kills the process of a state folder, whoever started it.
pub(crate) struct Reaper(pub(crate) PathBuf);

impl Drop for Reaper {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.0.join("proxy.pid")).ok();
        if let Some(pid) = pid.and_then(|pid| pid.parse().ok()) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
        }
    }
}

fn spawn(state: &Path) -> Child {
    Command::new(PROGRAM)
        .arg("proxy")
        .arg("--state")
        .arg(state)
        .args(["--workers", "2"])
        .env("WINDLASS_PROXY_LOG", "debug")
        .spawn()
        .expect("the proxy starts")
}

/// A table with the listener `web` of customers and the service `shop` with these tracks: name, weight, targets.
pub(crate) fn table(generation: u64, tracks: &[(&str, u32, &[SocketAddr])]) -> Table {
    let track = |(name, weight, targets): &(&str, u32, &[SocketAddr])| Track {
        name: (*name).to_owned(),
        weight: *weight,
        targets: targets
            .iter()
            .map(|address| Target {
                address: *address,
                health_path: None,
            })
            .collect(),
    };
    Table {
        name: "staging".to_owned(),
        generation,
        listeners: vec![listener("web", Audience::Customers, None)],
        services: vec![Service {
            name: "shop".to_owned(),
            tracks: tracks.iter().map(track).collect(),
            timeouts: windlass_proxy::table::Timeouts::default(),
            limits: windlass_proxy::table::Limits::default(),
            probe: Probe {
                interval_ms: 50,
                timeout_ms: 2_000,
                failures: 2,
            },
        }],
    }
}

pub(crate) fn listener(name: &str, audience: Audience, track: Option<&str>) -> Listener {
    Listener {
        name: name.to_owned(),
        bind: "127.0.0.1:0".parse().expect("an address"),
        service: "shop".to_owned(),
        track: track.map(str::to_owned),
        audience,
        override_header: None,
    }
}
