//! The programs below `verify` in windlass.yaml, run against a release that no customer has met.

use std::path::Path;

use super::customers::Customers;
use super::place::{Place, until};

/// Greets at the preview address and as customers do, writes down who answered, and fails or hangs for some releases.
const CHECK: &str = r#"
ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET / HTTP/1.0\r\nHost: shop\r\n\r\n' >&3
    tail -n 1 <&3
}
new=$(ask "${PREVIEW_URL##*:}")
old=$(ask CUSTOMERS 2>/dev/null)
echo "$old, soon $new" >> SEEN
case $new in
three) echo "one too many: $new"; echo "no room" >&2; exit 5 ;;
four) sleep 600 & echo $! > LEFT; echo "waiting for a guest"; wait ;;
esac
"#;

#[test]
fn programs_meet_a_release_before_customers_do_and_decide_whether_they_will() {
    let place = Place::new(
        "    strategy: blue-green\n    watch: 0s\n    verify: [{ name: greets, run: [bash, check.sh], timeout: 3s }]\n",
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let (seen, left) = (elsewhere.path().join("seen"), elsewhere.path().join("left"));
    let check = CHECK
        .replace("CUSTOMERS", &place.port.to_string())
        .replace("SEEN", &seen.display().to_string())
        .replace("LEFT", &left.display().to_string());
    place.write("check.sh", &check);
    let first = place.commit("one", "");
    // What is on disk meanwhile belongs to no release.
    place.write("check.sh", "exit 9\n");
    let controller = place.controller();
    let ended = controller.ended(&first);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    let customers = Customers::of(place.port, "/");
    place.write("check.sh", &check);
    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.ends_with("\none, soon two\n"), "{seen}");

    let third = place.commit("three", "");
    let ended = controller.ended(&third);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("refused", "verification"),
        "{ended:?}"
    );
    // Both of its outputs, in their order.
    let said = "greets failed (exit status: 5): one too many: three\nno room";
    assert!(ended.reason.contains(said), "{}", ended.reason);

    let fourth = place.commit("four", "");
    let ended = controller.ended(&fourth);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    let said = "greets does not end within 3s: waiting for a guest";
    assert!(ended.reason.contains(said), "{}", ended.reason);
    let left = Path::new("/proc").join(std::fs::read_to_string(left).unwrap().trim());
    until("what the program started to end with it", || {
        let state = std::fs::read_to_string(left.join("stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });

    let seen = customers.stop();
    let others: Vec<_> = seen
        .keys()
        .filter(|answer| !["200 one", "200 two"].contains(&answer.as_str()))
        .collect();
    assert!(others.is_empty(), "{seen:?}");
}

#[test]
fn a_program_that_is_not_there_is_named_and_refuses_the_release() {
    let place = Place::new(
        "    strategy: blue-green\n    watch: 0s\n    verify: [{ name: greets, run: [no-such-program] }]\n",
    );
    let first = place.commit("one", "");
    let ended = place.controller().ended(&first);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    for word in ["greets cannot be started", "no-such-program", "hint: "] {
        assert!(ended.reason.contains(word), "{}", ended.reason);
    }
}
