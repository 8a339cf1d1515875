//! A canary: customers come over in steps.

use super::{check, one};

const CANARY: &str = "deploy: auto, watch: 2s, analysis: { requests: 10 }, strategy: { canary: { steps: [{ weight: 10 }, { pause: 2s }, { weight: 50 }, approval] } }";

/// A first release, and a second one until its first customers.
const TEN_PERCENT: &str = "
    push main a  => build a
    built a      => prepare a@blue
    test plan p1 => migrate a@blue
    test done    => start a@blue
    test done    => ready a@blue
    test done    => verify a@blue
    test done    => switch blue=100
    test done    => measure +0
    Ada: promote test =>
    push main b a => build b
    built b      => prepare b@green
    test plan p2 => migrate b@green
    test done    => start b@green
    test done    => ready b@green
    test done    => verify b@green
    test done    => switch blue=90+green=10, measure +0
";

#[test]
fn customers_come_over_in_steps_and_pauses_count_time_under_measurement() {
    let script = format!(
        "{TEN_PERCENT}
        test done    =>
        ? test tracks blue:sha-a:live:90 green:sha-b:canary:10
        ? test waiting 10 % of customers try sha-b
        test good    => measure +1000
        +1000
        test good    => measure +1000
        +1000
        test good    => switch blue=50+green=50, measure +1000
        test done    =>
        ? test person true
        ? test settled true
        ? test commands promote rollback pause abort attest
        +5000
        test few     => measure +1000
        Ada: promote test => switch green=100
        test done    =>
        ? test phase watch
        ? test previous sha-a warm
        +1000
        test good    => measure +1000
        +1000
        test good    => clean a@blue
        test done    =>
        ? test live sha-b
        "
    );
    check(&one(CANARY), &script);
}

#[test]
fn a_canary_that_harms_is_led_back() {
    let script = format!(
        "{TEN_PERCENT}
        test done    =>
        test good    => measure +1000
        +1000
        test bad     => return blue=100, revert b to a
        test done    => clean b@green
        test done    =>
        ? test live sha-a
        ? test outcome sha-b rolled-back analysis
        ? test tracks blue:sha-a:live:100
        "
    );
    check(&one(CANARY), &script);
}

#[test]
fn a_newer_commit_ends_a_canary_without_a_hold() {
    let script = format!(
        "{TEN_PERCENT}
        test done    =>
        push main c a b => build c
        built c      => return blue=100
        test done    => clean b@green
        test done    => prepare c@green
        ? test outcome sha-b superseded source
        ? test holds
        "
    );
    check(&one(CANARY), &script);
}

#[test]
fn a_paused_canary_goes_nowhere_but_back() {
    let script = format!(
        "{TEN_PERCENT}
        Ada: pause test =>
        test done    =>
        test good    => measure +1000
        +2000
        test good    => measure +1000
        ? test waiting the rollout is paused after canary
        ? test remedy windlass resume test
        Ada: pause test => refused 409
        Ada: resume test => switch blue=50+green=50
        test done    =>
        Ada: pause test =>
        +1000
        test bad     => return blue=100, revert b to a
        "
    );
    check(&one(CANARY), &script);
}

#[test]
fn a_clock_that_is_set_back_between_canary_and_watch_ends_no_measuring() {
    let script = format!(
        "{TEN_PERCENT}
        test done    =>
        test good    => measure +1000
        +1000
        test good    => measure +1000
        +1000
        test good    => switch blue=50+green=50, measure +1000
        test done    =>
        Ada: promote test => switch green=100
        +-3600000
        test done    =>
        +900
        test good    => measure +1000
        "
    );
    check(&one(CANARY), &script);
}
