//! What people decide by hand while customers are served: the way back above all, at any time.

use super::customers::{Customers, get};
use super::place::{Controller, Place, until};

/// A freeze that is on whenever this test runs.
const FREEZE: &str =
    "    freeze: [{ reason: sale, start: 2020-01-01T00:00:00Z, end: 2120-01-01T00:00:00Z }]\n";

/// Runs a command on staging; it must do what it says.
fn says(place: &Place, arguments: &[&str]) -> String {
    let [verb, rest @ ..] = arguments else {
        return String::new();
    };
    let output = place.run(&[&[verb, "staging", "--as", "Ada", "-m", "by hand"], rest].concat());
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{arguments:?}: {text:?}"
    );
    text.concat()
}

fn in_phase(controller: &Controller, release: &str, phase: &str) {
    until(&format!("{release} to be in {phase}"), || {
        let rollout = controller.staging().rollout?;
        (rollout.release == release && rollout.phase == phase && !rollout.paused).then_some(())
    });
}

/// It serves; the release before may still be kept warm.
fn serves(controller: &Controller, release: &str) {
    until(&format!("{release} to serve"), || {
        let staging = controller.staging();
        let over = staging.rollout.is_none_or(|rollout| rollout.phase == "clean");
        (over && staging.live?.release == release).then_some(())
    });
}

fn only(customers: Customers, allowed: &[&str]) {
    let seen = customers.stop();
    assert!(
        seen.keys().all(|answer| allowed.contains(&answer.as_str())),
        "{seen:?}"
    );
}

#[test]
fn the_way_back_needs_no_repository_no_old_track_and_heeds_no_freeze() {
    let place = Place::new("    strategy: blue-green\n    watch: 0s\n");
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let customers = Customers::of(place.port, "/");
    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    // Nothing of the release before runs any more.
    until("the release before to be cleaned up", || {
        let staging = controller.staging();
        (staging.rollout.is_none() && staging.tracks.len() == 1).then_some(())
    });
    controller.kill();
    place.write("windlass.yaml", &(place.read("windlass.yaml") + FREEZE));
    let controller = place.serve();
    let third = place.commit("three", "");
    until("the freeze to hold the next release up", || {
        let rollout = controller.staging().rollout?;
        let waiting = rollout.waiting.filter(|_| rollout.release == third)?;
        waiting.what.contains("sale").then_some(())
    });
    let (repository, away) = (place.root().join(".git"), place.root().join("away"));
    std::fs::rename(&repository, &away).unwrap();

    says(&place, &["rollback"]);
    until("the release before to serve again", || {
        let live = controller.staging().live?;
        (live.release == first).then_some(())
    });
    assert_eq!(get(place.port, "/"), "200 one");
    let staging = controller.staging();
    assert!(
        staging.holds.iter().any(|hold| hold.release == second),
        "{:?}",
        staging.holds
    );
    only(customers, &["200 one", "200 two"]);
}

#[test]
fn a_rollout_is_paused_resumed_given_up_tried_again_and_brought_to_its_end() {
    let place =
        Place::new("    strategy: blue-green\n    watch: 10m\n    analysis: { inconclusive: wait }\n");
    let first = place.commit("one", "");
    let controller = place.serve();
    in_phase(&controller, &first, "watch");
    says(&place, &["promote"]);
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let customers = Customers::of(place.port, "/");

    let second = place.commit("two", "");
    in_phase(&controller, &second, "watch");
    says(&place, &["pause"]);
    assert!(controller.staging().rollout.is_some_and(|rollout| rollout.paused));
    assert_eq!(get(place.port, "/"), "200 two");
    says(&place, &["resume"]);
    in_phase(&controller, &second, "watch");
    says(&place, &["abort"]);
    assert_eq!(controller.ended(&second).outcome, "aborted");
    serves(&controller, &first);
    assert_eq!(get(place.port, "/"), "200 one");

    says(&place, &["retry"]);
    in_phase(&controller, &second, "watch");
    says(&place, &["promote"]);
    serves(&controller, &second);

    // A hold keeps a release out, and its end lets it in again.
    says(&place, &["hold", &first]);
    let refused = place.run(&["promote", "staging", &first, "--as", "Ada"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("hint: "), "{text}");
    says(&place, &["hold", &first, "--clear"]);
    assert!(
        controller
            .staging()
            .holds
            .iter()
            .all(|hold| hold.release != first)
    );
    says(&place, &["promote", &first]);
    in_phase(&controller, &first, "watch");
    assert_eq!(get(place.port, "/"), "200 one");
    says(&place, &["promote"]);
    serves(&controller, &first);
    only(customers, &["200 one", "200 two"]);
}
