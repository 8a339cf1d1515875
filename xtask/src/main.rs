//! Development tasks, run as `cargo xtask TASK`. One file per task; this file only chooses.

mod bench;
mod cluster;
mod e2e;
mod fuzz;
mod health_cases;
mod parity;
mod previous;
mod tables;
mod tidy;

use std::process::ExitCode;

/// Name, what it does, and the function that does it with the rest of the arguments.
type Task = (&'static str, &'static str, fn(&[String]) -> ExitCode);

/// Every task. Append yours here.
const TASKS: &[Task] = &[
    (
        "bench",
        "measurements, beside a peer in the same run where there is one",
        bench::run,
    ),
    (
        "cluster",
        "a real Kubernetes control plane for tests, or for you to play with",
        cluster::run,
    ),
    (
        "e2e-cluster",
        "the shop on a real Kubernetes, switched and rolled back while customers buy",
        e2e::run,
    ),
    ("fuzz", "broken input for the readers of charts", fuzz::run),
    (
        "health-cases",
        "Argo CD's health scripts and rules, and what they say in its own cases",
        health_cases::run,
    ),
    (
        "parity",
        "our renders of charts beside those of the real helm",
        parity::run,
    ),
    (
        "peak",
        "the most memory that a program takes",
        bench::render::memory::run,
    ),
    (
        "previous",
        "the shop's services as they were before, for tests that run two builds",
        previous::run,
    ),
    (
        "tables",
        "table tests of Helm, sprig and the YAML library against ours",
        tables::run,
    ),
    ("tidy", "style that the compiler does not check", tidy::run),
];

#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = arguments
        .first()
        .and_then(|name| TASKS.iter().find(|task| task.0 == name.as_str()));
    if let Some((_, _, run)) = chosen {
        return run(arguments.get(1..).unwrap_or_default());
    }
    eprintln!("usage: cargo xtask TASK [ARGUMENTS]\n");
    for (name, about, _) in TASKS {
        eprintln!("  {name:<12} {about}");
    }
    ExitCode::from(2)
}
