//! Open loop: customers come when they are due, however slow the shop is. Words on standard input say where phases begin.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::connection::{Connections, Habit};
use crate::journey::{self, REQUESTS_TENTHS, Town};
use crate::shop::{self, Guest};
use crate::tally::Tally;

/// How long the shop may take until it shows its products.
const OPEN_WITHIN: Duration = Duration::from_secs(30);
/// Customers in the shop at once; who comes then is not let in, and that is said.
const CUSTOMERS_MAX: usize = 20_000;
/// How long customers may take to finish once no new ones come.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

/// Send customers through the shop.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where the shop is, for example http://127.0.0.1:3000
    #[arg(long)]
    target: String,
    /// Requests a second, in the mean
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// How long; 0 means until `end` is said on standard input, or a signal
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// The same seed sends the same customers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the orders that were answered as paid, one a line, for `verify`
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

impl Run {
    #[expect(clippy::print_stdout, reason = "its lines are what other programs read")]
    pub(crate) async fn run(self) -> Result<()> {
        let authority = authority(&self.target)?;
        let connections = Connections::to(&authority);
        let town = Arc::new(Town {
            skus: products(&connections).await?,
            connections,
            tally: Tally::new(),
            seed: self.seed,
        });
        let customers = Arc::new(Semaphore::new(CUSTOMERS_MAX));
        let end = until_end(Arc::clone(&town), self.seconds);
        let arrivals = arrivals(Arc::clone(&town), Arc::clone(&customers), self.rate);
        let seconds = async {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            tick.tick().await;
            loop {
                tick.tick().await;
                println!("{}", town.tally.second());
            }
        };
        tokio::select! {
            ended = end => ended?,
            () = arrivals => {}
            () = seconds => {}
        }
        // Whoever is in the shop finishes.
        let all = u32::try_from(CUSTOMERS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(FINISH_WITHIN, customers.acquire_many(all)).await;
        if let Some(path) = &self.acknowledged {
            let text = town.tally.acknowledged().join("\n");
            std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        println!("{}", town.tally.summary());
        Ok(())
    }
}

/// Customers at equal distances in time, whatever becomes of them.
async fn arrivals(town: Arc<Town>, customers: Arc<Semaphore>, rate: u32) {
    let apart = Duration::from_secs(REQUESTS_TENTHS) / (rate * 10);
    let began = Instant::now();
    let mut number: u64 = 0;
    loop {
        let after = apart.as_secs_f64() * f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let due = began + Duration::from_secs_f64(after);
        tokio::time::sleep_until(due.into()).await;
        if let Ok(inside) = Arc::clone(&customers).try_acquire_owned() {
            let town = Arc::clone(&town);
            tokio::spawn(async move {
                let _inside = inside;
                journey::walk(town, number, due).await;
            });
        }
        number += 1;
    }
}

/// Reads words until the end: a time, `end`, a signal. A closed standard input is no end.
async fn until_end(town: Arc<Town>, seconds: u64) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut term = signal(SignalKind::terminate()).context("signals cannot be waited for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be waited for")?;
    let over = async {
        if seconds == 0 {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    };
    let words = async {
        while let Ok(Some(line)) = lines.next_line().await {
            match line.trim().split_once(' ') {
                Some(("mark", phase)) => town.tally.mark(phase.trim()),
                _ if line.trim() == "end" => return,
                _ => {}
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = over => {}
        () = words => {}
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// What is for sale; waits until the shop is open.
async fn products(connections: &Connections) -> Result<Vec<String>> {
    let guest = Guest::new(&mut StdRng::seed_from_u64(0));
    let began = Instant::now();
    let mut problem = String::new();
    while began.elapsed() < OPEN_WITHIN {
        match connections
            .send(guest.get("/api/v1/products?limit=100"), Habit::New)
            .await
        {
            Ok(answer) => {
                let skus = shop::skus(&answer.body);
                if answer.status == 200 && !skus.is_empty() {
                    return Ok(skus);
                }
                problem = format!("status {} with {} products", answer.status, skus.len());
            }
            Err(reason) => problem = reason,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!(
        "the shop does not show its products within {} s: {problem}\nhint: `--target` names the gateway",
        OPEN_WITHIN.as_secs()
    )
}

/// `host:port` of an address.
pub(crate) fn authority(url: &str) -> Result<String> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!("{url} is no address\nhint: http://host:port");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        bail!("{url} names no host\nhint: http://host:port");
    }
    Ok(if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    })
}
