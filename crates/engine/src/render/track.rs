//! The objects of one track as the local runtime takes them: coloured, with a list of the Services that need a loopback
//! address, and then with those addresses in place of names.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use windlass_core::machine::event::Color;
use windlass_core::object::{HookPhase, Initial, Object};
use windlass_core::plan;
use windlass_core::track;

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Name of the Service on its track.
    pub service: String,
    /// Its name in the chart.
    pub plain: String,
    /// Name of the port, if it has one.
    pub name: Option<String>,
    /// The port that clients use.
    pub number: u16,
}

/// One track of an environment on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Everything that instances need; host references are still names.
    pub objects: Vec<Object>,
    /// The ports of its Services; each needs a listener of its own.
    pub ports: Vec<Port>,
    /// Name of the edge Service on this track.
    pub edge: String,
}

/// The copy of `objects` (under the names of the chart) for a track. `edge` is the Service where customers enter.
pub fn on_track(objects: &[Object], color: Color, edge: &str) -> Track {
    let objects = track::colour(objects, color, edge).running();
    let edge = objects
        .iter()
        .find(|object| object.is("", "Service") && track::plain_name(object) == edge)
        .map_or_else(
            || track::coloured_name(edge, color),
            |edge| edge.name().to_owned(),
        );
    let ports = objects
        .iter()
        .filter_map(|object| Some((object, object.service()?)))
        .flat_map(|(object, service)| {
            let port = |port: windlass_core::object::ServicePort<'_>| Port {
                service: object.name().to_owned(),
                plain: track::plain_name(object).to_owned(),
                name: port.name.map(str::to_owned),
                number: port.port,
            };
            service.ports().into_iter().map(port).collect::<Vec<_>>()
        })
        .collect();
    Track { objects, ports, edge }
}

impl Track {
    /// The objects with an address in place of every reference to one of its Services: by its name on the track, and by
    /// its plain name, which Jobs and other shared objects use. What has no address stays as it is.
    pub fn localised(&self, addresses: &BTreeMap<(String, u16), SocketAddr>) -> Vec<Object> {
        let mut all = addresses.clone();
        for port in &self.ports {
            if let Some(address) = addresses.get(&(port.service.clone(), port.number)) {
                all.entry((port.plain.clone(), port.number)).or_insert(*address);
            }
        }
        track::localise(&self.objects, &all)
    }

    /// The Jobs that run before the instances start, in their order: hooks for that moment, then those that are no hooks.
    pub fn jobs(objects: &[Object]) -> Vec<Object> {
        let mut jobs: Vec<(bool, i32, &Object)> = objects
            .iter()
            .filter(|object| object.is("batch", "Job"))
            .filter_map(|job| {
                let Some(hook) = job.hook() else {
                    return Some((true, plan::wave(job), job));
                };
                let before = hook.runs_before(Initial::Yes) || hook.runs_before(Initial::No);
                let now = before || hook.phases.contains(&HookPhase::Sync);
                now.then_some((!before, hook.weight, job))
            })
            .collect();
        jobs.sort_by_key(|(later, weight, job)| (*later, *weight, job.name()));
        jobs.into_iter().map(|(_, _, job)| job.clone()).collect()
    }
}
