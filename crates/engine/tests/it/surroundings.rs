//! What happens around a controller: repositories that go away and come back or are rewritten, machines that restart.

use std::fs;

use super::customers::get;
use super::place::{Place, Running, git, until};

/// Nothing of a watch, as it is not what these tests are about.
const QUICK: &str = "    strategy: blue-green\n    watch: 0s\n";

#[test]
fn a_repository_that_goes_away_or_is_rewritten_is_a_warning_and_not_an_end() {
    let place = Place::new(QUICK);
    let controller = place.controller();
    warned(&controller, "has no commit yet");
    let first = place.commit("one", "");
    assert_eq!(controller.ended(&first).outcome, "promoted");

    let (repository, away) = (place.root().join(".git"), place.root().join("away"));
    fs::rename(&repository, &away).unwrap();
    warned(&controller, "is not a git repository");
    assert_eq!(get(place.port, "/"), "200 one");
    fs::rename(&away, &repository).unwrap();

    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    git(&place.root(), &["reset", "-q", "--hard", "HEAD~1"]);
    let third = place.commit("three", "");
    warned(&controller, "develop was rewritten");
    warned(
        &controller,
        "hint: if that was a mistake, push the old commit again",
    );
    assert_eq!(controller.ended(&third).outcome, "promoted");
    assert_eq!(get(place.port, "/"), "200 three");

    let fourth = place.commit("four", "");
    assert_eq!(controller.ended(&fourth).outcome, "promoted");
    let warnings = &controller.view().warnings;
    assert!(warnings.is_empty(), "the next commit clears it: {warnings:?}");
}

#[test]
fn what_served_serves_again_after_a_restart_of_the_machine() {
    let mut place = Place::new(QUICK);
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    controller.kill();
    place.reboot();
    let controller = place.controller();
    until("customers to be served", || {
        (get(place.port, "/") == "200 one").then_some(())
    });
    let staging = controller.staging();
    assert_eq!(staging.live.map(|live| live.release), Some(first));
    assert!(
        staging.holds.is_empty() && staging.rollout.is_none(),
        "{}",
        staging.summary
    );
}

fn warned(controller: &Running, of: &str) {
    until(&format!("a warning that something {of}"), || {
        let warnings = controller.view().warnings.clone();
        warnings.iter().any(|warning| warning.contains(of)).then_some(())
    });
}
