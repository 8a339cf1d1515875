//! What there is, in numbers: counters of all tracks, state of all targets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Entry, Proxy, names};
use crate::counters::Reading;
use crate::live::TrackState;
use crate::message::{ListenerStatus, Metrics, Status, TableStatus, TargetStatus, TrackMetrics};
use crate::table::Audience;

impl Proxy {
    pub(crate) fn metrics(&self) -> Metrics {
        let mut tracks = Vec::new();
        self.each_track(|state, audience| tracks.push(track_metrics(state, audience)));
        Metrics { tracks }
    }

    /// Calls `visit` with each counter: tables, services, tracks and audiences in their order.
    pub(crate) fn each_track(&self, mut visit: impl FnMut(&TrackState, Audience)) {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        for state in tables.values().flat_map(|entry| entry.slot.tracks()) {
            for audience in Audience::ALL {
                visit(&state, audience);
            }
        }
    }

    /// To be called once a second, for the rates.
    pub(crate) fn tick(&self) {
        self.each_track(|state, audience| state.counters(audience).tick());
    }

    pub(crate) fn status(&self, admin: Option<SocketAddr>) -> Status {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            admin,
            tables: tables.values().map(table_status).collect(),
        }
    }
}

fn track_metrics(state: &TrackState, audience: Audience) -> TrackMetrics {
    let counters = state.counters(audience);
    let Reading {
        requests,
        errors,
        given_up,
        retries,
        within_ms,
        seconds: _,
    } = counters.read();
    TrackMetrics {
        table: state.table.clone(),
        service: state.service.clone(),
        track: state.track.clone(),
        audience,
        requests,
        errors,
        given_up,
        retries,
        within_ms,
        in_flight: state.in_flight(),
        tunnels: state.tunnels(),
        rate: counters.rate(),
    }
}

fn table_status(entry: &Entry) -> TableStatus {
    let live = entry.slot.live();
    let open: BTreeMap<_, _> = names(&entry.open)
        .map(|listening| (listening.name.as_str(), listening))
        .collect();
    let listeners = live.table.listeners.iter().map(|listener| ListenerStatus {
        name: listener.name.clone(),
        address: listener.bind,
        connections: open
            .get(listener.name.as_str())
            .map_or(0, |listening| listening.connections()),
        closed_because: entry.closed.get(&listener.name).cloned(),
    });
    let targets = live.services().iter().flat_map(|service| {
        service.tracks.iter().flat_map(|track| {
            track.targets.iter().map(|target| TargetStatus {
                service: service.name.clone(),
                track: track.name.clone(),
                address: target.spec.address,
                health: target.health(),
                in_flight: u64::from(target.in_flight.load(Ordering::Relaxed)),
            })
        })
    });
    TableStatus {
        name: live.table.name.clone(),
        generation: live.table.generation,
        paused: entry.slot.pause.is_on(),
        held: u64::from(entry.slot.pause.held()),
        listeners: listeners.collect(),
        targets: targets.collect(),
    }
}
