//! What actions work with: the runtime, the router, the sources, the shelf of objects, and the way back to the loop.

mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};
use windlass_core::config::{Config, Environment, Source};
use windlass_core::machine::event::{Color, Event};
use windlass_core::machine::release::Release;
use windlass_core::machine::{State, view};
use windlass_core::object::Object;

use crate::build::Builder;
use crate::clock::now_ms;
use crate::cluster::Clusters;
use crate::controller::{Message, Options, Published};
use crate::ledger::Ledger;
use crate::local::{LocalRuntime, LogLine, Scope, WorkloadState};
use crate::routing::Router;
use crate::shelf::Shelf;
use crate::source::mirror;

pub(crate) use traffic::Traffic;

/// Everything that a controller holds on to.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) ledger: Ledger,
    pub(crate) runtime: LocalRuntime,
    /// Environments that do not run on this machine.
    pub(crate) clusters: Clusters,
    pub(crate) builder: Builder,
    pub(crate) router: Router,
    pub(crate) shelf: Shelf,
    pub(crate) inbox: mpsc::Sender<Message>,
    pub(crate) published: Published,
    /// Somebody pushed.
    pub(crate) poke: Notify,
    pub(crate) traffic: Traffic,
    /// The newest turn of each environment: work for an older one may end.
    turns: Mutex<BTreeMap<String, u64>>,
    /// Environments whose rollout is given up: work for it may end.
    given_up: Mutex<BTreeSet<String>>,
    /// Held by whoever starts or stops instances of an environment.
    changing: BTreeMap<String, tokio::sync::Mutex<()>>,
    /// What is wrong with the surroundings, by source.
    warnings: Mutex<BTreeMap<String, String>>,
}

/// What a world is made of.
pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) ledger: Ledger,
    pub(crate) runtime: LocalRuntime,
    pub(crate) clusters: Clusters,
    pub(crate) builder: Builder,
    pub(crate) router: Router,
    pub(crate) inbox: mpsc::Sender<Message>,
}

impl World {
    pub(crate) fn new(parts: Parts) -> Self {
        let shelf = Shelf::new(parts.options.state.join("desired"));
        let environments = parts.options.config.environments.iter();
        let changing = environments
            .map(|one| (one.name.clone(), tokio::sync::Mutex::default()))
            .collect();
        Self {
            changing,
            options: parts.options,
            ledger: parts.ledger,
            runtime: parts.runtime,
            clusters: parts.clusters,
            builder: parts.builder,
            router: parts.router,
            shelf,
            inbox: parts.inbox,
            published: Published::default(),
            poke: Notify::new(),
            traffic: Traffic::default(),
            turns: Mutex::default(),
            given_up: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Tells the loop what happened. It is gone only when the controller ends.
    pub(crate) async fn tell(&self, event: Event, answers: Option<(u64, u32)>) {
        let _ = self.inbox.send(Message::Happened { event, answers }).await;
    }

    pub(crate) fn environment(&self, name: &str) -> Option<&Environment> {
        self.options.config.environment(name)
    }

    /// The configuration that a release brought along; the one that the controller was started with for a release that was
    /// never planned here.
    pub(crate) fn config_of(&self, environment: &str, release: &str) -> Config {
        let own = self.shelf.config(environment, release);
        own.unwrap_or_else(|| self.options.config.clone())
    }

    /// What a release brought along for an environment.
    pub(crate) fn settings_of(&self, environment: &str, release: &str) -> Option<Environment> {
        let own = self
            .config_of(environment, release)
            .environment(environment)
            .cloned();
        own.or_else(|| self.environment(environment).cloned())
    }

    /// The repository that an environment follows: on this machine, or the copy of one that is elsewhere.
    pub(crate) fn repository_of(&self, environment: &Environment) -> PathBuf {
        let own = named(environment).map(|repository| {
            if mirror::is_remote(repository) {
                mirror::place(&self.options.state, repository)
            } else {
                self.options.root.join(repository)
            }
        });
        own.or_else(|| self.options.repository.clone())
            .unwrap_or_else(|| self.options.root.clone())
    }

    /// The addresses of the repositories that are elsewhere, each once.
    pub(crate) fn remotes(&self) -> BTreeSet<String> {
        let environments = self.options.config.environments.iter();
        let remote = environments
            .filter_map(named)
            .filter(|name| mirror::is_remote(name));
        remote.map(str::to_owned).collect()
    }

    /// The repository that builds of a branch are made from.
    pub(crate) fn repository_of_branch(&self, branch: &str) -> PathBuf {
        let follower = self
            .options
            .config
            .environments
            .iter()
            .find(|environment| environment.branch() == Some(branch));
        follower.map_or_else(
            || {
                self.options
                    .repository
                    .clone()
                    .unwrap_or_else(|| self.options.root.clone())
            },
            |environment| self.repository_of(environment),
        )
    }

    /// A release by its name.
    pub(crate) fn release(&self, id: &str) -> Option<Release> {
        let view = self.published.view();
        let found = view.releases.iter().find(|known| known.release.id == id)?;
        Some(found.release.clone())
    }

    /// The release that serves in an environment.
    pub(crate) fn live(&self, environment: &str) -> Option<String> {
        let view = self.published.view();
        let lane = view.environments.iter().find(|lane| lane.name == environment)?;
        Some(lane.live.as_ref()?.release.clone())
    }

    /// The release that is being rolled out in an environment.
    pub(crate) fn rolled_out(&self, environment: &str) -> Option<String> {
        let view = self.published.view();
        let lane = view.environments.iter().find(|lane| lane.name == environment)?;
        Some(lane.rollout.as_ref()?.release.clone())
    }

    /// The objects of a release in an environment, as they were rendered when its plan was made.
    pub(crate) async fn objects(&self, environment: &str, release: &str) -> Option<Vec<Object>> {
        self.shelf.get(&self.ledger, environment, release).await
    }

    /// A newer turn makes work for older ones pointless.
    pub(crate) fn begin_turn(&self, environment: &str, turn: u64) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = turns.entry(environment.to_owned()).or_default();
        *newest = turn.max(*newest);
    }

    pub(crate) fn is_current(&self, environment: &str, turn: u64) -> bool {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.get(environment).is_none_or(|newest| *newest <= turn)
    }

    /// Whether the work for a turn is still wanted: nothing newer was asked for, and its rollout is not given up.
    pub(crate) fn is_wanted(&self, environment: &str, turn: u64) -> bool {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_current(environment, turn) && !given_up.contains(environment)
    }

    /// Waits for the turn to start or stop instances of an environment.
    pub(crate) async fn changing(&self, environment: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        Some(self.changing.get(environment)?.lock().await)
    }

    /// Says, or no longer says, what is wrong with something.
    pub(crate) fn warn(&self, about: &str, warning: Option<String>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        match warning {
            Some(text) => {
                if warnings.get(about) != Some(&text) {
                    tracing::warn!(about, "{text}");
                }
                warnings.insert(about.to_owned(), text);
            }
            None => {
                warnings.remove(about);
            }
        }
    }

    /// Shows the state, with what only the running controller knows.
    pub(crate) fn publish(&self, state: &State, seq: u64) {
        let mut shown = view(state, now_ms());
        *self.given_up.lock().unwrap_or_else(PoisonError::into_inner) = state.given_up();
        shown.platform.clone_from(&self.options.config.platform);
        shown.seq = seq;
        shown.isolation = self.runtime.isolation().to_string();
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        shown.warnings.extend(warnings.values().cloned());
        drop(warnings);
        for lane in &mut shown.environments {
            for track in &mut lane.tracks {
                track.traffic = self.traffic.of(&lane.name, track.track);
            }
            let previews = lane.rollout.as_ref().map(|rollout| rollout.track);
            lane.preview_url = previews
                .and_then(|track| self.router.preview(&lane.name, track))
                .map(|address| format!("http://{address}"));
        }
        self.published.show(shown);
    }

    /// The instances of every track of an environment: track, and what the runtime knows of each workload on it.
    pub(crate) async fn instances(&self, environment: &str) -> Option<Vec<(Color, WorkloadState)>> {
        self.environment(environment)?;
        let mut found = Vec::new();
        if let Some(lane) = self.clusters.get(environment) {
            for (color, track) in lane.cluster.look().tracks {
                found.extend(track.workloads.into_iter().map(|workload| (color, workload)));
            }
            return Some(found);
        }
        for color in [Color::Blue, Color::Green] {
            let observed = self.runtime.observe(&scope(environment, color)).await;
            found.extend(observed.workloads.into_iter().map(|workload| (color, workload)));
        }
        Some(found)
    }

    pub(crate) async fn logs(&self, environment: &str, service: &str, lines: usize) -> Option<Vec<LogLine>> {
        self.environment(environment)?;
        let mut found = Vec::new();
        for color in [Color::Blue, Color::Green] {
            let scope = scope(environment, color);
            for name in [
                service.to_owned(),
                windlass_core::track::coloured_name(service, color),
            ] {
                if let Some(lane) = self.clusters.get(environment) {
                    found.extend(lane.cluster.logs(name, lines).await);
                } else {
                    found.extend(self.runtime.logs(&scope, Some(&name), lines));
                }
            }
        }
        Some(found)
    }
}

/// What windlass.yaml calls the repository of an environment, if it names one.
pub(crate) fn named(environment: &Environment) -> Option<&str> {
    match &environment.source {
        Source::Branch { repository, .. } => repository.as_deref(),
        Source::Worktree(_) => None,
    }
}

/// The local runtime's word for a track.
pub(crate) fn scope(environment: &str, color: Color) -> Scope {
    Scope {
        environment: environment.to_owned(),
        track: color.name().to_owned(),
    }
}
