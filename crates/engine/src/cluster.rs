//! The port to a Kubernetes cluster: what the engine needs of one environment's place there. It does not know how a cluster
//! is spoken to; whoever puts the program together brings an implementation.

pub(crate) mod check;
pub(crate) mod follow;
pub(crate) mod judge;
pub(crate) mod parts;
pub(crate) mod retry;
pub(crate) mod step;
pub(crate) mod switch;
mod trouble;
mod wait;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use windlass_core::health::{Health, Scripts};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;

use crate::local::{JobOutcome, LogLine, WorkloadState};

pub use trouble::Trouble;

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One environment's place on a cluster. Everything may be asked again after a crash and then leads to the same. Errors
/// are for people: the thing, the cause and a hint.
pub trait Cluster: Send + Sync {
    /// Connects and begins to watch; at once when that is done already.
    fn open(&self) -> Later<'_, Result<(), Trouble>>;
    /// Has the server judge the objects without changing anything.
    fn check(&self, objects: Vec<Object>) -> Later<'_, Result<(), Trouble>>;
    /// Whether scripts of health can be run: all that cannot are named.
    fn check_scripts(&self, scripts: &Scripts) -> Result<(), String>;
    /// Has objects judged by these scripts from now on, those that are there too. At once when they are in force already.
    fn judge(&self, scripts: Scripts) -> Later<'_, Result<(), Trouble>>;
    /// Makes the objects be as given. Answers with what was left to others: `Deployment/cart: kubectl-edit decided about ...`.
    fn apply(&self, objects: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>>;
    /// The same, whoever decided otherwise: the switch.
    fn take(&self, objects: Vec<Object>) -> Later<'_, Result<(), Trouble>>;
    /// Runs a Job to its end, unless it ended well before.
    fn run_job(&self, job: Object) -> Later<'_, Result<JobOutcome, Trouble>>;
    /// Takes a track's own objects away and waits for that, but not longer than `within`.
    fn remove_track(&self, color: Color, within: Duration) -> Later<'_, Result<(), Trouble>>;
    /// Reads a Service anew, for what must not be decided by what watches told.
    fn look_again(&self, service: String) -> Later<'_, Result<(), Trouble>>;
    /// Deletes what the environment has, on no track or on `track`, that is not among `keep`.
    fn prune(&self, track: Color, keep: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>>;
    /// Ends the connections that the pods of a Service hold.
    fn end_connections(&self, service: String) -> Later<'_, Result<(), Trouble>>;
    /// What is there, as watches told last.
    fn look(&self) -> Seen;
    /// The last lines of a workload.
    fn logs(&self, workload: String, lines: usize) -> Later<'_, Vec<LogLine>>;
    /// Has all watches begin anew: they have been silent while something was to happen.
    fn listen_again(&self);
    /// Ticks with every change of what `look` gives.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// What is there of an environment.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// By track.
    pub tracks: BTreeMap<Color, SeenTrack>,
    /// Workloads that both tracks share.
    pub shared: Vec<WorkloadState>,
    /// What scripts say of objects that both tracks share.
    pub shared_judged: Vec<Judged>,
    /// By the Services' names.
    pub ways: BTreeMap<String, Way>,
    /// Whether the cluster cannot be heard: all of this is as it was before.
    pub deaf: bool,
}

/// One track.
#[derive(Debug, Clone, Default)]
pub struct SeenTrack {
    /// Its own workloads.
    pub workloads: Vec<WorkloadState>,
    /// What scripts say of its own objects.
    pub judged: Vec<Judged>,
    /// Why it will not become ready, if that is certain.
    pub hopeless: Option<String>,
}

/// An object that a script judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// `Certificate/shop`.
    pub object: String,
    /// What the script says.
    pub health: Health,
}

/// Where a Service leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Its address inside of the cluster.
    pub address: Option<String>,
    /// The track that its selector names.
    pub leads_to: Option<Color>,
    /// Who changed that since Windlass did: `kubectl-patch`.
    pub changed_by: Option<String>,
    /// Addresses that get new connections, by track; `None` for pods of no track.
    pub ready: BTreeMap<Option<Color>, usize>,
}

/// The environments that are on clusters.
#[derive(Clone, Default)]
pub struct Clusters {
    lanes: BTreeMap<String, Arc<Lane>>,
}

/// One of them, with what keeps its steps apart.
pub(crate) struct Lane {
    pub(crate) cluster: Arc<dyn Cluster>,
    /// Held by whoever changes where customers are led.
    pub(crate) switching: tokio::sync::Mutex<()>,
    /// What was left to others, as said last.
    overrides: Mutex<BTreeMap<&'static str, Vec<String>>>,
    /// The release by whose scripts objects are judged.
    judged_by: tokio::sync::Mutex<Option<String>>,
}

impl Clusters {
    /// Puts an environment on a cluster.
    pub fn add(&mut self, environment: &str, cluster: Arc<dyn Cluster>) {
        let lane = Lane {
            cluster,
            switching: tokio::sync::Mutex::default(),
            overrides: Mutex::default(),
            judged_by: tokio::sync::Mutex::default(),
        };
        self.lanes.insert(environment.to_owned(), Arc::new(lane));
    }

    pub(crate) fn get(&self, environment: &str) -> Option<&Arc<Lane>> {
        self.lanes.get(environment)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.lanes.keys()
    }
}

impl Lane {
    /// Takes what one kind of apply left to others; gives all of it, in one sentence, if there is any.
    pub(crate) fn note(&self, about: &'static str, overrides: Vec<String>) -> Option<String> {
        let mut all = self.overrides.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(about, overrides);
        let mut listed: Vec<&str> = all.values().flatten().map(String::as_str).collect();
        listed.sort_unstable();
        listed.dedup();
        (!listed.is_empty()).then(|| format!("left as others decided: {}", listed.join("; ")))
    }
}

impl std::fmt::Debug for Clusters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.lanes.keys()).finish()
    }
}
