//! What the proxy is told to do: one table per environment, replaced as a whole. Does not know how it is carried out.
//!
//! Durations are milliseconds, sizes bytes, weights parts of their sum. Every field but names and addresses has a
//! default, so that a table in JSON stays small.

mod check;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use check::Flaw;

/// Everything the proxy does for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name of the environment; a newer table of the same name replaces the older one.
    pub name: String,
    /// Grows with each change; an older one is refused, the same one with the same content is accepted again.
    pub generation: u64,
    /// Where requests come in.
    #[serde(default)]
    pub listeners: Vec<Listener>,
    /// Where requests go.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// A socket and the service that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Unique in its table; a listener keeps its socket as long as name and address stay.
    pub name: String,
    /// Address to bind. Port 0 takes a free one, which stays with the name from then on; `Applied` tells which.
    pub bind: SocketAddr,
    /// Name of the service.
    pub service: String,
    /// Leads to this track only, whatever the weights are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Whose requests these are.
    #[serde(default)]
    pub audience: Audience,
    /// A request header, such as `x-windlass-track`, whose value chooses the track. Without it no client can choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_header: Option<String>,
}

/// Whose requests come in at a listener. Counted apart, so that tests of a track do not count as customers' traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Customers: forwarding headers of the request are not believed, `pause` holds them, weights stick by cookie.
    #[default]
    Customers,
    /// Somebody who tries a track before customers meet it.
    Preview,
    /// Services of the environment among themselves: forwarding headers are kept and extended.
    Internal,
}

impl Audience {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 3] = [Self::Customers, Self::Preview, Self::Internal];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Preview => "preview",
            Self::Internal => "internal",
        }
    }
}

/// A service with its tracks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique in its table.
    pub name: String,
    /// The complete copies of it.
    #[serde(default)]
    pub tracks: Vec<Track>,
    /// How long things may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// How much there may be of things.
    #[serde(default)]
    pub limits: Limits,
    /// How targets are probed.
    #[serde(default)]
    pub probe: Probe,
}

/// One complete copy of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// `blue`, `green`; unique in its service.
    pub name: String,
    /// Its part of the requests that no listener, header or cookie gives to a track. Zero: only those that ask for it.
    #[serde(default)]
    pub weight: u32,
    /// The instances.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Probed by GET when there is one; otherwise a TCP connection is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_path: Option<String>,
}

/// How long things may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub head_ms: u64,
    /// Between two requests of a client's connection.
    pub keep_alive_ms: u64,
    /// Without progress of a body, in either direction.
    pub idle_ms: u64,
    /// To connect to a target.
    pub connect_ms: u64,
    /// From the end of sending a request's head to the answer's head.
    pub response_ms: u64,
    /// What a tunnel (WebSocket) may still live once its track is retired politely.
    pub tunnel_grace_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head_ms: 10_000,
            keep_alive_ms: 75_000,
            idle_ms: 60_000,
            connect_ms: 2_000,
            response_ms: 60_000,
            tunnel_grace_ms: 300_000,
        }
    }
}

/// How much there may be of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: u64,
    /// Requests in flight on one target; above, other targets are taken or 503 is answered.
    pub in_flight: u32,
    /// Clients' connections of one listener; above, new ones wait.
    pub connections: u32,
    /// Requests that a pause holds; above, 503 is answered.
    pub paused: u32,
    /// Longest time that a pause holds a request, in milliseconds.
    pub paused_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            in_flight: 1_024,
            connections: 10_000,
            paused: 1_000,
            paused_ms: 30_000,
        }
    }
}

/// How targets are probed. Probing never stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Probe {
    /// Between two probes, in milliseconds.
    pub interval_ms: u64,
    /// Of one probe, in milliseconds.
    pub timeout_ms: u64,
    /// Consecutive failures that take a target out; one success brings it back.
    pub failures: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            interval_ms: 1_000,
            timeout_ms: 2_000,
            failures: 3,
        }
    }
}
