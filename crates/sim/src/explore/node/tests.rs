//! What the search would find, made on purpose.

use super::*;
use crate::explore::SETUPS;

/// The second release of blue-green, before its plan.
fn node() -> Node {
    Node::start(&SETUPS[0]).unwrap()
}

#[test]
fn an_outcome_that_would_count_twice_is_found() {
    let mut node = node();
    assert_eq!(node.check(), Ok(()));
    let action = node.pending[0].clone();
    node.last = node.clone().outcome(&action, None);
    assert!(node.check().unwrap_err().contains("once more"));
}

#[test]
fn a_rollout_whose_action_is_forgotten_is_found() {
    let crashed = node().after(&Move::Crash(0)).unwrap();
    assert_eq!(crashed.pending, node().pending);
    let mut forgetful = crashed;
    forgetful.pending.clear();
    assert!(forgetful.check().unwrap_err().contains("waits for nothing"));
}

#[test]
fn customers_on_a_track_that_was_never_ready_are_found() {
    let mut node = node();
    while !matches!(node.pending[..], [Action::Route { .. }]) {
        node = node.after(&Move::Done(0)).unwrap();
    }
    let green = node.tracks.get_mut(&Color::Green).unwrap();
    green.1 = false;
    assert!(node.after(&Move::Done(0)).is_err());
}

#[test]
fn a_route_that_is_older_than_the_one_in_force_is_refused() {
    let mut node = node();
    while !matches!(node.pending[..], [Action::Route { .. }]) {
        node = node.after(&Move::Done(0)).unwrap();
    }
    node.newest.1 = u64::MAX;
    let before = node.weights.clone();
    assert_eq!(node.after(&Move::Done(0)).unwrap().weights, before);
}
