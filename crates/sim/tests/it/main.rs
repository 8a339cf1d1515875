//! The simulated worlds of every test run.

use windlass_sim::explore::{SETUPS, explore};
use windlass_sim::positions::{SCENARIOS, cover, cover_in};
use windlass_sim::world::Sabotage;
use windlass_sim::{Summary, run, run_in};

/// Worlds of a test run.
const SEEDS: u64 = 30;
/// Things that happen in each.
const EVENTS: u32 = 300;
/// Events in any order after each state of a rollout that goes well.
const DEPTH: usize = 3;
/// What is not too few states for that.
const STATES_MIN: usize = 1_000;

#[test]
fn every_invariant_holds_in_every_world() {
    let mut total = Summary::default();
    for seed in 0..SEEDS {
        match run(seed, EVENTS) {
            Ok(summary) => {
                total.events += summary.events;
                total.promoted += summary.promoted;
                total.rolled_back += summary.rolled_back;
                total.refused += summary.refused;
                total.crashes += summary.crashes;
            }
            Err(failure) => panic!(
                "{failure}\nreproduce: cargo run -p windlass-sim --bin soak -- --from {seed} --seeds 1 --events {EVENTS}"
            ),
        }
    }
    // Worlds in which nothing happens prove nothing.
    let each = usize::try_from(SEEDS).unwrap();
    assert!(total.promoted > each && total.refused > each / 2, "{total:?}");
    assert!(total.rolled_back > each / 4 && total.crashes > each, "{total:?}");
}

/// One test each, so that they run beside one another.
fn every_order(name: &str) -> String {
    let found = SETUPS.iter().find(|setup| setup.name == name);
    let setup = found.unwrap_or_else(|| panic!("no setup {name}"));
    let explored = explore(setup, DEPTH, usize::MAX).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(
        explored.depth == DEPTH && explored.states > STATES_MIN,
        "{explored}"
    );
    format!("{name}: {explored}")
}

#[test]
fn no_order_of_events_breaks_blue_green() {
    println!("{}", every_order("blue-green"));
}

#[test]
fn no_order_of_events_breaks_a_canary() {
    println!("{}", every_order("canary"));
}

#[test]
fn no_order_of_events_breaks_recreate() {
    println!("{}", every_order("recreate"));
}

#[test]
fn no_order_of_events_breaks_rolling() {
    println!("{}", every_order("rolling"));
}

#[test]
fn no_order_of_events_breaks_approval() {
    println!("{}", every_order("approval"));
}

#[test]
fn a_rollout_ends_the_same_wherever_the_controller_dies() {
    let (mut positions, mut deaths) = (0, 0);
    for scenario in &SCENARIOS {
        let covered = cover(scenario).unwrap_or_else(|wrong| panic!("{wrong}"));
        println!(
            "{}: {} positions, {} deaths",
            scenario.name, covered.positions, covered.deaths
        );
        // Two releases are more actions than this, whatever the strategy.
        assert!(
            covered.positions >= 15 && covered.deaths == 3 * covered.positions,
            "{covered:?}"
        );
        positions += covered.positions;
        deaths += covered.deaths;
    }
    println!(
        "{} scenarios: {positions} positions, {deaths} deaths",
        SCENARIOS.len()
    );
}

#[test]
fn each_checker_finds_what_it_is_there_for() {
    let found = [
        (Sabotage::Forgetful, "every action of the outbox is answered"),
        (Sabotage::Belated, "two controllers never have double effect"),
        (Sabotage::Unfenced, "two controllers never have double effect"),
        (Sabotage::Stubborn, "a rollback comes within its bound"),
        (Sabotage::Sweeping, "an environment stops only what it owns"),
        (Sabotage::Hasty, "no request is lost while a ready track exists"),
        (Sabotage::Idle, "at rest, what runs is what is desired"),
        (Sabotage::Endless, "every world comes to rest"),
        (Sabotage::Torn, "the ledger gives the state back"),
        (Sabotage::Curt, "every refusal says why and what to do"),
    ];
    for (sabotage, checker) in found {
        let first = |seed| run_in(seed, EVENTS, Some(sabotage)).err();
        let mut others = Vec::new();
        let found = (0..SEEDS).filter_map(first).any(|failure| {
            others.push(failure.checker);
            failure.checker == checker
        });
        assert!(found, "{sabotage:?} is found by {others:?}");
    }
}

#[test]
fn a_controller_that_forgets_its_outbox_is_found_out() {
    for scenario in &SCENARIOS {
        assert!(
            cover_in(scenario, Some(Sabotage::Forgetful)).is_err(),
            "{}",
            scenario.name
        );
    }
}
