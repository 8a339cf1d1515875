//! The Kubernetes driver as the engine asks for it. A cluster is connected when it is needed first, and then kept.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{OnceCell, watch};
use windlass_core::access::Access;
use windlass_core::config::{Config, Runtime};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_engine::cluster::{Cluster, Clusters, Later, Seen, SeenTrack, Way};
use windlass_engine::local::{InstanceState, JobOutcome, LogLine, Phase, WorkloadState};
use windlass_kube::{KubeError, ManagerKind, Override, Owner, Place, Target, Workload};

/// The environments of a configuration that are on clusters.
pub(super) fn all(config: &Config) -> Clusters {
    let mut clusters = Clusters::default();
    let mut connections: BTreeMap<Target, Arc<Connection>> = BTreeMap::new();
    for environment in &config.environments {
        let Runtime::Kubernetes { context, namespace } = &environment.runtime else {
            continue;
        };
        let target = Target {
            kubeconfig: None,
            context: context.clone(),
        };
        let connection = connections.entry(target.clone()).or_insert_with(|| {
            Arc::new(Connection {
                target,
                cluster: OnceCell::new(),
            })
        });
        let wired = Wired {
            connection: Arc::clone(connection),
            namespace: namespace.clone(),
            owner: Owner {
                platform: config.platform.clone(),
                environment: environment.name.clone(),
            },
            place: OnceLock::new(),
            opening: tokio::sync::Mutex::default(),
            idle: watch::Sender::new(0),
        };
        clusters.add(&environment.name, Arc::new(wired));
    }
    clusters
}

/// Connects for a moment.
pub(super) async fn greeting(context: Option<&str>) -> Result<String, String> {
    let target = Target {
        kubeconfig: None,
        context: context.map(str::to_owned),
    };
    let cluster = windlass_kube::Cluster::connect(&target).await.map_err(said)?;
    let (version, user) = cluster.introduce().await.map_err(said)?;
    Ok(format!("{version} at {}, as {user}", cluster.url()))
}

/// What of `access` we are not allowed, in words. Nothing is written.
pub(super) async fn missing(
    context: Option<&str>,
    namespace: &str,
    access: &Access,
) -> Result<Vec<String>, String> {
    let target = Target {
        kubeconfig: None,
        context: context.map(str::to_owned),
    };
    let cluster = windlass_kube::Cluster::connect(&target).await.map_err(said)?;
    cluster.missing(access, namespace).await.map_err(said)
}

/// Environments of one context share it.
struct Connection {
    target: Target,
    cluster: OnceCell<windlass_kube::Cluster>,
}

struct Wired {
    connection: Arc<Connection>,
    namespace: String,
    owner: Owner,
    /// There once all is watched.
    place: OnceLock<Place>,
    opening: tokio::sync::Mutex<()>,
    /// Never ticks: there is nothing to see before the place is open.
    idle: watch::Sender<u64>,
}

impl Wired {
    async fn place(&self) -> Result<&Place, String> {
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
            .map_err(said)?;
        let (version, user) = cluster.introduce().await.map_err(said)?;
        tracing::info!(
            environment = self.owner.environment,
            url = cluster.url(),
            version,
            user,
            namespace = self.namespace,
            "an environment is on this cluster"
        );
        let place = Place::new(cluster.clone(), &self.namespace, self.owner.clone());
        place.open().await.map_err(said)?;
        Ok(self.place.get_or_init(|| place))
    }
}

impl Cluster for Wired {
    fn open(&self) -> Later<'_, Result<(), String>> {
        Box::pin(async { self.place().await.map(|_| ()) })
    }

    fn check(&self, objects: Vec<Object>) -> Later<'_, Result<(), String>> {
        Box::pin(async move { self.place().await?.check(&objects).await.map_err(said) })
    }

    fn apply(&self, objects: Vec<Object>) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            let applied = self.place().await?.apply(&objects).await.map_err(said)?;
            // What the cluster's own controllers decide is their business.
            let decided = applied
                .overrides
                .iter()
                .filter(|one| one.kind != ManagerKind::Cluster);
            Ok(decided.map(Override::to_string).collect())
        })
    }

    fn take(&self, objects: Vec<Object>) -> Later<'_, Result<(), String>> {
        Box::pin(async move { self.place().await?.take(&objects).await.map(|_| ()).map_err(said) })
    }

    fn run_job(&self, job: Object) -> Later<'_, Result<JobOutcome, String>> {
        Box::pin(async move {
            let outcome = self.place().await?.run_job(&job).await.map_err(said)?;
            Ok(JobOutcome {
                succeeded: outcome.succeeded,
                tries: 1,
                message: outcome.message,
                log: outcome.log,
            })
        })
    }

    fn remove_track(&self, color: Color, within: Duration) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            self.place()
                .await?
                .remove_track(color, within)
                .await
                .map(|_| ())
                .map_err(said)
        })
    }

    fn prune(&self, track: Color, keep: Vec<Object>) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move { self.place().await?.prune(track, &keep).await.map_err(said) })
    }

    fn end_connections(&self, service: String) -> Later<'_, Result<(), String>> {
        Box::pin(async move { self.place().await?.end_connections(&service).await.map_err(said) })
    }

    fn look(&self) -> Seen {
        let Some(place) = self.place.get() else {
            return Seen::default();
        };
        let tracks = [Color::Blue, Color::Green].into_iter().map(|color| {
            let track = place.track(color);
            let seen = SeenTrack {
                workloads: track.workloads.into_iter().map(state).collect(),
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
            ways: ways.collect(),
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
