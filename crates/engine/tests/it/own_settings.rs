//! windlass.yaml is part of a commit: what it says counts for that commit's release. And development, which has no commits.

use super::customers::{Customers, get};
use super::place::{Place, until};
use super::port::free_port;

const QUICK: &str = "    strategy: blue-green\n    watch: 0s\n";

#[test]
fn a_commit_changes_its_environment_and_what_needs_a_new_start_is_told() {
    let place = Place::new(QUICK);
    let good = place.read("windlass.yaml");
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let customers = Customers::of(place.port, "/");

    // In place instead of beside, with a checklist that waits for a person who vouches.
    let gated =
        good.replace("blue-green", "recreate") + "    gates: { checklist: [documentation-updated] }\n";
    place.write("windlass.yaml", &gated);
    let second = place.commit("two", "");
    let rollout = until("the gate of the second release", || {
        controller
            .staging()
            .rollout
            .filter(|rollout| rollout.phase == "gates")
    });
    let changes = rollout.plan.unwrap().changes;
    for line in [
        "windlass.yaml: strategy blue-green becomes recreate",
        "windlass.yaml: gates ",
    ] {
        assert!(
            changes.iter().any(|change| change.starts_with(line)),
            "{line}: {changes:?}"
        );
    }
    assert_eq!(
        rollout.waiting.unwrap().remedy,
        "windlass attest staging documentation-updated"
    );
    let other = free_port();
    let added = format!(
        "{}  qa: {{ source: {{ branch: qa }}, port: {other} }}\n",
        good.replace("blue-green", "recreate")
    );
    place.write("windlass.yaml", &added);
    let third = place.commit("three", "");
    assert_eq!(controller.ended(&second).outcome, "superseded");
    assert_eq!(controller.ended(&third).outcome, "promoted");
    let staging = controller.staging();
    assert_eq!((staging.strategy.as_str(), staging.tracks.len()), ("recreate", 1));
    let warnings = controller.view().warnings.clone();
    let told = warnings
        .iter()
        .find(|one| one.contains("adds the environment qa"));
    assert!(
        told.is_some_and(|one| one.contains("windlass up")),
        "{warnings:?}"
    );

    place.write("windlass.yaml", &good.replace("staging:", "qa:"));
    let fourth = place.commit("four", "");
    let ended = controller.ended(&fourth);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("refused", "plan")
    );
    assert!(
        ended.reason.contains("no longer has the environment staging") && ended.reason.contains("hint: "),
        "{}",
        ended.reason
    );
    // The old release stopped before the new one started: requests waited, and none was lost.
    let seen = customers.stop();
    assert!(
        seen.keys()
            .all(|answer| answer == "200 one" || answer == "200 three"),
        "{seen:?}"
    );
}

#[test]
fn development_runs_the_files_as_they_are_and_loses_no_request_while_it_starts_anew() {
    let place = Place::following("{ worktree: . }", "    strategy: recreate\n");
    place.values("one", "", 0);
    let controller = place.controller();
    until("the files to run", || {
        (get(place.port, "/") == "200 one").then_some(())
    });
    let customers = Customers::of(place.port, "/");
    place.values("two", "", 0);
    until("the changed files to run", || {
        (get(place.port, "/") == "200 two").then_some(())
    });
    // Customers are served a moment before that is written down.
    until("it to be written down", || controller.staging().live);
    let seen = customers.stop();
    assert!(
        seen.keys()
            .all(|answer| answer == "200 one" || answer == "200 two"),
        "{seen:?}"
    );
}
