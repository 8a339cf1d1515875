//! Throughput and added latency of the proxy with one worker on one core; nginx likewise on the same core; backend and
//! clients on another. Rounds are interleaved and the median counts, so that a noisy neighbour disturbs all alike.

use std::net::SocketAddr;
use std::time::Duration;

use super::backend::Backend;
use super::load::{latencies, median, percentile, throughput};
use super::nginx::Nginx;
use super::place::{Ours, cpu_seconds, on_core, table};
use super::report::{Better, Report};

const ROUNDS: usize = 5;
const CLIENTS: usize = 32;
const ROUND: Duration = Duration::from_secs(2);
/// Requests per second at which latency is measured.
const RATE: u32 = 5_000;
/// Clients that share this rate.
const PACED: u32 = 20;
/// Where the proxies run; the rest runs on the other one.
const PROXY_CORE: usize = 0;
const LOAD_CORE: usize = 1;

/// Figures of one way to the backend, one per round.
#[derive(Default)]
struct Way {
    throughput: Vec<f64>,
    cpu_us: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

pub(super) fn run(report: &mut Report) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let body = "x".repeat(1_024);
    let backend = on_core(LOAD_CORE, || Backend::start(&body, 0))??;
    let (ours, nginx) = on_core(PROXY_CORE, || {
        let ours = runtime.block_on(Ours::start(1))?;
        Ok::<_, String>((ours, Nginx::start(backend.address)?))
    })??;
    let applied = runtime
        .block_on(ours.client.apply(
            table(1, (100, &[backend.address]), (0, &[])),
            windlass_proxy::message::Retire::Polite,
        ))
        .map_err(|error| error.to_string())?;
    let web = applied.listeners["web"];
    if nginx.is_none() {
        report.say("nginx is not installed: the peer is left out");
    }
    let (mut direct, mut own, mut peer) = (Way::default(), Way::default(), Way::default());
    on_core(LOAD_CORE, || {
        for round in 1..=ROUNDS {
            report.say(&format!("round {round} of {ROUNDS}"));
            measure(&mut direct, backend.address, &|| 0.0)?;
            measure(&mut own, web, &|| cpu_seconds(ours.pid()))?;
            if let Some(nginx) = &nginx {
                measure(&mut peer, nginx.address, &|| nginx.cpu_seconds())?;
            }
        }
        Ok::<_, String>(())
    })??;
    let peer = nginx.is_some().then_some(&mut peer);
    tell(report, &mut direct, &mut own, peer);
    Ok(())
}

fn measure(way: &mut Way, address: SocketAddr, cpu: &dyn Fn() -> f64) -> Result<(), String> {
    let before = cpu();
    let rate = throughput(address, CLIENTS, ROUND)?;
    // Warm-up included: a quarter of the round more.
    way.cpu_us
        .push((cpu() - before) * 1e6 / (rate * ROUND.as_secs_f64() * 1.25));
    way.throughput.push(rate);
    let sorted = latencies(address, RATE, PACED, ROUND)?;
    way.p50.push(percentile(&sorted, 0.50));
    way.p99.push(percentile(&sorted, 0.99));
    Ok(())
}

fn tell(report: &mut Report, direct: &mut Way, own: &mut Way, mut peer: Option<&mut Way>) {
    let clients = format!("{CLIENTS} kept connections, 1 KiB");
    let name = "nginx";
    let mut add = |case: &str, metric, ours: f64, theirs: Option<f64>| {
        report.add(case, metric, ours, theirs.map(|value| (name, value)));
    };
    let theirs = peer.as_mut().map(|peer| median(&mut peer.throughput));
    add(
        &clients,
        ("throughput", "req/s", Better::Higher),
        median(&mut own.throughput),
        theirs,
    );
    let theirs = peer.as_mut().map(|peer| median(&mut peer.cpu_us));
    add(
        &clients,
        ("cpu_per_request", "us", Better::Lower),
        median(&mut own.cpu_us),
        theirs,
    );
    let paced = format!("{RATE} req/s, 1 KiB");
    let (base_50, base_99) = (median(&mut direct.p50), median(&mut direct.p99));
    let theirs = peer.as_mut().map(|peer| (median(&mut peer.p50) - base_50) / 1e3);
    add(
        &paced,
        ("added_p50", "ms", Better::Lower),
        (median(&mut own.p50) - base_50) / 1e3,
        theirs,
    );
    let theirs = peer.as_mut().map(|peer| (median(&mut peer.p99) - base_99) / 1e3);
    add(
        &paced,
        ("added_p99", "ms", Better::Lower),
        (median(&mut own.p99) - base_99) / 1e3,
        theirs,
    );
    add(
        "no proxy",
        ("throughput", "req/s", Better::Higher),
        median(&mut direct.throughput),
        None,
    );
    add("no proxy", ("p99", "ms", Better::Lower), base_99 / 1e3, None);
}
