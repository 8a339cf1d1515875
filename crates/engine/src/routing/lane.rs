//! What the proxy should know of one environment. Written down before it is put in force.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use windlass_core::machine::event::Color;
use windlass_proxy::table::{
    Audience, Limits, Listener, Probe, Service, Target, Timeouts, Track as ProxyTrack,
};

use crate::local::ServiceState;
use crate::render::Track;

use super::health_paths;

/// Addresses behind each Service port of a track, by the proxy's name of the service.
type Targets = BTreeMap<String, Vec<SocketAddr>>;

/// One environment as the proxy should know it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Lane {
    /// Of the table.
    pub(super) generation: u64,
    /// Generation of the last change of weights.
    pub(super) shared: u64,
    pub(super) weights: BTreeMap<Color, u32>,
    tracks: BTreeMap<Color, Open>,
}

/// One track.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Open {
    ports: Vec<OpenPort>,
    /// Where instances are; by the proxy's name of the service.
    #[serde(skip)]
    targets: Targets,
    /// No request may begin on it any more.
    resting: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct OpenPort {
    /// Name on the track.
    service: String,
    /// Name in the chart.
    plain: String,
    number: u16,
    health_path: Option<String>,
}

impl Lane {
    pub(super) fn open(&mut self, color: Color, track: &Track) {
        let paths = health_paths(&track.objects);
        let ports = track.ports.iter().map(|port| OpenPort {
            service: port.service.clone(),
            plain: port.plain.clone(),
            number: port.number,
            health_path: paths.get(&port.service).cloned(),
        });
        let open = self.tracks.entry(color).or_default();
        open.ports = ports.collect();
        open.resting = false;
    }

    pub(super) fn rest(&mut self, color: Color) {
        if let Some(track) = self.tracks.get_mut(&color) {
            track.resting = true;
        }
    }

    pub(super) fn close(&mut self, color: Color) {
        self.tracks.remove(&color);
        self.weights.remove(&color);
    }

    pub(super) fn has(&self, color: Color) -> bool {
        self.tracks.contains_key(&color)
    }

    pub(super) fn colors(&self) -> Vec<Color> {
        self.tracks.keys().copied().collect()
    }

    /// Takes what the runtime says of a track's Services. Says whether that differs.
    pub(super) fn see(&mut self, color: Color, services: &[ServiceState]) -> bool {
        let Some(open) = self.tracks.get_mut(&color) else {
            return false;
        };
        let mut targets = Targets::new();
        for state in services {
            let port = open
                .ports
                .iter()
                .find(|port| port.service == state.name && port.number == state.port);
            let Some(port) = port else { continue };
            let ready = state.targets.iter().filter(|target| target.ready);
            let addresses: Vec<_> = ready.map(|target| target.address).collect();
            targets.insert(service(&port.plain, port.number), addresses);
        }
        let differs = open.targets != targets;
        open.targets = targets;
        differs
    }

    /// The proxy does not know them: they differ at the next look.
    pub(super) fn forget_targets(&mut self) {
        for open in self.tracks.values_mut() {
            open.targets.clear();
        }
    }

    /// The proxy's name of the edge: its first port.
    pub(super) fn edge(&self, edge: &str) -> Option<String> {
        let mut ports = self.tracks.values().flat_map(|open| &open.ports);
        let port = ports.find(|port| port.plain == edge)?;
        Some(service(&port.plain, port.number))
    }

    /// The loopback listeners of the tracks' Services, and one for who wants to try a track.
    pub(super) fn listeners(&self, edge: &str) -> Vec<Listener> {
        let mut all = Vec::new();
        let edge = self.edge(edge);
        for (color, open) in &self.tracks {
            let listener = |name: String, service: String, audience| Listener {
                name,
                bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
                service,
                track: Some(color.name().to_owned()),
                audience,
                override_header: None,
            };
            for port in &open.ports {
                let name = internal(*color, &port.plain, port.number);
                all.push(listener(
                    name,
                    service(&port.plain, port.number),
                    Audience::Internal,
                ));
            }
            if let Some(edge) = &edge {
                all.push(listener(preview(*color), edge.clone(), Audience::Preview));
            }
        }
        all
    }

    pub(super) fn services(&self, edge: &str) -> Vec<Service> {
        let mut all: BTreeMap<String, Service> = BTreeMap::new();
        let edge = self.edge(edge);
        for (color, open) in &self.tracks {
            for port in &open.ports {
                let name = service(&port.plain, port.number);
                let weight = if open.resting || edge.as_ref() != Some(&name) {
                    0
                } else {
                    self.weights.get(color).copied().unwrap_or_default()
                };
                let target = |address: &SocketAddr| Target {
                    address: *address,
                    health_path: port.health_path.clone(),
                };
                let targets = open
                    .targets
                    .get(&name)
                    .into_iter()
                    .flatten()
                    .map(target)
                    .collect();
                let one = all.entry(name.clone()).or_insert_with(|| Service {
                    name,
                    tracks: Vec::new(),
                    timeouts: Timeouts::default(),
                    limits: Limits::default(),
                    probe: Probe::default(),
                });
                one.tracks.push(ProxyTrack {
                    name: color.name().to_owned(),
                    weight,
                    targets,
                });
            }
        }
        all.into_values().collect()
    }
}

/// The proxy's name of a Service port.
fn service(plain: &str, number: u16) -> String {
    format!("{plain}:{number}")
}

/// Name of the loopback listener of a Service port on a track.
pub(super) fn internal(color: Color, plain: &str, number: u16) -> String {
    format!("{}/{plain}:{number}", color.name())
}

/// Name of the listener for who wants to try a track.
pub(super) fn preview(color: Color) -> String {
    format!("preview/{}", color.name())
}
