//! Requests lost while tracks are switched under load and the old side is killed as soon as the switch (with its drain)
//! has returned. nginx is switched by reload in the same run, as often as its slower switch allows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use windlass_proxy::message::Retire;

use super::backend::Backend;
use super::load::{self, Tally, percentile, to_f64};
use super::nginx::Nginx;
use super::place::{Ours, table};
use super::report::{Better, Report};

const SWITCHES: u64 = 1_000;
const ROLLBACKS: u64 = 100;
/// Switches of both in the comparison.
const BESIDE: u64 = 50;
/// How long an answer takes; a request is nearly always under way.
const DELAY_MS: u64 = 5;
/// Clients that keep connections, and as many that do not.
const CLIENTS: usize = 8;
const DRAIN: Duration = Duration::from_secs(10);

const LOST: (&str, &str, Better) = ("requests_lost", "requests", Better::Lower);
const ANSWERED: (&str, &str, Better) = ("requests_answered", "requests", Better::Higher);

pub(super) fn run(report: &mut Report) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(measure(report))
}

async fn measure(report: &mut Report) -> Result<(), String> {
    let mut run = Run::begin().await?;
    report.say(&format!("{SWITCHES} switches"));
    let mut took = run.switches(SWITCHES).await?;
    let case = format!("{SWITCHES} switches");
    let (lost, answered) = run.tally();
    report.add(&case, LOST, lost, None);
    report.add(&case, ANSWERED, answered, None);
    took.sort_by(f64::total_cmp);
    report.add(
        &case,
        ("switch_and_drain_p50", "ms", Better::Lower),
        percentile(&took, 0.5),
        None,
    );
    report.add(
        &case,
        ("switch_and_drain_p99", "ms", Better::Lower),
        percentile(&took, 0.99),
        None,
    );

    report.say(&format!("{ROLLBACKS} rollbacks"));
    let mut last_bad = run.rollbacks(ROLLBACKS).await?;
    let case = format!("{ROLLBACKS} rollbacks");
    let (lost, answered) = run.tally();
    report.add(&case, LOST, lost, None);
    report.add(&case, ANSWERED, answered, None);
    last_bad.sort_by(f64::total_cmp);
    let metric = ("last_bad_answer_p99", "ms", Better::Lower);
    report.add(&case, metric, percentile(&last_bad, 0.99), None);
    let metric = ("last_bad_answer_max", "ms", Better::Lower);
    report.add(&case, metric, percentile(&last_bad, 1.0), None);

    report.say(&format!("{BESIDE} switches, then as many reloads of nginx"));
    run.switches(BESIDE).await?;
    let (lost, answered) = run.tally();
    run.end().await;
    let peer = reloads().await?;
    if peer.is_none() {
        report.say("nginx is not installed: the peer is left out");
    }
    let case = format!("{BESIDE} switches, beside");
    report.add(&case, LOST, lost, peer.map(|(lost, _)| ("nginx", lost)));
    // Of a thousand, since both runs differ in length, and a lost request is over sooner than an answered one.
    let share = |(lost, answered): (f64, f64)| 1_000.0 * lost / (lost + answered).max(1.0);
    let metric = ("requests_lost_of_1000", "requests", Better::Lower);
    let theirs = peer.map(|peer| ("nginx", share(peer)));
    report.add(&case, metric, share((lost, answered)), theirs);
    Ok(())
}

/// Our proxy under load.
struct Run {
    ours: Ours,
    clients: Clients,
    /// What serves customers now, and under which name.
    live: Backend,
    green: bool,
    generation: u64,
}

impl Run {
    async fn begin() -> Result<Self, String> {
        let ours = Ours::start(2).await?;
        let live = Backend::start("blue", DELAY_MS)?;
        let applied = ours
            .client
            .apply(table(1, (100, &[live.address]), (0, &[])), Retire::Polite)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            clients: Clients::begin(applied.listeners["web"]),
            ours,
            live,
            green: false,
            generation: 1,
        })
    }

    /// Milliseconds of each switch with its drain. Promotions, each to a new backend; the old one is killed.
    async fn switches(&mut self, number: u64) -> Result<Vec<f64>, String> {
        let mut took = Vec::new();
        for _ in 0..number {
            let new = Backend::start(name(!self.green), DELAY_MS)?;
            let begun = Instant::now();
            self.give(&new, Retire::Polite).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            self.live.kill();
            self.live = new;
        }
        Ok(took)
    }

    /// Milliseconds from each rollback's command to the last answer of the bad side. Each promotes a new side without
    /// ending the old one, and goes back; then the new side is killed.
    async fn rollbacks(&mut self, number: u64) -> Result<Vec<f64>, String> {
        let mut took = Vec::new();
        for _ in 0..number {
            let bad = Backend::start(name(!self.green), DELAY_MS)?;
            self.swap(&bad, Retire::Polite).await?;
            self.green = !self.green;
            tokio::time::sleep(Duration::from_millis(30)).await;
            let since = self.clients.since;
            let begun = since.elapsed();
            let old = std::mem::replace(&mut self.live, bad);
            self.give(&old, Retire::AtOnce).await?;
            self.live.kill();
            self.live = old;
            tokio::time::sleep(Duration::from_millis(10)).await;
            let seen = self.clients.tally.last_seen[usize::from(!self.green)].load(Ordering::Relaxed);
            let begun = u64::try_from(begun.as_micros()).unwrap_or(u64::MAX);
            took.push(to_f64(seen.saturating_sub(begun)) / 1e3);
        }
        Ok(took)
    }

    /// Gives all customers to a backend of the other name and waits until the one before is out of use.
    async fn give(&mut self, new: &Backend, retire: Retire) -> Result<(), String> {
        self.swap(new, retire).await?;
        let old = name(self.green);
        let drained = self.ours.client.drained("bench", old, DRAIN).await;
        let left = drained.map_err(|error| error.to_string())?.requests;
        self.green = !self.green;
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} requests are left after {DRAIN:?}"))
        }
    }

    async fn swap(&mut self, new: &Backend, retire: Retire) -> Result<(), String> {
        self.generation += 1;
        let (live, new) = ([self.live.address], [new.address]);
        let table = if self.green {
            table(self.generation, (100, &new), (0, &live))
        } else {
            table(self.generation, (0, &live), (100, &new))
        };
        self.ours
            .client
            .apply(table, retire)
            .await
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    fn tally(&self) -> (f64, f64) {
        self.clients.take()
    }

    async fn end(self) {
        self.clients.end().await;
    }
}

fn name(green: bool) -> &'static str {
    if green { "green" } else { "blue" }
}

/// Lost and answered requests over reloads; none if nginx is not installed.
async fn reloads() -> Result<Option<(f64, f64)>, String> {
    let mut live = Backend::start("blue", DELAY_MS)?;
    let Some(nginx) = Nginx::start(live.address)? else {
        return Ok(None);
    };
    let clients = Clients::begin(nginx.address);
    for _ in 0..BESIDE {
        let new = Backend::start("green", DELAY_MS)?;
        nginx.reload(new.address)?;
        live.kill();
        live = new;
        // Until the reload, which goes on by itself, is over; else the next one would hit this one.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let figures = clients.take();
    clients.end().await;
    Ok(Some(figures))
}

/// Clients of both kinds.
struct Clients {
    tally: Arc<Tally>,
    since: Instant,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    fn begin(address: SocketAddr) -> Self {
        let tally = Arc::new(Tally::default());
        let since = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..CLIENTS {
            tasks.push(tokio::spawn(load::keep(address, Arc::clone(&tally), since)));
            tasks.push(tokio::spawn(load::anew(address, Arc::clone(&tally), since)));
        }
        Self { tally, since, tasks }
    }

    /// Lost and answered since the last time.
    fn take(&self) -> (f64, f64) {
        (
            to_f64(self.tally.lost.swap(0, Ordering::Relaxed)),
            to_f64(self.tally.answered.swap(0, Ordering::Relaxed)),
        )
    }

    async fn end(self) {
        self.tally.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}
