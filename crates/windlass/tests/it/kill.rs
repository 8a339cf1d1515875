//! SIGKILL of the controller's process at every position of a rollout: no request is lost, and the rollout ends as it would
//! have.

use std::collections::BTreeSet;

use super::customers::{Customers, get};
use super::place::{Place, until};

/// Fewest different numbers of events of a rollout after which its controller was killed.
const POSITIONS_MIN: usize = 20;
/// More rollouts than there are positions.
const ROLLOUTS_MAX: u64 = 60;

#[test]
fn a_controller_may_be_killed_at_every_position_of_a_rollout() {
    let place = Place::new(
        "    strategy: blue-green\n    watch: 300ms\n    analysis: { every: 100ms, requests: 5, inconclusive: wait }\n",
    );
    let first = place.commit("r0", "");
    let mut controller = place.serve();
    // Without customers there is no verdict: they come first.
    until("somebody to be served", || {
        (get(place.port, "/buy") == "200 r0").then_some(())
    });
    let customers = Customers::of(place.port, "/buy");
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=ROLLOUTS_MAX {
        // Every third release fails during its watch: the way back has positions too.
        let fault = if number % 3 == 0 { "buy" } else { "" };
        let positions = if fault.is_empty() { &mut good } else { &mut bad };
        let wanted = (1..=ROLLOUTS_MAX)
            .find(|position| !positions.contains(position))
            .unwrap();
        let before = settled(&controller);
        let release = place.commit(&format!("r{number}"), fault);
        let reached = until(&format!("event {wanted} of {release}"), || {
            let view = controller.view();
            let done = view.environments[0]
                .history
                .iter()
                .any(|ended| ended.release == release);
            (done || view.seq >= before + wanted).then_some(!done)
        });
        controller.kill();
        controller = place.serve();
        let outcome = controller.ended(&release).outcome;
        assert_eq!(
            outcome,
            if fault.is_empty() {
                "promoted"
            } else {
                "rolled-back"
            },
            "killed after event {wanted}"
        );
        positions.insert(wanted);
        if !reached && good.len() + bad.len() >= POSITIONS_MIN {
            break;
        }
    }
    assert!(good.len() + bad.len() >= POSITIONS_MIN, "{good:?} {bad:?}");
    let seen = customers.stop();
    let lost = |answer: &str| !answer.starts_with("200 r") && !answer.starts_with("500 r");
    assert!(!seen.keys().any(|answer| lost(answer)), "{seen:?}");
    let verified = place.json(&["ledger", "verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
}

/// The number of the last event once nothing is under way.
fn settled(controller: &super::place::Controller) -> u64 {
    let mut last = 0;
    until("the rollout before to be over", || {
        let view = controller.view();
        let quiet = view.environments[0].rollout.is_none() && view.seq == last;
        last = view.seq;
        quiet.then_some(last)
    })
}
