//! Runs many worlds, and prints one line that reproduces the first failure: `soak [--from SEED] [--seeds N] [--events N]`,
//! or looks at every order of events up to a number of states of each setup: `soak --states N`.

use std::process::ExitCode;

use windlass_sim::explore::{SETUPS, explore};

/// Events of a world unless told otherwise.
const EVENTS: u64 = 500;
/// Worlds unless told otherwise.
const SEEDS: u64 = 1_000;

#[expect(clippy::print_stdout, reason = "its output is for the person who started it")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let place = words.iter().position(|word| word == name);
        let value = place.and_then(|place| words.get(place + 1));
        value.and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let states = number("--states", 0);
    if states > 0 {
        let states = usize::try_from(states).unwrap_or(usize::MAX);
        for setup in &SETUPS {
            match explore(setup, usize::MAX, states) {
                Ok(explored) => println!("{}: {explored}: every invariant held", setup.name),
                Err(wrong) => {
                    println!("{wrong}");
                    println!("reproduce: cargo run -p windlass-sim --bin soak -- --states {states}");
                    return ExitCode::FAILURE;
                }
            }
        }
        return ExitCode::SUCCESS;
    }
    let (from, seeds, events) = (
        number("--from", 0),
        number("--seeds", SEEDS),
        number("--events", EVENTS),
    );
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    let mut total = 0;
    for seed in from..from.saturating_add(seeds) {
        match windlass_sim::run(seed, events) {
            Ok(summary) => total += summary.events,
            Err(failure) => {
                println!("{failure}");
                println!(
                    "reproduce: cargo run -p windlass-sim --bin soak -- --from {seed} --seeds 1 --events {events}"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{seeds} worlds from seed {from}, {total} events: every invariant held");
    ExitCode::SUCCESS
}
