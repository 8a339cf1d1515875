//! The Kubernetes driver as the engine asks for it. A cluster is connected when it is needed first, and then kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, watch};
use windlass_core::access::Access;
use windlass_core::config::Config;
use windlass_core::health::Scripts;
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_engine::cluster::{Cluster, Clusters, Judged, Later, Seen, SeenTrack, Trouble, Way};
use windlass_engine::local::{InstanceState, JobOutcome, LogLine, Phase, WorkloadState};
use windlass_kube::{
    Applying, Fence, Finding, Judge, KubeError, Lease, ManagerKind, Override, Owner, Place, Target, Verdict,
    Workload,
};

use super::Reach;

/// Whose fields those of an installation are.
const MANAGER: &str = "windlass-install";

/// The environments of a configuration that are on clusters.
pub(super) fn all(config: &Config, seat: Option<&Seat>) -> Clusters {
    let fence = seat.map(|seat| seat.0.fence());
    let mut clusters = Clusters::default();
    let mut connections: BTreeMap<Target, Arc<Connection>> = BTreeMap::new();
    for environment in &config.environments {
        let Some((reach, namespace)) = Reach::of(&environment.runtime) else {
            continue;
        };
        let target = target(&reach);
        let connection = connections.entry(target.clone()).or_insert_with(|| {
            Arc::new(Connection {
                target,
                cluster: OnceCell::new(),
            })
        });
        let wired = Wired {
            connection: Arc::clone(connection),
            namespace: namespace.to_owned(),
            owner: Owner {
                platform: config.platform.clone(),
                environment: environment.name.clone(),
            },
            fence: fence.clone(),
            place: OnceLock::new(),
            opening: tokio::sync::Mutex::default(),
            idle: watch::Sender::new(0),
            scripts: Mutex::default(),
        };
        clusters.add(&environment.name, Arc::new(wired));
    }
    clusters
}

/// The place of the one of several controllers that acts.
pub(crate) struct Seat(Lease);

impl Seat {
    /// The Lease `NAME` of our own namespace, or `NAMESPACE/NAME`, on the current cluster.
    pub(super) async fn at(lease: &str, identity: &str) -> Result<Self, String> {
        let target = Target::default();
        let cluster = windlass_kube::Cluster::connect(&target).await.map_err(said)?;
        let own = cluster.namespace().to_owned();
        let (namespace, name) = lease.split_once('/').unwrap_or((&own, lease));
        Ok(Self(Lease::new(cluster, namespace, name, identity)))
    }

    /// Waits until it is ours. `on_holder` is told who has it, and what keeps it from being asked for.
    pub(crate) async fn acquire(&self, mut on_holder: impl FnMut(Result<&str, String>)) {
        let told = |holder: Result<&str, &KubeError>| on_holder(holder.map_err(ToString::to_string));
        self.0.acquire(told).await;
    }

    /// Keeps it; returns when it is lost, with the reason.
    pub(crate) async fn hold(&self) -> String {
        self.0.hold().await.to_string()
    }

    /// Gives it back.
    pub(crate) async fn give_back(&self) {
        self.0.give_back().await;
    }
}

pub(super) fn target(reach: &Reach<'_>) -> Target {
    Target {
        kubeconfig: None,
        context: reach.context.map(str::to_owned),
        impersonate: reach.impersonate.cloned(),
    }
}

/// Connects for a moment.
pub(super) async fn greeting(reach: &Reach<'_>) -> Result<String, String> {
    let cluster = windlass_kube::Cluster::connect(&target(reach))
        .await
        .map_err(said)?;
    let (version, user) = cluster.introduce().await.map_err(said)?;
    Ok(format!("{version} at {}, as {user}", cluster.url()))
}

/// What the cluster is like by itself. What cannot be looked at is no fault of the cluster's, and said so.
pub(super) async fn examined(reach: &Reach<'_>) -> Result<Vec<(&'static str, Finding)>, String> {
    let cluster = windlass_kube::Cluster::connect(&target(reach))
        .await
        .map_err(said)?;
    let unseen = |found: Result<Finding, KubeError>| {
        found.unwrap_or_else(|error| {
            let text = error.to_string();
            let (cause, _) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            Ok(format!("not looked at: {cause}"))
        })
    };
    Ok(vec![
        ("cluster version", unseen(cluster.check_version().await)),
        ("cluster clock", unseen(cluster.check_clock().await)),
        ("webhooks", unseen(cluster.check_webhooks().await)),
    ])
}

/// What of `access` we are not allowed, in words. Nothing is written.
pub(super) async fn missing(
    reach: &Reach<'_>,
    namespace: &str,
    access: &Access,
) -> Result<Vec<String>, String> {
    let cluster = windlass_kube::Cluster::connect(&target(reach))
        .await
        .map_err(said)?;
    cluster.missing(access, namespace).await.map_err(said)
}

/// One after the other, in their order: what comes later is in a namespace that comes first.
pub(super) async fn apply(
    reach: &Reach<'_>,
    namespace: &str,
    objects: &[Object],
) -> Result<Vec<String>, String> {
    let cluster = windlass_kube::Cluster::connect(&target(reach))
        .await
        .map_err(said)?;
    let applying = Applying {
        force: true,
        strict: true,
        dry: false,
    };
    let mut applied = Vec::new();
    for object in objects {
        let name = object.reference().to_string();
        let address = cluster.locate(object, namespace).await.map_err(said)?;
        let sent = cluster
            .apply_as(MANAGER, &address, object.value(), applying)
            .await;
        sent.map_err(|refusal| format!("{name} cannot be applied: {refusal}"))?;
        applied.push(name);
    }
    Ok(applied)
}

/// Environments of one context and identity share it.
struct Connection {
    target: Target,
    cluster: OnceCell<windlass_kube::Cluster>,
}

struct Wired {
    connection: Arc<Connection>,
    namespace: String,
    owner: Owner,
    /// What writes have to pass, where there are several controllers.
    fence: Option<Fence>,
    /// There once all is watched.
    place: OnceLock<Place>,
    opening: tokio::sync::Mutex<()>,
    /// Never ticks: there is nothing to see before the place is open.
    idle: watch::Sender<u64>,
    /// The health scripts in force.
    scripts: Mutex<Scripts>,
}

impl Wired {
    async fn place(&self) -> Result<&Place, Trouble> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let _opening = self.opening.lock().await;
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let connect = || windlass_kube::Cluster::connect(&self.connection.target);
        let cluster = self
            .connection
            .cluster
            .get_or_try_init(connect)
            .await
            .map_err(trouble)?;
        let (version, user) = cluster.introduce().await.map_err(trouble)?;
        tracing::info!(
            environment = self.owner.environment,
            url = cluster.url(),
            version,
            user,
            namespace = self.namespace,
            "an environment is on this cluster"
        );
        let cluster = cluster.clone().fenced(self.fence.clone());
        let place = Place::new(cluster, &self.namespace, self.owner.clone());
        place.open().await.map_err(trouble)?;
        Ok(self.place.get_or_init(|| place))
    }
}

impl Cluster for Wired {
    fn open(&self) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async { self.place().await.map(|_| ()) })
    }

    fn check(&self, objects: Vec<Object>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move { self.place().await?.check(&objects).await.map_err(trouble) })
    }

    fn check_scripts(&self, scripts: &Scripts) -> Result<(), String> {
        windlass_lua::check(scripts)
    }

    fn judge(&self, scripts: Scripts) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let place = self.place().await?;
            let in_force = || self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
            if *in_force() == scripts {
                return Ok(());
            }
            let judge: Option<Judge> = (!scripts.is_empty()).then(|| {
                let judge = windlass_lua::Judge::new(scripts.clone());
                Arc::new(move |object: &Object| judge.health(object).map(Verdict)) as Judge
            });
            place.judge_by(judge).await.map_err(trouble)?;
            *in_force() = scripts;
            Ok(())
        })
    }

    fn apply(&self, objects: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>> {
        Box::pin(async move {
            let applied = self.place().await?.apply(&objects).await.map_err(trouble)?;
            // What the cluster's own controllers decide is their business.
            let decided = applied
                .overrides
                .iter()
                .filter(|one| one.kind != ManagerKind::Cluster);
            Ok(decided.map(Override::to_string).collect())
        })
    }

    fn take(&self, objects: Vec<Object>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            self.place()
                .await?
                .take(&objects)
                .await
                .map(|_| ())
                .map_err(trouble)
        })
    }

    fn run_job(&self, job: Object) -> Later<'_, Result<JobOutcome, Trouble>> {
        Box::pin(async move {
            let outcome = self.place().await?.run_job(&job).await.map_err(trouble)?;
            Ok(JobOutcome {
                succeeded: outcome.succeeded,
                tries: 1,
                message: outcome.message,
                log: outcome.log,
            })
        })
    }

    fn remove_track(&self, color: Color, within: Duration) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            self.place()
                .await?
                .remove_track(color, within)
                .await
                .map(|_| ())
                .map_err(trouble)
        })
    }

    fn look_again(&self, service: String) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move { self.place().await?.look_again(&service).await.map_err(trouble) })
    }

    fn prune(&self, track: Color, keep: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>> {
        Box::pin(async move { self.place().await?.prune(track, &keep).await.map_err(trouble) })
    }

    fn end_connections(&self, service: String) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            self.place()
                .await?
                .end_connections(&service)
                .await
                .map_err(trouble)
        })
    }

    fn look(&self) -> Seen {
        let Some(place) = self.place.get() else {
            return Seen::default();
        };
        let tracks = [Color::Blue, Color::Green].into_iter().map(|color| {
            let track = place.track(color);
            let seen = SeenTrack {
                workloads: track.workloads.into_iter().map(state).collect(),
                judged: track.judged.into_iter().map(judged).collect(),
                hopeless: track.hopeless,
            };
            (color, seen)
        });
        let ways = place.services().into_iter().filter_map(|service| {
            let way = place.way(&service)?;
            let seen = Way {
                address: way.address,
                leads_to: way.leads_to,
                changed_by: way.changed_by,
                ready: way.ready,
            };
            Some((service, seen))
        });
        Seen {
            tracks: tracks.collect(),
            shared: place.shared_workloads().into_iter().map(state).collect(),
            shared_judged: place.shared_judged().into_iter().map(judged).collect(),
            ways: ways.collect(),
            deaf: place.is_deaf(),
        }
    }

    fn logs(&self, workload: String, lines: usize) -> Later<'_, Vec<LogLine>> {
        Box::pin(async move {
            let Ok(place) = self.place().await else {
                return Vec::new();
            };
            let lines = place.logs(&workload, lines).await;
            lines
                .into_iter()
                .map(|(instance, text)| LogLine { instance, text })
                .collect()
        })
    }

    fn listen_again(&self) {
        if let Some(place) = self.place.get() {
            place.listen_again();
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.place
            .get()
            .map_or_else(|| self.idle.subscribe(), Place::changes)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn said(error: KubeError) -> String {
    error.to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn trouble(error: KubeError) -> Trouble {
    Trouble {
        reason: error.to_string(),
        passes: error.passes(),
    }
}

fn judged(one: windlass_kube::Judged) -> Judged {
    Judged {
        object: one.object,
        health: one.health,
    }
}

fn state(workload: Workload) -> WorkloadState {
    let instances = workload.pods.into_iter().map(|(id, ready)| InstanceState {
        id,
        phase: if ready { Phase::Ready } else { Phase::Running },
        restarts: 0,
        message: String::new(),
        pid: None,
        ports: BTreeMap::new(),
        image: String::new(),
        memory_bytes: 0,
        cpu_ms: 0,
    });
    WorkloadState {
        name: workload.name,
        ready: workload.ready,
        desired: workload.desired,
        restarts: workload.restarts,
        message: workload.message,
        instances: instances.collect(),
    }
}
