//! Releases from commit to customers and back, while customers go on asking.

use super::customers::{Customers, get};
use super::place::{Place, git, until};

/// A watch that is long enough for a verdict about what fails every time.
const WATCHED: &str = "    strategy: blue-green\n    watch: 2s\n    analysis: { requests: 20 }\n";

#[test]
fn good_releases_serve_and_bad_ones_do_not_stay() {
    let place = Place::new(WATCHED);
    let first = place.commit("one", "");
    let controller = place.controller();
    let ended = controller.ended(&first);
    assert_eq!(
        (ended.outcome.as_str(), ended.reason.as_str()),
        ("promoted", ended.reason.as_str()),
        "{ended:?}"
    );
    assert_eq!(get(place.port, "/"), "200 one");
    let customers = Customers::of(place.port, "/buy");

    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    assert!(ended.switch_ms.is_some());
    assert_eq!(get(place.port, "/buy"), "200 two");

    let never_ready = place.commit("three", "never-ready");
    let ended = controller.ended(&never_ready);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("refused", "readiness"),
        "{ended:?}"
    );
    assert!(
        ended.reason.contains("web") && ended.reason.contains("503"),
        "{}",
        ended.reason
    );

    let unmigrated = place.commit_with("four", "", 1);
    let ended = controller.ended(&unmigrated);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("refused", "migration"),
        "{ended:?}"
    );
    assert!(ended.reason.contains("going away with 1"), "{}", ended.reason);

    let seen = customers.seen();
    assert!(
        seen.keys()
            .all(|answer| answer == "200 one" || answer == "200 two"),
        "{seen:?}"
    );

    let broken = place.commit("five", "buy");
    let ended = controller.ended(&broken);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("rolled-back", "analysis"),
        "{ended:?}"
    );
    assert!(ended.rollback_ms.is_some());
    assert_eq!(get(place.port, "/buy"), "200 two");
    let staging = controller.staging();
    assert_eq!(
        staging.live.as_ref().map(|live| live.release.as_str()),
        Some(second.as_str())
    );
    let held: Vec<_> = staging.holds.iter().map(|hold| hold.release.as_str()).collect();
    assert_eq!(held, [never_ready.as_str(), unmigrated.as_str(), broken.as_str()]);
    let branch = format!("windlass/revert-{}", broken.trim_start_matches("sha-"));
    let proposed = until("the proposed revert", || {
        git(&place.root(), &["branch", "--list", &branch])
            .contains(&branch)
            .then_some(&branch)
    });
    let values = git(&place.root(), &["show", &format!("{proposed}:chart/values.yaml")]);
    assert!(values.contains("greeting: four"), "{values}");
    let seen = customers.stop();
    let lost: Vec<_> = seen
        .keys()
        .filter(|answer| !["200 one", "200 two", "200 five", "500 five"].contains(&answer.as_str()))
        .collect();
    assert!(lost.is_empty(), "{seen:?}");
}
