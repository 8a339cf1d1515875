//! The shop on PostgreSQL that writes to the disk, all of it and the load on the same machine: how many pages, lists and
//! checkouts a second, how much memory six idle services take, and how soon each is ready. Rounds with the peer, Vendure on
//! the same server, are interleaved. In the end the services prove that nothing was oversold, charged twice or lost.

mod customer;
mod load;
mod order;
pub(super) mod rush;
mod stack;
mod vendure;

use std::time::Duration;

use self::customer::{Buyer, Page};
use self::load::{Load, at_rate, flat_out};
use self::stack::Stack;
use self::vendure::Vendure;
use super::load::{median, percentile};
use super::report::{Better, Report};

/// What is built for it.
pub(super) const PACKAGES: &[&str] = &[
    "api-gateway",
    "user-service/postgres",
    "catalog-service/postgres",
    "cart-service/postgres",
    "order-service/postgres",
    "storefront",
    "psp-sim",
    "shopload",
];

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
/// Kept connections that ask for pages and lists.
const READERS: usize = 32;
/// Customers that buy at the same time, when as much as possible is bought.
const BUYERS: usize = 24;
/// Orders a second, and customers that share them, when it is measured how long a checkout takes.
const RATE: u32 = 500;
const PACED: usize = 64;

const RATE_OF_REQUESTS: (&str, &str, Better) = ("throughput", "req/s", Better::Higher);
const RATE_OF_ORDERS: (&str, &str, Better) = ("throughput", "orders/s", Better::Higher);
const P50: (&str, &str, Better) = ("p50", "ms", Better::Lower);
const P99: (&str, &str, Better) = ("p99", "ms", Better::Lower);

pub(super) fn run(report: &mut Report) -> Result<(), String> {
    let Some(mut stack) = Stack::on_postgres()? else {
        return Err(
            "PostgreSQL is not installed, and without it this measures nothing\nhint: apt-get install postgresql"
                .to_owned(),
        );
    };
    report.say(&format!(
        "PostgreSQL {}; {} cores",
        stack.server_says("show server_version")?,
        std::thread::available_parallelism().map_or(0, usize::from)
    ));
    starts(report, &mut stack)?;
    stack.start_all()?;
    memory(report, &stack)?;
    let peer = Vendure::start(&stack, &|line| report.say(line))?;
    let acknowledged = rounds(report, &stack, peer.as_ref())?;
    drop(peer);
    report.say("asking the services what they can prove");
    let violations = stack.verify(&acknowledged)?;
    report.add(
        "after all of it",
        ("violations", "", Better::Lower),
        violations,
        None,
    );
    Ok(())
}

/// Each service started several times on a schema that is there, as after a deployment's migration.
fn starts(report: &mut Report, stack: &mut Stack) -> Result<(), String> {
    report.say("starting each service");
    for (service, mut took) in stack.ready_times(ROUNDS)? {
        let case = format!("{service} started");
        report.add(&case, ("ready", "ms", Better::Lower), median(&mut took), None);
    }
    Ok(())
}

fn memory(report: &mut Report, stack: &Stack) -> Result<(), String> {
    // Connections are opened and first rounds of background work are done by then.
    std::thread::sleep(Duration::from_secs(3));
    let (resident, proportional) = stack.memory_mib()?;
    let case = "six services, idle";
    report.add(case, ("rss", "MiB", Better::Lower), resident, None);
    report.add(case, ("pss", "MiB", Better::Lower), proportional, None);
    Ok(())
}

/// Figures of one case, one per round.
#[derive(Default)]
struct Case {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Case {
    fn note(&mut self, mut load: Load) {
        load.took_ms.sort_by(f64::total_cmp);
        self.rate.push(load.rate);
        self.p50.push(percentile(&load.took_ms, 0.50));
        self.p99.push(percentile(&load.took_ms, 0.99));
    }

    fn medians(&mut self) -> [f64; 3] {
        [&mut self.rate, &mut self.p50, &mut self.p99].map(|values| median(values))
    }
}

#[derive(Default)]
struct Cases {
    page: Case,
    packed: Case,
    html: Case,
    list: Case,
    bought: Case,
    paced: Case,
    peer_list: Case,
    peer_bought: Case,
}

/// Says which orders were answered as paid.
fn rounds(report: &mut Report, stack: &Stack, peer: Option<&Vendure>) -> Result<Vec<String>, String> {
    let skus = stack.fill_shelves()?;
    let gateway = stack.gateway();
    let mut cases = Cases::default();
    let mut acknowledged = Vec::new();
    for round in 1..=ROUNDS {
        report.say(&format!("round {round} of {ROUNDS}"));
        let readers = |page: &dyn Fn(usize) -> Page| (0..READERS).map(page).collect::<Vec<_>>();
        cases.page.note(flat_out(
            readers(&|number| Page::product(gateway, &skus[number % skus.len()])),
            ROUND,
        )?);
        cases.packed.note(flat_out(
            readers(&|number| Page::product_packed(gateway, &skus[number % skus.len()])),
            ROUND,
        )?);
        cases.html.note(flat_out(
            readers(&|number| Page::html(gateway, &skus[number % skus.len()])),
            ROUND,
        )?);
        cases.list.note(flat_out(
            readers(&|number| Page::list_missed(gateway, round, number)),
            ROUND,
        )?);
        let buyers = |count: usize| (0..count).map(|_| Buyer::new(gateway, &skus)).collect::<Vec<_>>();
        let mut bought = flat_out(buyers(BUYERS), ROUND)?;
        acknowledged.append(&mut bought.acknowledged);
        cases.bought.note(bought);
        let mut paced = at_rate(buyers(PACED), RATE, ROUND)?;
        acknowledged.append(&mut paced.acknowledged);
        cases.paced.note(paced);
        if let Some(peer) = peer {
            cases.peer_list.note(flat_out(peer.readers(READERS), ROUND)?);
            cases.peer_bought.note(flat_out(peer.buyers(BUYERS), ROUND)?);
        }
    }
    tell(report, &mut cases, peer.is_some());
    Ok(acknowledged)
}

fn tell(report: &mut Report, cases: &mut Cases, beside: bool) {
    let kept = [
        ("product, cached", &mut cases.page),
        ("product, cached, brotli accepted", &mut cases.packed),
        ("product as a web page", &mut cases.html),
    ];
    for (case, figures) in kept {
        let [rate, _, p99] = figures.medians();
        report.add(case, RATE_OF_REQUESTS, rate, None);
        report.add(case, P99, p99, None);
    }
    let peer = |figures: &mut Case, index: usize| beside.then(|| ("vendure", figures.medians()[index]));
    let [rate, _, p99] = cases.list.medians();
    let case = "list of 24, cache missed";
    report.add(case, RATE_OF_REQUESTS, rate, peer(&mut cases.peer_list, 0));
    report.add(case, P99, p99, peer(&mut cases.peer_list, 2));
    let [rate, p50, p99] = cases.bought.medians();
    let case = format!("cart and checkout, {BUYERS} at once");
    report.add(&case, RATE_OF_ORDERS, rate, peer(&mut cases.peer_bought, 0));
    report.add(&case, P50, p50, peer(&mut cases.peer_bought, 1));
    report.add(&case, P99, p99, peer(&mut cases.peer_bought, 2));
    let [rate, p50, p99] = cases.paced.medians();
    let case = format!("cart and checkout, {RATE}/s");
    report.add(&case, RATE_OF_ORDERS, rate, None);
    report.add(&case, P50, p50, None);
    report.add(&case, P99, p99, None);
}
