//! Brings a controller up: opens the ledger, replays it, takes over what runs, and starts to look at the world.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use windlass_core::config::Config;
use windlass_core::machine::event::Event;
use windlass_core::machine::{State, step};
use windlass_proxy::client::Client;

use super::{Controller, INBOX_MAX, to_json};
use crate::build::{self, Builder};
use crate::clock::now_ms;
use crate::cluster::{self, Clusters};
use crate::ledger::{Entry, Ledger, LedgerError};
use crate::local::{LocalError, LocalRuntime};
use crate::routing::Router;
use crate::world::{Parts, World};
use crate::{heal, local, observe, sources};

/// Records read at once while the ledger is replayed.
const PAGE: u32 = 1_000;

/// What a controller works with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of windlass.yaml.
    pub root: PathBuf,
    /// Folder of ledger, instances and routes.
    pub state: PathBuf,
    /// Folder of what can be made again: images, checkouts, compiled code.
    pub cache: PathBuf,
    /// The configuration.
    pub config: Config,
    /// The repository whose branches are followed; `None` for the one that holds the configuration.
    pub repository: Option<PathBuf>,
    /// Cargo's target folder for builds; `None` for one in the cache.
    pub target: Option<PathBuf>,
    /// The proxy's control socket.
    pub proxy: PathBuf,
    /// The program and the arguments that lead to `local::sandbox::main`; `None` for this program's `sandbox`.
    pub helper: Option<(PathBuf, Vec<String>)>,
}

/// A controller could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The local runtime.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// An event that this program does not know.
    #[error(
        "event {seq} of the ledger is not understood: {source}\nhint: it was written by another version of windlass; run that version, or start with an empty `--state`"
    )]
    Event {
        /// Which.
        seq: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Controller {
    /// Makes this the one controller of the state folder. Fails when another one works on it, and when the ledger is not what
    /// was written: nothing is decided from that.
    pub async fn lock(options: &Options) -> Result<Ledger, ControllerError> {
        let ledger = Ledger::open(&options.state).await?;
        ledger.verify().await?;
        Ok(ledger)
    }

    /// Replays the ledger, takes over what runs, and begins to look at sources and instances.
    pub async fn open(options: Options, ledger: Ledger) -> Result<Self, ControllerError> {
        Self::open_with(options, ledger, Clusters::default()).await
    }

    /// The same, with the environments that are on clusters.
    pub async fn open_with(
        options: Options,
        ledger: Ledger,
        clusters: Clusters,
    ) -> Result<Self, ControllerError> {
        let state = replay(&ledger).await?;
        let layout = options.cache.join("images");
        let mut local = local::Options::new(options.state.join("local"), layout.clone());
        if let Some((helper, entry)) = options.helper.clone() {
            (local.helper, local.helper_entry) = (helper, entry);
        }
        let runtime = LocalRuntime::new(local).await?;
        let builder = Builder::new(build::Options {
            cache: options.cache.join("build"),
            layout,
            target: options.target.clone(),
            main_branch: "main".to_owned(),
            on_line: None,
        });
        let router = Router::open(
            Client::new(&options.proxy),
            options.state.join("routes"),
            &options.config,
        );
        let (inbox, receiver) = mpsc::channel(INBOX_MAX);
        let world = Arc::new(World::new(Parts {
            options,
            ledger,
            runtime,
            clusters,
            builder,
            router,
            inbox,
        }));
        for (scope, resumed) in world.runtime.resume().await {
            if let Err(error) = resumed {
                let about = format!("{} {}", scope.environment, scope.track);
                world.warn(&about, Some(format!("{about} cannot be taken over: {error}")));
            }
        }
        let mut controller = Self {
            world,
            state,
            inbox: receiver,
        };
        controller.configure().await;
        controller.publish().await;
        controller.world.router.resume(&controller.world.runtime).await;
        tokio::spawn(observe::run(Arc::clone(&controller.world)));
        let heads = controller.state.heads();
        tokio::spawn(sources::run(Arc::clone(&controller.world), heads));
        let world = Arc::clone(&controller.world);
        tokio::spawn(async move { heal::heal(&world).await });
        controller.follow_clusters();
        Ok(controller)
    }

    fn follow_clusters(&self) {
        for name in self.world.clusters.names() {
            if let Some(lane) = self.world.clusters.get(name) {
                let world = Arc::clone(&self.world);
                tokio::spawn(cluster::follow::run(world, name.clone(), Arc::clone(lane)));
            }
        }
    }

    /// Writes the configuration into the ledger if it is not the one in force.
    async fn configure(&mut self) {
        let event = Event::Configured {
            environments: self.world.options.config.environments.clone(),
        };
        let at_ms = now_ms();
        let (next, actions) = step(&self.state, &event, at_ms);
        if next != self.state {
            let listed: Vec<String> = actions.iter().map(to_json).collect();
            let text = to_json(&event);
            let entry = Entry {
                at_ms,
                event: &text,
                actions: &listed,
                ..Entry::default()
            };
            // The actions are in the outbox, from where `run` sends them.
            super::append(&self.world, &self.state, &entry).await;
            self.state = next;
        }
    }
}

/// The state that the ledger's events lead to: from the newest snapshot, or from the first event.
async fn replay(ledger: &Ledger) -> Result<State, ControllerError> {
    let snapshot = ledger.snapshot().await?;
    // A snapshot that this version cannot read costs a replay.
    let known = snapshot.and_then(|(seq, text)| Some((seq, serde_json::from_str(&text).ok()?)));
    let (mut seq, mut state): (u64, State) = known.unwrap_or_default();
    loop {
        let records = ledger.after(seq, PAGE).await?;
        let Some(last) = records.last() else {
            return Ok(state);
        };
        seq = last.seq;
        for record in &records {
            let event = serde_json::from_str(&record.event).map_err(|source| ControllerError::Event {
                seq: record.seq,
                source,
            })?;
            // Its actions are in the outbox or done.
            (state, _) = step(&state, &event, record.at_ms);
        }
    }
}
