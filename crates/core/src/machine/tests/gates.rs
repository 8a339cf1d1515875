//! Each gate: what it answers, and that every answer but `allow` says why and what would change it.

use serde_json::{Value, json};

use super::{GUIDE, Play, check, one};
use crate::argo::tests::InMemory;
use crate::config::Config;

/// The first release, up to its plan.
const PLANNED: &str = "
    push main a  => build a
    built a      => prepare a@blue
";

#[test]
fn an_approval_counts_for_its_plan_from_whom_it_may_and_until_it_expires() {
    let config = one("strategy: blue-green, deploy: { approvals: 2, expires: 1h, people: [Bob, Eve] }");
    let script = format!(
        "{PLANNED}
        test plan p1 =>
        Mallory: approve test => refused 403
        Bob: approve test =>
        Bob: approve test =>
        ? test approval defer: 1 of 2 approvals of plan p1
        +3600000
        ? test approval defer: 0 of 2 approvals of plan p1
        Eve: approve test =>
        Bob: approve test => migrate a@blue
        ? test approval allow: approved by Bob, Eve
        Bob: approve test => refused 409
        "
    );
    check(&config, &script);
}

#[test]
fn a_freeze_defers_until_it_ends() {
    // The start is a Monday at noon.
    let config = one(
        "deploy: auto, strategy: blue-green, freeze: [{ days: [mon], from: \"11:00\", for: 2h, reason: inventory }]",
    );
    let script = format!(
        "{PLANNED}
        test plan p1 => wake +3600000
        ? test waiting sha-a waits at the gate freeze: deployments are frozen: inventory
        ? test person false
        ? test settled false
        # Nothing is asked for twice, and a clock that is wrong does no harm.
        push main a  =>
        +1000        =>
        +3599000     => migrate a@blue
        "
    );
    check(&config, &script);
    let emergency = format!(
        "{PLANNED}
        test plan p1 => wake +3600000
        Bob: approve! test => migrate a@blue
        ? test freeze allow: passed in an emergency by Bob
        "
    );
    check(&config, &emergency);
}

#[test]
fn a_release_soaks_in_the_environment_before() {
    let config = GUIDE.replace(
        "promote-from: staging,",
        "promote-from: staging, gates: { soak: 10m },",
    );
    check(
        &config,
        "
        push main m a   =>
        push develop a  => build a
        built a         => prepare a@blue
        staging plan p1 => migrate a@blue
        staging done    => start a@blue
        staging done    => ready a@blue
        staging done    => verify a@blue
        staging done    => switch blue=100
        staging done    => measure +0
        Ada: promote staging => prepare a@blue
        production plan q1 => wake +600000
        ? production promotion defer: sha-a has not served long enough in staging
        Bob: approve production =>
        +600000         => migrate a@blue
        ",
    );
}

#[test]
fn a_checklist_item_waits_for_somebody_who_vouches() {
    let config = one(
        "deploy: auto, strategy: blue-green, gates: { checklist: [documentation-updated, rollback-plan-prepared] }",
    );
    let script = format!(
        "{PLANNED}
        test plan p1 =>
        ? test checklist defer: Documentation updated: somebody who knows says so
        ? test remedy windlass attest test documentation-updated
        Ada: attest test everything => refused 404
        Ada: attest test documentation-updated => migrate a@blue
        ? test checklist allow: 2 items of the checklist are done
        "
    );
    check(&config, &script);
}

#[test]
fn what_comes_next_is_explained_where_no_rollout_is() {
    check(
        GUIDE,
        "
        ? staging next its source has not been read yet -> windlass status names what is in the way
        push main m     =>
        ? production next main contains no release -> merge a commit that was released to staging into main
        push develop a  => build a
        ? staging next subject of a is being built -> it goes on by itself
        broken a        =>
        ? staging next the build of subject of a failed: it does not compile -> push a commit to develop that builds
        push develop b  => build b
        built b         => prepare b@blue
        ? staging next
        push main n b   =>
        ? production next sha-b waits until it served well in staging -> windlass why staging
        ",
    );
}

#[test]
fn a_team_counts_as_notified_when_somebody_was_told() {
    let config = one("strategy: blue-green, deploy: { approvals: 1 }");
    let script = format!(
        "{PLANNED}
        test plan p1 =>
        ? test team-notification-sent open: nobody was told yet
        test told =>
        ? test team-notification-sent open: nobody is told: `notify` in windlass.yaml lists no address
        test told https://chat.example 200 =>
        ? test team-notification-sent done: https://chat.example 200
        "
    );
    check(&config, &script);
}

#[test]
fn a_branch_that_no_longer_contains_the_commit_and_a_hold_deny() {
    let script = format!(
        "{PLANNED}
        test plan p1 =>
        push main z  => build z
        ? test source deny: main does not contain a
        ? test person true
        push main y a => build y
        ? test source allow: main contains a
        Eve: hold test a =>
        ? test outcome sha-a aborted Eve
        ? test holds sha-a/Eve
        "
    );
    check(&one("deploy: { approvals: 1 }, strategy: blue-green"), &script);
}

/// A platform whose environment `test` is an Application with these windows.
fn with_windows(automated: bool, windows: &Value) -> Config {
    let policy = if automated {
        json!({ "automated": {} })
    } else {
        json!({})
    };
    let application = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "shop" },
        "spec": { "project": "shop", "syncPolicy": policy,
            "source": { "repoURL": "https://github.com/company/ecommerce-platform", "targetRevision": "main", "path": "k8s" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" } } });
    let project = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": { "name": "shop" },
        "spec": { "sourceRepos": ["*"], "destinations": [{ "server": "*", "namespace": "*" }], "syncWindows": windows } });
    let files = InMemory::new(&[("apps.yaml", &[application, project])]);
    let text = "platform: shop\nservices: { gateway: { image: gateway } }\nedge: gateway\nenvironments:\n  test: { application: apps.yaml }\n";
    Config::parse_with("windlass.yaml", text, &files).unwrap()
}

#[test]
fn a_sync_window_defers_until_it_lets_through() {
    let window = |kind: &str, schedule: &str, manual: bool| json!([{ "kind": kind, "schedule": schedule, "duration": "2h", "applications": ["*"], "manualSync": manual }]);
    let plan = |config: &Config| {
        let mut play = Play::of(config);
        for event in ["push main a", "built a", "test plan p1"] {
            play.happens(event, event);
        }
        play
    };
    let gate = |play: &Play| {
        let rollout = play.environment("test").rollout.unwrap();
        let gate = rollout.gates.into_iter().find(|gate| gate.name == "window");
        gate.unwrap()
    };
    // The start is a Monday at noon.
    let mut play = plan(&with_windows(true, &window("deny", "0 11 * * 1", true)));
    let found = gate(&play);
    assert_eq!(
        (found.answer.as_str(), found.until_ms),
        ("defer", Some(play.now_ms + 3_600_000)),
        "{found:?}"
    );
    assert!(found.reason.contains("denies `0 11 * * 1 for 2h`"), "{found:?}");
    assert_eq!(
        play.happens("+3600000", "the end of the window"),
        "migrate a@blue"
    );
    // A person who approves may where the window says so.
    let play = plan(&with_windows(false, &window("deny", "0 11 * * 1", true)));
    assert_eq!(gate(&play).answer, "allow");
    let play = plan(&with_windows(false, &window("deny", "0 11 * * 1", false)));
    assert_eq!(gate(&play).answer, "defer");
    let mut play = plan(&with_windows(true, &window("allow", "0 20 * * *", false)));
    assert_eq!(gate(&play).until_ms, Some(play.now_ms + 8 * 3_600_000));
    assert_eq!(
        play.happens("Bob: approve! test", "an emergency"),
        "migrate a@blue"
    );
}

#[test]
fn every_deny_and_defer_has_a_reason_and_a_remedy() {
    let settings = "strategy: blue-green, deploy: { approvals: 1 }, gates: { checklist: [documentation-updated] }, freeze: [{ days: [mon], from: \"11:00\", for: 2h, reason: inventory }]";
    let mut play = Play::new(&one(settings));
    for event in ["push main a", "built a", "test plan p1", "push main z"] {
        play.happens(event, event);
    }
    let gates = play.environment("test").rollout.unwrap().gates;
    let answers: Vec<(&str, &str)> = gates
        .iter()
        .map(|gate| (gate.name.as_str(), gate.answer.as_str()))
        .collect();
    assert_eq!(
        answers,
        [
            ("source", "deny"),
            ("hold", "allow"),
            ("findings", "allow"),
            ("promotion", "allow"),
            ("checklist", "defer"),
            ("freeze", "defer"),
            ("window", "allow"),
            ("approval", "defer")
        ]
    );
    for gate in gates {
        assert!(!gate.reason.is_empty(), "{gate:?}");
        assert_eq!(gate.remedy.is_empty(), gate.answer == "allow", "{gate:?}");
    }
}

#[test]
fn the_result_of_ci_decides_whether_tests_pass() {
    let commit = "a".repeat(40);
    let script = format!(
        "push main {commit} => build {commit}
        built {commit} => prepare aaaaaaa@blue
        test plan p1 =>
        ? test checklist defer: All tests passing: no result of `windlass ci` is known for this commit
        Ada: tested test abc:lint: => refused 400
        Ada: tested test {commit}:: => refused 400
        Ada: tested test {commit}:lint:test =>
        ? test checklist deny: All tests passing: windlass ci by Ada: test failed
        Ada: attest test tests-passing =>
        ? test checklist deny: All tests passing: windlass ci by Ada: test failed
        Ada: tested test {commit}:lint,test: => migrate aaaaaaa@blue
        ? test checklist allow: 1 items of the checklist are done
        "
    );
    check(
        &one("deploy: auto, gates: { checklist: [tests-passing] }"),
        &script,
    );
}
