//! Looks at what runs: tells the router where instances are, and the loop how many of each track are ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::machine::event::{Color, Event};
use windlass_proxy::table::Audience;

use crate::local::Observation;
use crate::world::{World, scope};

/// From look to look at the instances.
const LOOK: Duration = Duration::from_millis(100);
/// From look to look at the proxy's counters.
const COUNT: Duration = Duration::from_secs(1);

/// After a start instances that had to be started too get this long before nothing being ready is told: after a restart of
/// the machine it says nothing about a release.
const COMING_UP: Duration = Duration::from_secs(30);

/// What was told last of a track.
type Told = BTreeMap<(String, Color), (u32, u32, String)>;

/// Looks for as long as the controller runs.
pub(crate) async fn run(world: Arc<World>) {
    let mut told = Told::new();
    let began = Instant::now();
    let mut counted = began;
    while !world.inbox.is_closed() {
        for environment in &world.options.config.environments {
            for color in [Color::Blue, Color::Green] {
                look(&world, &environment.name, color, began, &mut told).await;
            }
            world.router.follow(&world.runtime, &environment.name).await;
        }
        if counted.elapsed() >= COUNT {
            counted = Instant::now();
            count(&world).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(world: &World, environment: &str, color: Color, began: Instant, told: &mut Told) {
    let observed = world.runtime.observe(&scope(environment, color)).await;
    let key = (environment.to_owned(), color);
    if observed.workloads.is_empty() {
        told.remove(&key);
        return;
    }
    let now = sums(&observed);
    if now.0 == 0 && !told.contains_key(&key) && began.elapsed() < COMING_UP {
        return;
    }
    if told.get(&key) != Some(&now) {
        let (ready, desired, trouble) = now.clone();
        told.insert(key, now);
        let event = Event::Observed {
            environment: environment.to_owned(),
            track: color,
            ready,
            desired,
            trouble,
        };
        world.tell(event, None).await;
    }
}

/// Ready and wanted pods, and what keeps the first troubled workload from being ready.
pub(crate) fn sums(observed: &Observation) -> (u32, u32, String) {
    let ready = observed.workloads.iter().map(|one| one.ready).sum();
    let desired = observed.workloads.iter().map(|one| one.desired).sum();
    let troubled = observed
        .workloads
        .iter()
        .find(|one| one.ready < one.desired && !one.message.is_empty());
    let trouble = troubled.map_or_else(String::new, |one| format!("{}: {}", one.name, one.message));
    (ready, desired, trouble)
}

async fn count(world: &World) {
    let Ok(metrics) = world.router.metrics().await else {
        return;
    };
    for environment in &world.options.config.environments {
        let Some(edge) = world.router.edge_service(&environment.name).await else {
            continue;
        };
        for color in [Color::Blue, Color::Green] {
            let found = metrics.find(&environment.name, &edge, color.name(), Audience::Customers);
            world.traffic.take(&environment.name, color, found);
        }
    }
}
