//! What is wrong is said with the thing, the cause and a hint, with the exit code of the design, and what serves serves on.

use std::net::TcpListener;
use std::process::Output;

use super::customers::get;
use super::place::Place;

const QUICK: &str = "    watch: 0s\n";

/// Runs the program and expects this exit code and all of these words in what it says.
fn says(place: &Place, arguments: &[&str], code: i32, words: &[&str]) -> Output {
    let output = place.run(arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{arguments:?} does not say {word:?}: {text}");
    }
    output
}

#[test]
fn a_mistake_in_the_configuration_is_shown_at_its_place_before_anything_starts() {
    let place = Place::new(QUICK);
    let good = place.read("windlass.yaml");
    for (from, to, expected) in [
        (
            "watch:",
            "wacth:",
            "windlass.yaml:10:5: unknown key `wacth` in an environment",
        ),
        (
            "watch: 0s",
            "watch: soon",
            "windlass.yaml:10:12: expected a time such as `90s`",
        ),
        (
            "web: {",
            "web: { needs: [wbe],",
            "`web` names the service `wbe`, which is not listed",
        ),
        (
            "web: {",
            "web: { needs: [web],",
            "services need each other in a circle: web -> web",
        ),
        ("platform: shop", "platform: [shop", "this is not YAML"),
    ] {
        assert!(good.contains(from), "{from}");
        place.write("windlass.yaml", &good.replace(from, to));
        for verb in [&["up", "--detach"][..], &["serve"], &["guard", "check"]] {
            says(&place, verb, 1, &["error: ", expected, "hint: "]);
        }
        assert!(!place.state().exists(), "nothing was started");
    }
    let output = says(&place, &["up", "-o", "json"], 1, &[]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        document["error"].as_str().unwrap().contains("not YAML"),
        "{document}"
    );
    assert!(!document["hints"].as_array().unwrap().is_empty(), "{document}");
}

#[test]
fn wrong_usage_and_a_missing_platform_have_exit_codes_of_their_own() {
    let place = Place::new(QUICK);
    says(&place, &["deploy"], 2, &["unrecognized subcommand", "--help"]);
    says(&place, &["approve"], 2, &["required", "--help"]);
    says(
        &place,
        &["status"],
        1,
        &["no controller is running", "hint: `windlass up` starts it"],
    );
    std::fs::remove_file(place.root().join("windlass.yaml")).unwrap();
    says(&place, &["status"], 1, &["there is no windlass.yaml", "hint: "]);
}

#[test]
fn a_second_controller_and_a_taken_port_are_refused_and_the_first_goes_on() {
    let place = Place::new(QUICK);
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let second = ["serve", "--listen", "127.0.0.1:0"];
    says(
        &place,
        &second,
        1,
        &[
            "error: another controller is working on",
            ".windlass",
            "hint: `windlass status` talks to the one",
        ],
    );
    let next = place.commit("two", "");
    assert_eq!(controller.ended(&next).outcome, "promoted");
    controller.kill();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    says(
        &place,
        &["serve", "--listen", &address],
        1,
        &[&address, "cannot be listened on", "hint: ", "`--listen`"],
    );
    assert_eq!(get(place.port, "/"), "200 two");
}

#[test]
fn nothing_is_decided_from_a_corrupted_ledger_and_customers_are_served_on() {
    let place = Place::new(QUICK);
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    controller.kill();
    says(&place, &["ledger", "verify"], 0, &["verified: ", "next: "]);
    // What was written last may still be beside the file, and pages keep what was deleted: all of them are changed.
    let path = place.state().join("ledger.db");
    let mut found = 0;
    for file in [path.with_extension("db-wal"), path] {
        let mut bytes = std::fs::read(&file).unwrap_or_default();
        let windows = bytes.windows(QUOTE.len()).enumerate();
        let places: Vec<_> = windows
            .filter(|(_, window)| *window == QUOTE)
            .map(|(at, _)| at)
            .collect();
        for at in &places {
            bytes[*at] ^= 0x01;
        }
        if !places.is_empty() {
            std::fs::write(&file, bytes).unwrap();
        }
        found += places.len();
    }
    assert!(found > 0, "the event is in one of the files");
    for verb in [&["ledger", "verify"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        says(&place, verb, 1, &["the ledger ", "ledger.db", "hint: "]);
    }
    assert_eq!(get(place.port, "/"), "200 one");
}

/// Part of an event: what the commit says.
const QUOTE: &[u8] = b"Say one";

#[test]
fn waiting_for_a_person_is_neither_success_nor_failure() {
    let place =
        Place::new("    watch: 0s\n    deploy: { approvals: 1, people: [Ada] }\n    break-glass: [Dee]\n");
    let first = place.commit("one", "");
    let controller = place.serve();
    super::place::until("the gate", || controller.staging().waits_for_person.then_some(()));
    says(&place, &["status"], 3, &["0 of 1 approvals", "next: windlass "]);
    says(&place, &["why", "staging"], 3, &["windlass approve staging"]);
    says(
        &place,
        &["approve", "staging", "--as", "Bob"],
        1,
        &["Bob may not decide about staging", "hint: these people may: Ada"],
    );
    says(
        &place,
        &["approve", "staging", "--as", "Ada", "--break-glass", "-m", "now"],
        1,
        &[
            "Ada may not pass the gates of staging in an emergency",
            "hint: these people may: Dee",
        ],
    );
    says(
        &place,
        &["approve", "staging", "--as", "Ada", "-m", "fine", "--wait"],
        0,
        &[],
    );
    assert_eq!(controller.ended(&first).outcome, "promoted");
    says(&place, &["status"], 0, &[&first]);
}
