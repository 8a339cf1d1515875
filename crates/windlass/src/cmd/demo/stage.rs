//! The demo's own world: a state folder, a repository, a controller as a child process, customers. Knows no script.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;
use windlass_core::machine::event::Wish;
use windlass_core::view::{EnvironmentView, View};
use windlass_server::Command;

use super::load::Load;
use super::proof;
use super::repository::Repository;
use super::script::{PRODUCTION_PORT, SHORTER, STAGING_PORT};
use super::witness::Witness;
use crate::client::Client;
use crate::cmd::{down, up, wait_for};
use crate::place::{CONFIG, Place};
use crate::say::{Say, Tone};
use crate::wire;

/// From look to look at what the controller does.
const LOOK: Duration = Duration::from_millis(40);
/// The same while a switch is to be caught in its middle.
const QUICK_LOOK: Duration = Duration::from_millis(5);
/// Where customers of production are.
pub(super) const PRODUCTION: &str = "production";
/// Where releases prove themselves first.
pub(super) const STAGING: &str = "staging";

/// What becomes of the demo's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It stays, so that one can look for the cause.
    Always,
    /// It goes unless the user named it.
    IfNamed,
}

/// Something that happened, for the report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Moment {
    /// Milliseconds since the demo began.
    pub(super) after_ms: u64,
    /// What.
    pub(super) what: String,
}

/// The demo's world.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) say: Say,
    pub(super) place: Place,
    pub(super) repository: Repository,
    pub(super) timeline: Vec<Moment>,
    /// How often the controller was killed.
    pub(super) kills: u32,
    /// Since the first release was built.
    pub(super) built: Option<Instant>,
    pub(super) load: Option<Load>,
    phase: String,
    /// Whether a switch is to be caught.
    pub(super) quick: bool,
    pub(super) witness: Option<Witness>,
    pub(super) loader: PathBuf,
    /// The customers' address of production.
    pub(super) customers: SocketAddr,
    client: Client,
    controller: Child,
    listen: SocketAddr,
    folder: PathBuf,
    own_folder: bool,
    rate: u32,
    began: Instant,
}

impl Stage {
    /// Makes folder and repository and starts the controller.
    pub(super) fn open(say: Say, checkout: &Path, state: Option<&Path>, rate: u32) -> Result<Self> {
        let began = Instant::now();
        let loader = loader()?;
        let folder = match state {
            Some(state) => std::path::absolute(state).context("the state folder cannot be resolved")?,
            None => std::env::temp_dir().join(format!("windlass-demo-{}", std::process::id())),
        };
        if folder.join("origin.git").exists() {
            bail!(
                "{} holds an earlier demo\nhint: remove it, or name another folder with `--state`",
                folder.display()
            );
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let repository = Repository::create(checkout, &folder)?;
        let [listen, staging, customers] = free_addresses()?;
        configure(&repository, staging.port(), customers.port())?;
        let place = Place::find(Some(&repository.work().join(CONFIG)), Some(&folder.join("state")))?;
        say.progress(format!("Everything of this demo is in {}.", folder.display()));
        end_with_ctrl_c(say, place.clone(), folder.clone());
        let (controller, client) = up::start(&place, listen, Some(repository.origin()))?;
        say.progress(format!(
            "The controller (process {}) watches {}.",
            controller.id(),
            repository.origin().display()
        ));
        say.progress(format!("Release page: {}", up::page(&client)));
        Ok(Self {
            say,
            place,
            repository,
            timeline: Vec::new(),
            kills: 0,
            built: None,
            load: None,
            phase: String::new(),
            quick: false,
            witness: None,
            loader,
            customers,
            client,
            controller,
            listen,
            folder,
            own_folder: state.is_none(),
            rate,
            began,
        })
    }

    /// Says what happens, and keeps it for the report.
    pub(super) fn tell(&mut self, what: impl Into<String>) {
        let what = what.into();
        let after = self.began.elapsed();
        self.say.progress(format!(
            "{} {what}",
            self.say
                .tone(Tone::Faint, format!("{:7.2} s", after.as_secs_f64()))
        ));
        self.timeline.push(Moment {
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            what,
        });
    }

    /// A new act begins: everything sent from now on is counted for it.
    pub(super) fn phase(&mut self, name: &str) {
        name.clone_into(&mut self.phase);
        if let Some(load) = &mut self.load {
            load.mark(name);
        }
    }

    /// Lets customers in.
    pub(super) fn let_customers_in(&mut self) -> Result<()> {
        let mut load = Load::start(&self.loader, self.customers, self.rate, &self.acknowledged())?;
        load.mark(&self.phase);
        self.load = Some(load);
        self.witness = Some(Witness::start(self.customers));
        self.tell(format!(
            "customers come in: {} requests a second through http://{}, and {} connections that only ask who answers",
            self.rate,
            self.customers,
            Witness::connections()
        ));
        Ok(())
    }

    /// Pokes the controller as a Git host's webhook would.
    pub(super) fn poke(&self) {
        // Without it the controller finds the push by itself, a little later.
        let _ = self.client.poke();
    }

    /// A person asks for something.
    pub(super) fn ask(&self, actor: &str, comment: &str, wish: Wish) -> Result<u64> {
        self.client.ask(&Command {
            environment: PRODUCTION.to_owned(),
            actor: actor.to_owned(),
            comment: comment.to_owned(),
            wish,
        })
    }

    /// Looks at an environment until `found` sees what it looks for; `None` when the time is over.
    pub(super) fn until<T>(
        &mut self,
        environment: &str,
        timeout: Duration,
        mut found: impl FnMut(&mut Self, &View, &EnvironmentView) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let began = Instant::now();
        while began.elapsed() < timeout {
            // No answer: the controller is being started again.
            if let Ok(view) = self.client.view()
                && let Some(seen) = view.environments.iter().find(|seen| seen.name == environment)
                && let Some(answer) = found(self, &view, seen)?
            {
                return Ok(Some(answer));
            }
            if let Ok(Some(status)) = self.controller.try_wait() {
                bail!(
                    "the controller ended by itself ({status})\nhint: its log is {}",
                    self.log().display()
                );
            }
            std::thread::sleep(if self.quick { QUICK_LOOK } else { LOOK });
        }
        Ok(None)
    }

    /// SIGKILL: no chance to tidy up. Then a new one on the same state.
    pub(super) fn kill_controller(&mut self) -> Result<()> {
        let killed = self.controller.id();
        self.controller
            .kill()
            .context("the controller cannot be killed")?;
        self.controller
            .wait()
            .context("the controller cannot be waited for")?;
        self.kills += 1;
        self.tell(format!(
            "the controller (process {killed}) is killed with SIGKILL; customers are still served"
        ));
        let down = Instant::now();
        (self.controller, self.client) = up::start(&self.place, self.listen, Some(self.repository.origin()))?;
        self.tell(format!(
            "a new controller (process {}) took over after {} ms and goes on where the ledger ends",
            self.controller.id(),
            down.elapsed().as_millis()
        ));
        Ok(())
    }

    /// Where the orders are listed that were answered as paid.
    pub(super) fn acknowledged(&self) -> PathBuf {
        self.folder.join("acknowledged")
    }

    /// What the services behind production prove about their data.
    pub(super) fn proof(&self) -> Result<Value> {
        let view = self.client.view()?;
        let production = view.environments.iter().find(|seen| seen.name == PRODUCTION);
        let live = production
            .and_then(|seen| seen.live.as_ref())
            .context("nothing serves in production")?;
        let workloads = self
            .client
            .get(&format!("/api/v1/environments/{PRODUCTION}/workloads"))?
            .body;
        proof::settled(&self.loader, &workloads, live.track.name(), &self.acknowledged())
    }

    /// The controller's log.
    pub(super) fn log(&self) -> PathBuf {
        self.place.state.join("controller.log")
    }

    /// Keeps everything running until Ctrl-C.
    pub(super) fn keep(&self) -> ! {
        let work = self.repository.work().display().to_string();
        self.say.progress(format!(
            "Everything keeps running. Shop: http://{}  Release page: {}",
            self.customers,
            up::page(&self.client)
        ));
        self.say.progress(format!(
            "Push to it: cd {work} && git commit -am \"...\" && git push origin HEAD:develop"
        ));
        self.say.progress(format!(
            "Ask it: windlass --config {} --state {} status",
            self.place.config().display(),
            self.place.state.display()
        ));
        self.say.progress("Ctrl-C ends it.");
        loop {
            std::thread::park();
        }
    }

    /// Ends everything.
    pub(super) fn close(mut self, kept: Kept) -> Result<()> {
        if let Some(load) = self.load.take() {
            let _ = load.end();
        }
        if let Some(witness) = self.witness.take() {
            witness.end();
        }
        stop(&self.place)?;
        let _ = self.controller.wait();
        if kept == Kept::IfNamed && self.own_folder {
            let _ = std::fs::remove_dir_all(&self.folder);
        } else {
            self.say.progress(format!(
                "State, logs and repository stay in {}.",
                self.folder.display()
            ));
        }
        Ok(())
    }
}

fn stop(place: &Place) -> Result<()> {
    down::stop_controller(place)?;
    wait_for(wire::stop_all(place))
}

/// A demo that is interrupted leaves nothing running.
#[expect(clippy::exit, reason = "the interrupted thread cannot be unwound from here")]
fn end_with_ctrl_c(say: Say, place: Place, folder: PathBuf) {
    std::thread::spawn(move || {
        let asked = wait_for(async { Ok(tokio::signal::ctrl_c().await?) });
        if asked.is_ok() {
            say.progress("Ending everything.");
            if let Err(error) = stop(&place) {
                say.error(&error);
            }
            say.progress(format!(
                "State, logs and repository stay in {}.",
                folder.display()
            ));
            std::process::exit(130);
        }
    });
}

/// The load generator is built together with this program.
fn loader() -> Result<PathBuf> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let loader = program.with_file_name("shopload");
    if !loader.is_file() {
        bail!(
            "the load generator is not beside {}\nhint: `./windlass demo` builds both",
            program.display()
        );
    }
    Ok(loader)
}

/// Addresses of this machine that nobody uses now.
fn free_addresses() -> Result<[SocketAddr; 3]> {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free");
    let taken = [free()?, free()?, free()?];
    let address = |listener: &TcpListener| listener.local_addr().context("a port has no address");
    Ok([address(&taken[0])?, address(&taken[1])?, address(&taken[2])?])
}

/// Shortens what takes long in earnest: watch windows, and how long an instance may take until it is ready.
fn configure(repository: &Repository, staging: u16, production: u16) -> Result<()> {
    repository.remove_lines(CONFIG, |line| line.trim_start().starts_with("development:"))?;
    repository.edit(CONFIG, STAGING_PORT, &format!("port: {staging}"))?;
    repository.edit(CONFIG, PRODUCTION_PORT, &format!("port: {production}"))?;
    for (path, from, to) in SHORTER {
        repository.edit(path, from, to)?;
    }
    Ok(())
}
