//! Which requests go where: keeps the proxy's tables in step with releases and their instances. It decides no weight.
//!
//! One table per environment: the customers' listener at the environment's port leads to the edge Service by weight, a
//! preview listener leads to each track's edge, and each Service port of each track has a loopback listener of its own,
//! through which the track's instances reach each other.

mod lane;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Mutex;
use windlass_core::config::Config;
use windlass_core::machine::action::Retire;
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_proxy::client::{Client, Error};
use windlass_proxy::message::{self, Metrics};
use windlass_proxy::table::{Audience, Listener, Table};

use crate::local::LocalRuntime;
use crate::render::Track;
use crate::shelf::replace;
use crate::world::scope;

use lane::Lane;

/// Addresses of the Services of a track, by name and port.
pub(crate) type Addresses = BTreeMap<(String, u16), SocketAddr>;

/// Keeps the proxy's tables.
pub(crate) struct Router {
    client: Client,
    folder: PathBuf,
    /// The Service where customers enter.
    edge: String,
    ports: BTreeMap<String, Option<u16>>,
    lanes: BTreeMap<String, Mutex<Lane>>,
    previews: std::sync::Mutex<BTreeMap<(String, Color), SocketAddr>>,
}

/// Traffic could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    #[error("environment {0:?} is not one of windlass.yaml")]
    Unknown(String),
    #[error("a newer change of traffic is in force: {newest} against {asked}")]
    Stale { newest: u64, asked: u64 },
    #[error("{0}\nhint: `windlass doctor` looks at the proxy; its log is proxy.log in the state folder")]
    Proxy(#[from] Error),
    #[error("cannot write {}: {source}\nhint: the state folder must be writable and its disk must have room", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl Router {
    /// Takes up what was in force before.
    pub(crate) fn open(client: Client, folder: PathBuf, config: &Config) -> Self {
        let read = |name: &str| -> Lane {
            let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        };
        let environments = &config.environments;
        Self {
            lanes: environments
                .iter()
                .map(|one| (one.name.clone(), Mutex::new(read(&one.name))))
                .collect(),
            ports: environments
                .iter()
                .map(|one| (one.name.clone(), one.port))
                .collect(),
            edge: config.edge.clone(),
            client,
            folder,
            previews: std::sync::Mutex::default(),
        }
    }

    /// Puts the tables in force again: the proxy may have been started anew, and instances may have moved.
    pub(crate) async fn resume(&self, runtime: &LocalRuntime) {
        for (name, lane) in &self.lanes {
            let mut lane = lane.lock().await;
            self.look(runtime, name, &mut lane).await;
            if let Err(error) = self.apply(name, &mut lane, message::Retire::Polite).await {
                tracing::warn!(%error, environment = name, "routes are not in force yet");
            }
        }
    }

    /// Gives a track its listeners; its instances need not run yet. Says where each of its Services is found.
    pub(crate) async fn open_track(
        &self,
        environment: &str,
        color: Color,
        track: &Track,
    ) -> Result<Addresses, RouteError> {
        let mut lane = self.lane(environment)?.lock().await;
        lane.open(color, track);
        let applied = self
            .apply(environment, &mut lane, message::Retire::Polite)
            .await?;
        let address = |port: &crate::render::Port| {
            let bound = applied
                .listeners
                .get(&lane::internal(color, &port.plain, port.number))?;
            Some(((port.service.clone(), port.number), *bound))
        };
        Ok(track.ports.iter().filter_map(address).collect())
    }

    /// Takes a track out: no request begins on it any more. Waits for those that are under way, but not for ever.
    pub(crate) async fn close_track(
        &self,
        environment: &str,
        color: Color,
        wait: Duration,
    ) -> Result<(), RouteError> {
        let mut lane = self.lane(environment)?.lock().await;
        if !lane.has(color) {
            return Ok(());
        }
        lane.rest(color);
        self.apply(environment, &mut lane, message::Retire::Polite)
            .await?;
        drop(lane);
        self.drain(environment, color, wait).await;
        let mut lane = self.lane(environment)?.lock().await;
        lane.close(color);
        self.apply(environment, &mut lane, message::Retire::Polite)
            .await?;
        Ok(())
    }

    /// Waits until nothing is in flight on a track.
    pub(crate) async fn drain(&self, environment: &str, color: Color, wait: Duration) {
        match self.client.drained(environment, color.name(), wait).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => tracing::warn!(
                environment,
                track = color.name(),
                requests = left.requests,
                tunnels = left.tunnels,
                "a track is left with requests in flight"
            ),
            Err(error) => tracing::warn!(%error, environment, "the proxy was not asked what is in flight"),
        }
    }

    /// Gives each track its share of customers, in one swap.
    pub(crate) async fn share(
        &self,
        environment: &str,
        generation: u64,
        weights: &BTreeMap<Color, u32>,
        retire: Retire,
    ) -> Result<(), RouteError> {
        let mut lane = self.lane(environment)?.lock().await;
        if generation < lane.shared {
            return Err(RouteError::Stale {
                newest: lane.shared,
                asked: generation,
            });
        }
        lane.shared = generation;
        lane.weights.clone_from(weights);
        let retire = match retire {
            Retire::Polite => message::Retire::Polite,
            Retire::AtOnce => message::Retire::AtOnce,
        };
        self.apply(environment, &mut lane, retire).await?;
        Ok(())
    }

    /// Has customers' requests wait in the proxy; nothing that they ask for reaches a track.
    pub(crate) async fn hold(&self, environment: &str) {
        if let Err(error) = self.client.pause(environment).await {
            tracing::warn!(%error, environment, "the proxy was not asked to hold requests: they fail meanwhile");
        }
    }

    /// Lets them go on. A table that the proxy does not have holds nothing.
    pub(crate) async fn release(&self, environment: &str) {
        if let Err(error) = self.client.resume(environment).await {
            tracing::warn!(%error, environment, "the proxy was not asked to let requests go on");
        }
    }

    /// Follows instances that came, went or moved.
    pub(crate) async fn follow(&self, runtime: &LocalRuntime, environment: &str) {
        let Ok(lane) = self.lane(environment) else { return };
        let mut lane = lane.lock().await;
        if self.look(runtime, environment, &mut lane).await
            && let Err(error) = self.apply(environment, &mut lane, message::Retire::Polite).await
        {
            tracing::warn!(%error, environment, "the proxy did not take new targets; trying again");
            lane.forget_targets();
        }
    }

    /// Where a track can be tried before customers meet it.
    pub(crate) fn preview(&self, environment: &str, color: Color) -> Option<SocketAddr> {
        let previews = self
            .previews
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        previews.get(&(environment.to_owned(), color)).copied()
    }

    /// All counters.
    pub(crate) async fn metrics(&self) -> Result<Metrics, Error> {
        self.client.metrics().await
    }

    /// Name of the edge Service in the proxy's tables, once a track has it.
    pub(crate) async fn edge_service(&self, environment: &str) -> Option<String> {
        let lane = self.lane(environment).ok()?.lock().await;
        lane.edge(&self.edge)
    }

    fn lane(&self, environment: &str) -> Result<&Mutex<Lane>, RouteError> {
        self.lanes
            .get(environment)
            .ok_or_else(|| RouteError::Unknown(environment.to_owned()))
    }

    /// Looks where the instances of all tracks are. Says whether anything changed.
    async fn look(&self, runtime: &LocalRuntime, environment: &str, lane: &mut Lane) -> bool {
        let mut changed = false;
        for color in lane.colors() {
            let observed = runtime.observe(&scope(environment, color)).await;
            changed |= lane.see(color, &observed.services);
        }
        changed
    }

    /// Writes the lane down and puts its table in force. A table that the proxy holds already is numbered above it.
    async fn apply(
        &self,
        name: &str,
        lane: &mut Lane,
        retire: message::Retire,
    ) -> Result<message::Applied, RouteError> {
        loop {
            lane.generation += 1;
            let path = self.folder.join(format!("{name}.json"));
            let bytes = serde_json::to_vec(&*lane).unwrap_or_default();
            replace(&path, &bytes).map_err(|source| RouteError::File { path, source })?;
            let table = self.table(name, lane);
            match self.client.apply(table, retire).await {
                Ok(applied) => {
                    self.note_previews(name, lane, &applied);
                    return Ok(applied);
                }
                Err(error) if error.reason() == Some(message::Reason::Stale) => {
                    let status = self.client.status().await?;
                    let held = status.tables.iter().find(|table| table.name == name);
                    let newest = held.map_or(0, |table| table.generation);
                    if newest < lane.generation {
                        return Err(error.into());
                    }
                    lane.generation = newest;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn table(&self, name: &str, lane: &Lane) -> Table {
        let mut listeners = Vec::new();
        let port = self.ports.get(name).copied().flatten();
        if let (Some(port), Some(edge)) = (port, lane.edge(&self.edge)) {
            listeners.push(Listener {
                name: "customers".to_owned(),
                bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                service: edge,
                track: None,
                audience: Audience::Customers,
                override_header: None,
            });
        }
        listeners.extend(lane.listeners(&self.edge));
        Table {
            name: name.to_owned(),
            generation: lane.generation,
            listeners,
            services: lane.services(&self.edge),
        }
    }

    fn note_previews(&self, name: &str, lane: &Lane, applied: &message::Applied) {
        let mut previews = self
            .previews
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for color in [Color::Blue, Color::Green] {
            let key = (name.to_owned(), color);
            match applied
                .listeners
                .get(&lane::preview(color))
                .filter(|_| lane.has(color))
            {
                Some(address) => previews.insert(key, *address),
                None => previews.remove(&key),
            };
        }
    }
}

/// Paths at which the targets of each Service of a track say whether they are ready, from the readiness probes.
pub(crate) fn health_paths(objects: &[Object]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (object, service) in objects
        .iter()
        .filter_map(|object| Some((object, object.service()?)))
    {
        let path = objects.iter().filter_map(Object::workload).find_map(|workload| {
            let pod = workload.pod()?;
            service.selects(&pod.labels()).then_some(())?;
            let probe = pod
                .containers()
                .into_iter()
                .find_map(|container| container.readiness())?;
            match probe.check {
                windlass_core::object::Check::Http { path, .. } => Some(path.to_owned()),
                windlass_core::object::Check::Tcp { .. }
                | windlass_core::object::Check::Exec { .. }
                | windlass_core::object::Check::Grpc { .. } => None,
            }
        });
        if let Some(path) = path {
            found.insert(object.name().to_owned(), path);
        }
    }
    found
}
