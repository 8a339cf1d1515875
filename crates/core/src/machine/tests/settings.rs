//! A release brings its own windlass.yaml: what it says counts from its plan on, and for good once it is promoted.

use super::{check, one};

/// A first release that serves, up to the plan of the next.
const A_SERVES: &str = "
    push main a  => build a
    built a      => prepare a@blue
    test plan p1 => migrate a@blue
    test done    => start a@blue
    test done    => ready a@blue
    test done    => verify a@blue
    test done    => switch blue=100
    test done    =>
    ? test outcome sha-a promoted readiness
    push main b a => build b
";

#[test]
fn a_commit_changes_strategy_and_watch_for_its_own_release() {
    let script = format!(
        "{A_SERVES}
        built b   => prepare b@blue
        test plan p2 with deploy: auto, strategy: blue-green, watch: 1s, analysis: {{ requests: 10 }} => migrate b@green
        ? test strip prepare:done gates:done migrate:now start:todo ready:todo verify:todo switch:todo watch:todo clean:todo
        test done => start b@green
        test done => ready b@green
        test done => verify b@green
        test done => switch green=100
        test done => measure +0
        test good => measure +1000
        +1000     =>
        test good => clean a@blue
        test done =>
        ? test outcome sha-b promoted analysis
        # It is in force now.
        push main c a b => build c
        built c      => prepare c@blue
        test plan p3 => migrate c@blue
        ? test strip prepare:done gates:done migrate:now start:todo ready:todo verify:todo switch:todo watch:todo clean:todo
        "
    );
    check(&one("deploy: auto, strategy: recreate"), &script);
}

#[test]
fn settings_of_a_release_that_is_refused_are_gone_with_it() {
    let script = format!(
        "{A_SERVES}
        built b   => prepare b@blue
        test plan p2 with deploy: auto, strategy: blue-green => migrate b@green
        test fail no => 
        ? test outcome sha-b refused migration
        push main c a b => build c
        built c      => prepare c@blue
        test plan p3 => stopold a@blue
        "
    );
    check(&one("deploy: auto, strategy: recreate"), &script);
}

#[test]
fn a_strategy_in_place_replaces_what_serves_on_its_track() {
    let script = format!(
        "{A_SERVES}
        built b      => prepare b@green
        test plan p2 => migrate b@green
        test done    => start b@green
        test done    => ready b@green
        test done    => verify b@green
        test done    => switch green=100
        test done    => clean a@blue
        test done    =>
        push main c a b => build c
        built c      => prepare c@blue
        test plan p3 with deploy: auto, strategy: {{ rolling: {{}} }}, watch: 0s => migrate c@green
        test done    => start c@green
        test done    => ready c@green
        test done    => switch green=100
        test done    =>
        ? test tracks green:sha-c:live:100
        "
    );
    check(&one("deploy: auto, strategy: blue-green, watch: 0s"), &script);
}

#[test]
fn a_commit_cannot_let_itself_in_by_asking_for_fewer_approvals() {
    let script = "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 with deploy: auto, strategy: blue-green, watch: 0s =>
        ? test approval defer: 0 of 2 approvals of plan p1
        Mallory: approve test => refused 403
        Bob: approve test =>
        Eve: approve test => migrate a@blue
        test done    => start a@blue
        test done    => ready a@blue
        test done    => verify a@blue
        test done    => switch blue=100
        test done    =>
        # Two people let the setting in: from now on it counts.
        push main b a => build b
        built b      => prepare b@green
        test plan p2 => migrate b@green
        ";
    check(
        &one("strategy: blue-green, watch: 0s, deploy: { approvals: 2, people: [Bob, Eve] }"),
        script,
    );
    let more = "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 with deploy: manual =>
        ? test approval defer: 0 of 1 approvals of plan p1
        ";
    check(&one("deploy: auto"), more);
}

#[test]
fn passing_the_gates_in_an_emergency_is_a_permission_of_its_own() {
    let script = "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 with deploy: auto, break-glass: [Mallory] =>
        Mallory: approve! test => refused 403
        Bob: approve! test => refused 403
        Dee: approve test => refused 403
        Dee: approve! test => migrate a@blue
        ";
    check(
        &one("deploy: { approvals: 1, people: [Bob] }, break-glass: [Dee]"),
        script,
    );
}
