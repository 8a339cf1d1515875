//! Far more customers than pieces, on files and on PostgreSQL: exactly what is there is sold, nobody who was told so is
//! forgotten, and carts that name the same products in either order never wait for each other in a circle.

use super::customer::Rusher;
use super::load::so_often;
use super::stack::Stack;
use crate::bench::load::to_f64;
use crate::bench::report::{Better, Report};

/// Pieces of each of the two products, attempts to buy one of each, and customers at the same time.
const PIECES: u32 = 500;
const ATTEMPTS: usize = 30_000;
const AT_ONCE: usize = 64;
const PRODUCTS: [&str; 2] = ["KIT-001", "KIT-002"];

/// `cargo xtask bench rush`.
pub(crate) fn run(report: &mut Report) -> Result<(), String> {
    rush(report, "SQLite", Stack::on_files()?)?;
    if let Some(stack) = Stack::on_postgres()? {
        return rush(report, "PostgreSQL", stack);
    }
    report.say("PostgreSQL is not installed: only files were tried");
    Ok(())
}

fn rush(report: &mut Report, store: &str, mut stack: Stack) -> Result<(), String> {
    report.say(&format!("{ATTEMPTS} attempts on {store}"));
    stack.start_all()?;
    for sku in PRODUCTS {
        stack.stock(sku, PIECES)?;
    }
    let [one, other] = PRODUCTS;
    let customers = (0..AT_ONCE)
        .map(|_| Rusher::new(stack.gateway(), one, other))
        .collect();
    let load = so_often(customers, ATTEMPTS)?;
    let case = format!("{PIECES} pieces, {ATTEMPTS} attempts, {store}");
    let sold = to_f64(load.acknowledged.len() as u64);
    report.add(&case, ("sold", "orders", Better::Higher), sold, None);
    report.add(
        &case,
        ("throughput", "attempts/s", Better::Higher),
        load.rate,
        None,
    );
    let deadlocks = stack.server_says("select sum(deadlocks) from pg_stat_database")?;
    if let Ok(deadlocks) = deadlocks.parse() {
        report.add(&case, ("deadlocks", "", Better::Lower), deadlocks, None);
    }
    let violations = stack.verify(&load.acknowledged)?;
    report.add(&case, ("violations", "", Better::Lower), violations, None);
    if load.acknowledged.len() == PIECES as usize {
        return Ok(());
    }
    Err(format!("{case}: {sold} were sold"))
}
