//! What verbs print for programs.

use serde_json::Value;

use super::place::{Place, git, until};

#[test]
fn what_happened_can_be_exported_and_looked_at() {
    let place = Place::new("    watch: 0s\n");
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let verified = place.json(&["ledger", "verify"]);
    let exported = place.run(&["ledger", "export"]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.len() as u64 >= verified["events"].as_u64().unwrap());
    assert_eq!(events[0]["event"]["kind"], "configured");
    let status = place.json(&["status"]);
    assert_eq!(
        status["environments"][0]["live"]["release"],
        first.as_str(),
        "{status}"
    );
    let releases = place.json(&["releases"]);
    assert!(releases.to_string().contains(&first), "{releases}");
}

#[test]
fn what_a_commit_must_pass_is_run_written_down_and_decides() {
    let place = Place::new(
        "    watch: 0s\n    gates: { checklist: [tests-passing] }\nci:\n  - { name: greets, run: [grep, -q, one, chart/values.yaml] }\n  - { name: quick, run: [sleep, \"0\"], timeout: 1m }\n",
    );
    let first = place.commit("one", "");
    let controller = place.serve();
    let waiting = |controller: &super::place::Controller, what: &str| {
        until(what, || {
            let rollout = controller.staging().rollout?;
            rollout.waiting.filter(|waiting| waiting.what.contains(what))
        })
    };
    waiting(&controller, "no result of `windlass ci` is known");
    let partly = place.json(&["ci", "--step", "quick"]);
    assert_eq!(
        (&partly["seq"], &partly["steps"][0]["passed"]),
        (&Value::Null, &true.into()),
        "{partly}"
    );
    let ended = place.json(&["ci", "--as", "Ada"]);
    assert!(ended["seq"].as_u64().is_some(), "{ended}");
    assert_eq!(controller.ended(&first).outcome, "promoted");

    let second = place.commit("two", "");
    let head = git(&place.root(), &["rev-parse", "HEAD"]);
    // The files go on; the commit is what counts.
    place.write("chart/values.yaml", "greeting: one\n");
    let output = place.run(&["ci", &head, "--as", "Ada"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("✖ failed greets") && text.contains("1 of 2 steps failed"),
        "{text}"
    );
    let waiting = waiting(&controller, "windlass ci by Ada: greets failed");
    assert!(!waiting.remedy.is_empty());
    let dirty = place.json(&["ci"]);
    assert_eq!(
        (&dirty["commit"], &dirty["seq"]),
        (&Value::Null, &Value::Null),
        "{dirty}"
    );
    assert!(controller.has_ended(&second).is_none());
    let strange = place.run(&["ci", "--step", "strange"]);
    assert!(String::from_utf8_lossy(&strange.stderr).contains("hint: windlass.yaml has greets, quick"));
}

#[test]
fn a_step_that_does_not_end_is_ended_and_failed() {
    let place = Place::new(
        "    watch: 0s\nci:\n  - { name: slow, run: [sleep, \"600\"], timeout: 50ms }\n  - { name: gone, run: [no-such-program] }\n",
    );
    place.commit("one", "");
    let ended = place.json(&["ci"]);
    let reasons: Vec<&str> = ended["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons[0], "it did not end within 50 ms");
    assert!(reasons[1].starts_with("it cannot be started: "), "{reasons:?}");
}

#[test]
fn images_are_built_listed_and_a_registry_that_does_not_answer_is_named() {
    let place = Place::new("    watch: 0s\n");
    place.commit("one", "");
    let release = place.json(&["image", "build"]);
    let digest = release["images"]["web"].as_str().unwrap().to_owned();
    assert!(
        place.read("windlass.yaml").contains(&digest),
        "a finished image is taken as it is"
    );
    assert_eq!(
        place.json(&["image", "inspect", &digest])["digest"],
        digest.as_str()
    );
    let port = super::port::free_port();
    let to = format!("127.0.0.1:{port}/shop/web:one");
    let output = place.run(&["image", "push", &digest, &to]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&to) && text.contains("hint: "), "{text}");
}
