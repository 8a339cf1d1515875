//! `cargo xtask bench NAME [-o json]`: measurements, not tests. One file per benchmark; this one chooses, builds and prints.
//!
//! Budgets are goals: a run tells figures and never fails because of them.

mod backend;
mod converge;
mod load;
mod nginx;
mod place;
mod proxy;
pub(crate) mod render;
mod report;
mod shop;
mod switch;

use std::process::{Command, ExitCode};

use report::Report;

/// Name, what it measures, what it needs built in release (packages, or `package/feature`), and the function.
type Bench = (
    &'static str,
    &'static str,
    &'static [&'static str],
    fn(&mut Report) -> Result<(), String>,
);

/// Every benchmark. Append yours here.
const BENCHES: &[Bench] = &[
    (
        "converge",
        "objects on a real control plane: cold, unchanged, one changed, beside kubectl and helm 4",
        &[],
        converge::run,
    ),
    (
        "proxy",
        "throughput and added latency of the proxy, beside nginx and no proxy",
        &["windlass-proxy"],
        proxy::run,
    ),
    (
        "render",
        "charts rendered: whole processes beside both helms, and within this one",
        &["windlass"],
        render::run,
    ),
    (
        "rush",
        "500 pieces and tens of thousands of attempts to buy them, on SQLite and PostgreSQL",
        shop::PACKAGES,
        shop::rush::run,
    ),
    (
        "shop",
        "pages, lists and checkouts of the shop on PostgreSQL, its memory and its start, beside Vendure",
        shop::PACKAGES,
        shop::run,
    ),
    (
        "switch",
        "requests lost in 1,000 switches and 100 rollbacks under load, beside nginx's reload",
        &["windlass-proxy"],
        switch::run,
    ),
];

/// `cargo xtask bench`.
#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if arguments.first().is_some_and(|word| word == backend::WORD) {
        return backend::main(arguments.get(1..).unwrap_or_default());
    }
    let name = arguments
        .iter()
        .find(|word| !word.starts_with('-') && *word != "json");
    let chosen = name.and_then(|name| BENCHES.iter().find(|bench| bench.0 == name.as_str()));
    let Some((name, _, packages, measure)) = chosen else {
        eprintln!("usage: cargo xtask bench NAME [-o json]\n");
        for (name, about, ..) in BENCHES {
            eprintln!("  {name:<12} {about}");
        }
        return ExitCode::from(2);
    };
    let json = arguments.windows(2).any(|pair| pair == ["-o", "json"]);
    let outcome = if cfg!(debug_assertions) {
        again_in_release(arguments)
    } else {
        build(packages).and_then(|()| {
            let mut report = Report::new(name, json);
            measure(&mut report)?;
            report.print();
            Ok(())
        })
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A load made by an unoptimised program measures the program.
fn again_in_release(arguments: &[String]) -> Result<(), String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    succeed(cargo.args(arguments))
}

fn build(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let mut cargo = Command::new("cargo");
    // As `./windlass` builds it: without the driver for Kubernetes, which no benchmark here uses.
    cargo.args(["build", "--quiet", "--release", "--no-default-features"]);
    for package in packages {
        match package.split_once('/') {
            Some((name, _)) => cargo.args(["--package", name, "--features", package]),
            None => cargo.args(["--package", package]),
        };
    }
    succeed(&mut cargo)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {status}"))
    }
}
