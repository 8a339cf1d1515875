//! Measures both tracks: customers' requests as the proxy counted them, business counters as the services tell them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use windlass_core::config::{Business, Environment};
use windlass_core::machine::analysis::Sample;
use windlass_core::machine::event::{Color, Event};
use windlass_core::object::Object;
use windlass_core::track::plain_name;
use windlass_proxy::table::Audience;

use crate::local::{Observation, WorkloadState};
use crate::scrape::{self, Totals};
use crate::world::{World, scope};

/// Annotations that say where metrics are; without them a port named `admin` or `metrics` is asked.
const PORT: &str = "prometheus.io/port";
const PATH: &str = "prometheus.io/path";
const PORT_NAMES: [&str; 2] = ["admin", "metrics"];
const PATH_DEFAULT: &str = "/metrics";

pub(super) async fn measure(
    world: &World,
    environment: String,
    rollout: u64,
    track: Color,
    at_ms: i64,
) -> Event {
    let release = world.rolled_out(&environment);
    let settings = release.and_then(|release| world.settings_of(&environment, &release));
    let (new, old) = tokio::join!(
        sample(world, &environment, track, settings.as_ref()),
        sample(world, &environment, track.other(), settings.as_ref()),
    );
    Event::Measured {
        environment,
        rollout,
        new,
        old,
        at_ms: Some(at_ms),
    }
}

async fn sample(world: &World, environment: &str, color: Color, settings: Option<&Environment>) -> Sample {
    let mut sample = Sample::default();
    if let Some(edge) = world.router.edge_service(environment).await
        && let Ok(metrics) = world.router.metrics().await
        && let Some(found) = metrics.find(environment, &edge, color.name(), Audience::Customers)
    {
        sample.requests = found.requests;
        sample.errors = found.errors;
        sample.within_ms.clone_from(&found.within_ms);
    }
    let wanted = settings.map(|settings| &settings.analysis.business);
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return sample;
    };
    let scope = scope(environment, color);
    let observed = world.runtime.observe(&scope).await;
    let objects = world.runtime.objects(&scope).await;
    for (name, metric) in wanted {
        if let Some(counted) = business(&observed, &objects, metric).await {
            sample.business.insert(name.clone(), counted);
        }
    }
    sample
}

/// Good ones and all, over all instances of the service; `None` when one of them does not tell.
async fn business(observed: &Observation, objects: &[Object], metric: &Business) -> Option<(u64, u64)> {
    let object = objects
        .iter()
        .find(|object| object.workload().is_some() && plain_name(object) == metric.service)?;
    let state = observed.workloads.iter().find(|one| one.name == object.name())?;
    let (port, path) = place(object)?;
    let (mut good, mut of) = (0, 0);
    for address in addresses(state, port) {
        let totals = scrape::totals(address, &path).await?;
        good += count(&totals, &metric.good);
        of += count(&totals, &metric.of);
    }
    Some((good, of))
}

fn place(object: &Object) -> Option<(u16, String)> {
    let workload = object.workload()?;
    let pod = workload.pod()?;
    let annotations = pod.annotations();
    let named = annotations.get(PORT).and_then(|port| port.parse().ok());
    let by_name = || {
        let containers = pod.containers();
        let ports = containers
            .iter()
            .flat_map(windlass_core::object::Container::ports);
        let mut found = BTreeMap::new();
        for port in ports {
            if let Some(name) = port.name.filter(|name| PORT_NAMES.contains(name)) {
                found.insert(name.to_owned(), port.number);
            }
        }
        PORT_NAMES.iter().find_map(|name| found.get(*name).copied())
    };
    let path = annotations.get(PATH).map_or(PATH_DEFAULT, |path| *path);
    Some((named.or_else(by_name)?, path.to_owned()))
}

fn addresses(state: &WorkloadState, port: u16) -> Vec<SocketAddr> {
    let bound = state.instances.iter().filter_map(|one| one.ports.get(&port));
    bound
        .map(|bound| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *bound))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole numbers from 0 up to far below 2^53; the cast saturates"
)]
fn count(totals: &Totals, name: &str) -> u64 {
    totals.get(name).copied().unwrap_or_default().max(0.0) as u64
}
