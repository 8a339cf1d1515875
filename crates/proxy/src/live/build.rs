//! Makes a `Live` of a table, with the states of the table before it where track and target are the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use tokio::sync::Notify;

use super::{Live, LiveService, LiveTrack, Route, TargetState, TrackState};
use crate::table::{Probe, Service, Table, Target, Track};

pub(super) fn live(table: Table, old: Option<&Live>, quiet: &Arc<Notify>, workers: usize) -> Live {
    let services: Vec<_> = table
        .services
        .iter()
        .map(|spec| Arc::new(service(&table.name, spec, old, quiet, workers)))
        .collect();
    let routes = routes(&table, &services);
    Live {
        table,
        routes,
        services,
    }
}

fn routes(table: &Table, services: &[Arc<LiveService>]) -> BTreeMap<String, Route> {
    let mut routes = BTreeMap::new();
    for listener in &table.listeners {
        let Some(service) = services.iter().find(|service| service.name == listener.service) else {
            continue;
        };
        let track = listener
            .track
            .as_ref()
            .and_then(|name| service.tracks.iter().position(|track| track.name == *name));
        let override_header = listener
            .override_header
            .as_ref()
            .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let route = Route {
            service: Arc::clone(service),
            audience: listener.audience,
            track,
            override_header,
        };
        routes.insert(listener.name.clone(), route);
    }
    routes
}

fn service(
    table: &str,
    spec: &Service,
    old: Option<&Live>,
    quiet: &Arc<Notify>,
    workers: usize,
) -> LiveService {
    let before = old.and_then(|old| old.services.iter().find(|service| service.name == spec.name));
    let tracks: Vec<_> = spec
        .tracks
        .iter()
        .map(|entry| {
            let before =
                before.and_then(|before| before.tracks.iter().find(|track| track.name == entry.name));
            let state = before.map_or_else(
                || Arc::new(TrackState::new(table, &spec.name, &entry.name, Arc::clone(quiet))),
                |before| Arc::clone(&before.state),
            );
            track(entry, state, before, spec.probe, workers)
        })
        .collect();
    LiveService {
        name: spec.name.clone(),
        weight: tracks.iter().map(|track| u64::from(track.weight)).sum(),
        tracks,
        limits: spec.limits,
        times: spec.timeouts.into(),
    }
}

fn track(
    spec: &Track,
    state: Arc<TrackState>,
    before: Option<&LiveTrack>,
    probe: Probe,
    workers: usize,
) -> LiveTrack {
    let targets = spec
        .targets
        .iter()
        .map(|target| {
            same(before, target, probe).unwrap_or_else(|| TargetState::start(target.clone(), probe, workers))
        })
        .collect();
    LiveTrack {
        name: spec.name.clone(),
        label: HeaderValue::from_str(&spec.name).unwrap_or_else(|_| HeaderValue::from_static("?")),
        weight: spec.weight,
        state,
        targets,
    }
}

fn same(before: Option<&LiveTrack>, target: &Target, probe: Probe) -> Option<Arc<TargetState>> {
    before?
        .targets
        .iter()
        .find(|state| state.spec == *target && state.probe == probe)
        .cloned()
}
