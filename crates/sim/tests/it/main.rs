//! The simulated worlds of every test run.

use windlass_sim::explore::explore;
use windlass_sim::positions::{SCENARIOS, cover, cover_in};
use windlass_sim::world::Sabotage;
use windlass_sim::{Summary, run, run_in};

/// Worlds of a test run.
const SEEDS: u64 = 30;
/// Things that happen in each.
const EVENTS: u32 = 300;
/// States of one environment that are looked at, and how far from the first one they go at least.
const STATES: usize = 1_500;
const DEPTH: usize = 11;

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

#[test]
fn no_order_of_events_leads_to_a_state_that_must_not_be() {
    let explored = explore(STATES).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(
        explored.states >= STATES && explored.depth >= DEPTH,
        "{explored:?}"
    );
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
        let failures: Vec<&str> = (0..SEEDS)
            .filter_map(first)
            .map(|one| one.checker)
            .take(5)
            .collect();
        assert!(
            failures.contains(&checker),
            "{sabotage:?} is found by {failures:?}"
        );
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
