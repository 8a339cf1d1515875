//! Releases from commit to customers and back, while customers go on asking.

use std::collections::BTreeMap;

use windlass_core::view::HistoryView;

use super::customers::{Customers, get};
use super::place::{Place, Running, git, until};

/// A watch that is long enough for a verdict about what fails every time.
const WATCHED: &str = "    strategy: blue-green\n    watch: 2s\n    analysis: { requests: 20 }\n";

#[test]
fn good_releases_serve_and_bad_ones_do_not_stay() {
    let place = Place::new(WATCHED);
    let controller = {
        let first = place.commit("one", "");
        let controller = place.controller();
        expect(&controller, &first, ["promoted", "analysis"], "");
        controller
    };
    assert_eq!(get(place.port, "/"), "200 one");
    let customers = Customers::of(place.port, "/buy");

    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    assert!(ended.switch_ms.is_some());
    assert_eq!(get(place.port, "/buy"), "200 two");

    let never_ready = place.commit("three", "never-ready");
    expect(&controller, &never_ready, ["refused", "readiness"], "status 503");
    let unmigrated = place.commit_with("four", "", 1);
    expect(
        &controller,
        &unmigrated,
        ["refused", "migration"],
        "going away with 1",
    );
    only(&customers.seen(), &["200 one", "200 two"]);

    let broken = place.commit("five", "buy");
    let ended = expect(&controller, &broken, ["rolled-back", "analysis"], "");
    assert!(ended.rollback_ms.is_some());
    assert_eq!(get(place.port, "/buy"), "200 two");
    let staging = controller.staging();
    let live = staging.live.map(|live| live.release);
    assert_eq!(live.as_ref(), Some(&second));
    let held: Vec<_> = staging.holds.iter().map(|hold| hold.release.as_str()).collect();
    assert_eq!(held, [never_ready.as_str(), unmigrated.as_str(), broken.as_str()]);
    let branch = format!("windlass/revert-{}", broken.trim_start_matches("sha-"));
    until("the proposed revert", || {
        let branches = git(&place.root(), &["branch", "--list", &branch]);
        branches.contains(&branch).then_some(())
    });
    let values = git(&place.root(), &["show", &format!("{branch}:chart/values.yaml")]);
    assert!(
        values.contains("greeting: two"),
        "all that came after what serves is taken back: {values}"
    );
    only(&customers.stop(), &["200 one", "200 two", "200 five", "500 five"]);
}

#[test]
fn a_rolling_update_serves_all_the_time_and_stops_at_a_pod_that_is_never_ready() {
    let place = Place::new("    strategy: { rolling: {} }\n    watch: 0s\n");
    let first = place.commit("one", "");
    let controller = place.controller();
    expect(&controller, &first, ["promoted", "readiness"], "");
    let customers = Customers::of(place.port, "/");
    let second = place.commit("two", "");
    expect(&controller, &second, ["promoted", "readiness"], "");
    let third = place.commit("three", "never-ready");
    expect(&controller, &third, ["refused", "readiness"], "status 503");
    until("the second release to be back everywhere", || {
        let staging = controller.staging();
        let live = staging.live.map(|live| live.release);
        (live.as_ref() == Some(&second) && staging.rollout.is_none()).then_some(())
    });
    only(&customers.stop(), &["200 one", "200 two"]);
}

/// Waits for a release's end and checks outcome, who decided, and a part of the reason.
fn expect(controller: &Running, release: &str, [outcome, by]: [&str; 2], because: &str) -> HistoryView {
    let ended = controller.ended(release);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        (outcome, by),
        "{ended:?}"
    );
    assert!(ended.reason.contains(because), "{}", ended.reason);
    ended
}

/// Nothing but these answers was seen.
fn only(seen: &BTreeMap<String, usize>, allowed: &[&str]) {
    let other: Vec<_> = seen
        .keys()
        .filter(|answer| !allowed.contains(&answer.as_str()))
        .collect();
    assert!(other.is_empty(), "{seen:?}");
}

#[test]
fn a_business_metric_sends_back_what_no_probe_and_no_status_shows() {
    let place = Place::new(
        "    strategy: blue-green\n    watch: 3s\n    analysis:\n      requests: 10\n      inconclusive: wait\n      business: { paid: { service: web, good: orders_paid_total, of: orders_total, min: 50% } }\n",
    );
    let first = place.commit("one", "");
    let controller = place.controller();
    // Without customers there is no verdict.
    until("somebody to be served", || {
        (get(place.port, "/") == "200 one").then_some(())
    });
    let customers = Customers::of(place.port, "/buy");
    expect(&controller, &first, ["promoted", "analysis"], "");
    let second = place.commit("two", "unpaid");
    expect(&controller, &second, ["rolled-back", "analysis"], "paid");
    assert_eq!(get(place.port, "/buy"), "200 one");
    only(&customers.stop(), &["200 one", "200 two"]);
}
