//! What is said over the control socket: one JSON object per line, one answer per request, in order. Does not know sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::table::{Audience, Table};

/// Longest line in either direction, in bytes.
pub const LINE_BYTES_MAX: u64 = 8 << 20;

/// What becomes of clients' connections when a track gets no requests any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retire {
    /// Connections that are open now end with their next answer (`Connection: close`, GOAWAY), and tunnels of the old
    /// track live on for their grace: for a promotion.
    #[default]
    Polite,
    /// Connections stay and their next request meets the new track; tunnels of the old track end now: for a rollback.
    AtOnce,
}

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// Answered by [`Applied`] once the table is on disk and in force.
    Apply {
        /// The new table.
        table: Table,
        /// What becomes of the connections of the old one.
        #[serde(default)]
        retire: Retire,
    },
    /// Answered by [`Drained`] when nothing is in flight on a track or the time is over.
    Drained {
        /// Name of the table.
        name: String,
        /// The track.
        track: String,
        /// Milliseconds to wait at most.
        deadline_ms: u64,
    },
    /// Answered by [`Metrics`].
    Metrics,
    /// Holds requests of customers. Answered by [`Done`].
    Pause {
        /// Name of the table.
        name: String,
    },
    /// Releases them. Answered by [`Done`].
    Resume {
        /// Name of the table.
        name: String,
    },
    /// Forgets a table, closes its listeners. Answered by [`Done`].
    Remove {
        /// Name of the table.
        name: String,
    },
    /// Answered by [`Status`].
    Status,
    /// Stops accepting, ends what is in flight, ends the process. Answered by [`Done`] before it ends.
    Shutdown,
    /// Starts another program as successor, which takes the sockets over. Answered by [`Upgraded`] once it serves.
    Upgrade {
        /// The program; it is started as `PROGRAM proxy --state DIR --take-over`.
        program: PathBuf,
    },
    /// Said by a successor only: asks for the listening sockets.
    HandOver,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply<T> {
    /// Done.
    Ok(T),
    /// Not done, and nothing changed.
    Refused(Refusal),
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub reason: Reason,
    /// For people: what and why.
    pub detail: String,
    /// For people: what helps.
    pub hint: String,
}

/// Why something is refused, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The table has a flaw.
    Flawed,
    /// A newer table is in force, or this generation with another content.
    Stale,
    /// A listener's address cannot be bound.
    Unbound,
    /// There is no such table or track.
    Unknown,
    /// The table could not be written to disk.
    Unwritten,
    /// The request was not understood.
    Garbled,
    /// Another wish is being carried out that excludes this one.
    Busy,
}

/// A table is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its generation.
    pub generation: u64,
    /// Address of each listener by its name: tells the port where 0 was asked for.
    pub listeners: BTreeMap<String, SocketAddr>,
    /// Whether anything changed; a repeated table changes nothing.
    pub changed: bool,
}

/// What is left on a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Requests in flight. Zero: the track can be stopped.
    pub requests: u64,
    /// Tunnels (WebSocket) that are open.
    pub tunnels: u64,
    /// Milliseconds waited.
    pub waited_ms: u64,
}

impl Drained {
    /// Whether nothing at all is in flight.
    pub fn is_empty(&self) -> bool {
        self.requests == 0 && self.tunnels == 0
    }
}

/// Done; there is nothing to tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A successor serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgraded {
    /// Its process id.
    pub pid: u32,
}

/// All counters of all tables, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// In the order of table, service, track, audience. Counters start at zero when a track comes into a table.
    pub tracks: Vec<TrackMetrics>,
}

impl Metrics {
    /// Counters of one audience of one track.
    pub fn find(&self, table: &str, service: &str, track: &str, audience: Audience) -> Option<&TrackMetrics> {
        self.tracks.iter().find(|found| {
            found.table == table
                && found.service == service
                && found.track == track
                && found.audience == audience
        })
    }
}

/// Counters of one audience of one track of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackMetrics {
    /// Name of the table.
    pub table: String,
    /// Name of the service.
    pub service: String,
    /// Name of the track.
    pub track: String,
    /// Whose requests.
    pub audience: Audience,
    /// Requests answered or failed.
    pub requests: u64,
    /// Of these, answered with 5xx or not at all. A client that went away is not counted here.
    pub errors: u64,
    /// Requests that the client gave up; not in `requests`.
    pub given_up: u64,
    /// Requests sent to a second target because the first one never got them.
    pub retries: u64,
    /// Requests whose answer's head came within so many milliseconds; cumulative. `requests` is the last step.
    pub within_ms: BTreeMap<u32, u64>,
    /// Requests in flight now.
    pub in_flight: u64,
    /// Tunnels open now.
    pub tunnels: u64,
    /// Requests per second over the last [`RATE_SECONDS`] seconds.
    pub rate: f64,
}

/// Seconds that a rate looks back.
pub const RATE_SECONDS: usize = 10;

/// The proxy as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Where metrics are served for Prometheus.
    pub admin: Option<SocketAddr>,
    /// The tables.
    pub tables: Vec<TableStatus>,
}

/// A table as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatus {
    /// Its name.
    pub name: String,
    /// Its generation.
    pub generation: u64,
    /// Whether requests are held.
    pub paused: bool,
    /// Requests held now.
    pub held: u64,
    /// The listeners.
    pub listeners: Vec<ListenerStatus>,
    /// The targets.
    pub targets: Vec<TargetStatus>,
}

/// A listener as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: SocketAddr,
    /// Clients' connections.
    pub connections: u64,
    /// Why it is not open, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<String>,
}

/// A target as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its service.
    pub service: String,
    /// Its track.
    pub track: String,
    /// Its address.
    pub address: SocketAddr,
    /// What the probes say.
    pub health: Health,
    /// Requests in flight.
    pub in_flight: u64,
}

/// What the probes of a target say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// No probe has ended yet. Gets requests only while no target of its track is healthy.
    Unknown,
    /// Gets requests.
    Healthy,
    /// Gets no requests.
    Unhealthy {
        /// What the last probe met.
        because: String,
    },
}
