//! `cargo xtask fuzz [TARGET] [RUNS]`: broken input for the readers of charts. The same seed gives the same inputs, so a
//! failure is found again; the test runs a few hundred of each.

mod corpus;
mod mutate;
mod target;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

pub(crate) use mutate::Random;
use target::TARGETS;

/// Runs of each target when no number is given.
const RUNS: u64 = 10_000;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let runs = arguments
        .iter()
        .find_map(|it| it.replace([',', '_'], "").parse().ok())
        .unwrap_or(RUNS);
    let chosen = arguments
        .iter()
        .find(|it| TARGETS.iter().any(|target| target.0 == it.as_str()));
    for (name, corpus, target) in TARGETS.iter().filter(|it| chosen.is_none_or(|name| name == it.0)) {
        if let Err(message) = fuzz(name, corpus, *target, runs) {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
        println!("{name}: {runs} runs, no crash");
    }
    ExitCode::SUCCESS
}

fn fuzz(name: &str, corpus: &[&[u8]], target: fn(&[u8]) -> bool, runs: u64) -> Result<(), String> {
    for number in 0..runs {
        let mut random = Random::new(number);
        let input = mutate::input(corpus, &mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
        if !matches!(outcome, Ok(true)) {
            let shown = String::from_utf8_lossy(&input).into_owned();
            return Err(format!("{name}: run {number} fails on {shown:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_input_never_crashes_a_reader() {
        for (name, corpus, target) in TARGETS {
            fuzz(name, corpus, *target, 150).unwrap();
        }
    }
}
