//! A release on its way: staging by itself, production by approval, bad ones on their way back.

use super::{GUIDE, check};

/// Brings release `a` to staging, as its first release.
const A_IN_STAGING: &str = "
    push develop a  => build a
    built a         => prepare a@blue
    staging plan p1 => migrate a@blue
    staging done    => start a@blue
    staging done    => ready a@blue
    staging done    => verify a@blue
    staging done    => switch blue=100
    staging done    => measure +0
    staging good    => measure +1000
    +1000
    staging good    => measure +1000
    +1000
    staging good    => measure +1000
    +1000
";

/// And then to production.
const A_IN_PRODUCTION: &str = "
    push main m1 a         => prepare a@blue
    staging good
    production plan q1     =>
    Bob: approve production => migrate a@blue
    production done => start a@blue
    production done => ready a@blue
    production done => verify a@blue
    production done => switch blue=100
    production done => measure +0
    Bob: promote production =>
    ? production live sha-a
    ? production outcome sha-a promoted Bob
";

#[test]
fn a_push_reaches_staging_and_an_approval_production() {
    let script = format!(
        "{A_IN_STAGING}
        ? staging phase watch
        ? staging verdict good
        staging good =>
        ? staging live sha-a
        ? staging outcome sha-a promoted analysis
        ? staging phase
        ? staging settled true
        push main m1 a => prepare a@blue
        ? production phase prepare
        ? production settled false
        production plan q1 =>
        ? production waiting sha-a waits at the gate approval: 0 of 1 approvals of plan q1
        ? production remedy windlass approve production
        ? production person true
        ? production settled true
        ? production promotion allow: sha-a served well in staging
        ? production source allow: main contains a
        ? production commands approve reject pause abort attest
        Bob: approve production q0 => refused 409
        Bob: approve production => migrate a@blue
        production done => start a@blue
        ? production strip prepare:done gates:done migrate:done start:now ready:todo verify:todo switch:todo watch:todo
        "
    );
    check(GUIDE, &script);
}

#[test]
fn the_next_release_starts_beside_the_live_one_and_the_old_one_stays_warm_for_the_watch() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        ? staging tracks blue:sha-a:live:100 green:sha-b:starting:0
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        ? staging live sha-a
        staging done     => measure +0
        ? staging live sha-b
        ? staging previous sha-a warm
        ? staging tracks blue:sha-a:warm:0 green:sha-b:live:100
        staging good     => measure +1000
        +1000
        staging good     => measure +1000
        +1000
        staging good     => measure +1000
        +1000
        staging good     => clean a@blue
        ? staging tracks blue:sha-a:stopping:0 green:sha-b:live:100
        staging done     =>
        ? staging tracks green:sha-b:live:100
        ? staging previous sha-a stopped
        ? staging outcome sha-b promoted analysis
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_bad_release_is_led_back_held_and_its_revert_proposed() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging done     => measure +0
        staging good     => measure +1000
        +1000
        staging bad      => return blue=100, revert b to a
        ? staging holds sha-b/analysis
        ? staging phase return
        staging done     => clean b@green
        ? staging live sha-a
        staging done     =>
        ? staging outcome sha-b rolled-back analysis
        ? staging tracks blue:sha-a:live:100
        # Sync does not try the same again; a newer commit lets the branch go on.
        push develop b a => 
        ? staging phase
        push develop c a b => build c
        built c => prepare c@green
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_release_that_does_not_become_ready_is_refused_and_customers_never_meet_it() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging fail 1 of 3 instances is ready after 60 s => clean b@green
        ? staging strip prepare:done gates:done migrate:done start:done ready:failed clean:now
        ? staging live sha-a
        staging done     =>
        ? staging outcome sha-b refused readiness
        ? staging holds sha-b/readiness
        ? staging tracks blue:sha-a:live:100
        Ada: retry staging => prepare b@green
        ? staging holds
        "
    );
    check(GUIDE, &script);
}

#[test]
fn blocking_findings_refuse_a_release_before_anything_is_changed() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging bad-plan p2 =>
        ? staging outcome sha-b refused gates
        ? staging holds sha-b/gates
        "
    );
    check(GUIDE, &script);
}

#[test]
fn instances_that_all_die_during_the_watch_end_it_at_once() {
    for (sight, back) in [
        ("green 0/3 exited with code 1", "return blue=100, revert b to a"),
        (
            "green 2/3 CrashLoopBackOff: exited with code 1",
            "return blue=100, revert b to a",
        ),
        ("green 2/3 starting", ""),
        ("blue 0/3 exited with code 1", ""),
    ] {
        let script = format!(
            "{A_IN_STAGING}
            staging good =>
            push develop b a => build b
            built b          => prepare b@green
            staging plan p2  => migrate b@green
            staging done     => start b@green
            staging done     => ready b@green
            staging sees green 0/3 starting =>
            staging sees green 3/3 =>
            staging done     => verify b@green
            staging done     => switch green=100
            staging done     => measure +0
            staging sees {sight} => {back}
            "
        );
        check(GUIDE, &script);
    }
}

#[test]
fn a_watch_lasts_its_time_under_measurement_whatever_the_clock_does() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging done     => measure +0
        staging good     => measure +1000
        # The same measurement once more changes nothing.
        staging good     =>
        # An hour back, and two seconds on from there.
        +-3600000
        staging good     => measure +1000
        +2000
        staging good     => measure +1000
        +1000
        staging good     => clean a@blue
        "
    );
    check(GUIDE, &script);
}

#[test]
fn late_and_repeated_outcomes_change_nothing() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging late     =>
        ? staging phase start
        staging done     => ready b@green
        staging late     =>
        ? staging phase ready
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_newer_commit_takes_over_at_the_next_safe_point() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        push develop c a b => build c
        # A build runs: nothing is given up for a release that is not there yet.
        staging done     => start b@green
        built c          =>
        ? staging waiting the step `start` of sha-b, which is given up after it: sha-c is newer
        staging done     => clean b@green
        staging done     => prepare c@green
        ? staging outcome sha-b superseded source
        ? staging holds
        # Before anything is changed it gives way at once, during the watch it does not.
        push develop d a b c => build d
        built d          => prepare d@green
        staging plan p4  => migrate d@green
        staging done     => start d@green
        staging done     => ready d@green
        staging done     => verify d@green
        staging done     => switch green=100
        staging done     => measure +0
        push develop e a b c d => build e
        built e          =>
        ? staging phase watch
        Ada: promote staging => clean a@blue
        staging done     => prepare e@blue
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_rollback_needs_no_gate_and_starts_a_stopped_release_first() {
    let second = "
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging done     => measure +0
        Ada: promote staging => clean a@blue
        staging done     =>
    ";
    let script = format!(
        "{A_IN_STAGING}{second}
        ? staging previous sha-a stopped
        Ada: rollback staging => start a@blue, revert b to a
        ? staging holds sha-b/Ada
        ? staging live sha-b
        staging done     => ready a@blue
        staging done     => return blue=100
        staging done     => clean b@green
        ? staging live sha-a
        staging done     =>
        ? staging outcome sha-a promoted Ada
        ? staging tracks blue:sha-a:live:100
        Ada: rollback staging => refused 409
        Ada: clear-hold staging b => prepare b@green
        # In the middle of a rollout it leaves what serves, after giving up what does not yet.
        staging plan p3 => migrate b@green
        Ada: rollback staging => refused 409
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_rollback_in_the_watch_is_one_swap() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        # Even while the switch is under way.
        Ada: rollback staging => return blue=100, revert b to a
        staging late     =>
        staging fail the proxy does not answer => wake +1000
        ? staging waiting the phase return failed once: the proxy does not answer
        +1000 => return blue=100
        staging done     => clean b@green
        ? staging outcome sha-a promoted analysis
        staging done     =>
        ? staging outcome sha-b rolled-back Ada
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_rollback_starts_the_old_release_again_when_it_died_in_the_meantime() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging done     => measure +0
        staging sees blue 0/3 killed
        Ada: rollback staging => start a@blue, revert b to a
        staging done     => ready a@blue
        staging done     => return blue=100
        staging done     => clean b@green
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_switch_that_fails_again_and_again_is_taken_back() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        push develop b a => build b
        built b          => prepare b@green
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging fail no answer => wake +1000
        +1000            => switch green=100
        staging fail no answer => wake +2000
        +2000            => switch green=100
        staging fail no answer => wake +4000
        +4000            => switch green=100
        staging fail no answer => wake +8000
        +8000            => switch green=100
        staging fail no answer => return blue=100
        staging done     => clean b@green
        staging done     =>
        ? staging outcome sha-b refused proxy
        ? staging live sha-a
        "
    );
    check(GUIDE, &script);
}

#[test]
fn production_takes_what_served_well_in_staging_and_never_builds() {
    let script = format!(
        "{A_IN_STAGING}
        push main m1 a   =>
        ? production phase
        ? production summary nothing serves; sha-a waits until it served well in staging
        staging good     => prepare a@blue
        production plan q1 =>
        # A newer one in main is no candidate before its watch in staging ends.
        push develop b a => build b
        built b          => prepare b@green
        push main m2 a b =>
        ? production phase gates
        staging plan p2  => migrate b@green
        staging done     => start b@green
        staging done     => ready b@green
        staging done     => verify b@green
        staging done     => switch green=100
        staging done     => measure +0
        Ada: promote staging => clean a@blue, prepare b@blue
        ? production outcome sha-a superseded source
        # What staging went back from does not go on.
        staging done     =>
        production plan q2 =>
        Ada: rollback staging => start a@blue, prepare a@blue, revert b to a
        ? production outcome sha-b superseded source
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_hold_outlives_a_newer_release_while_the_branch_is_at_what_is_kept_out() {
    let script = format!(
        "push develop z     => build z
        {A_IN_STAGING}
        staging good =>
        # The branch is set back to a commit that is older than what serves.
        push develop z    =>
        built z           => prepare z@green
        staging plan p2   => migrate z@green
        staging fail it does not run =>
        ? staging holds sha-z/migration
        ? staging settled true
        "
    );
    check(GUIDE, &script);
}

#[test]
fn a_first_release_that_is_aborted_in_its_switch_waits_for_the_route() {
    for (outcome, follows, live) in [
        ("staging done", "", "sha-a"),
        ("staging fail no answer", "clean a@blue", ""),
    ] {
        let script = format!(
            "push develop a  => build a
            built a         => prepare a@blue
            staging plan p1 => migrate a@blue
            staging done    => start a@blue
            staging done    => ready a@blue
            staging done    => verify a@blue
            staging done    => switch blue=100
            Ada: abort staging =>
            Ada: abort staging => refused 409
            {outcome}       => {follows}
            ? staging live {live}
            ? staging holds sha-a/Ada
            "
        );
        check(GUIDE, &script);
    }
}

#[test]
fn a_failing_build_is_shown_and_tried_again_when_asked() {
    check(
        GUIDE,
        "
        push develop a => build a
        push develop a =>
        ? staging settled false
        broken a =>
        ? staging summary nothing serves; the build of subject of a failed: it does not compile
        ? staging settled true
        Ada: retry staging => build a
        built a => prepare a@blue
        ",
    );
}

#[test]
fn production_is_asked_by_name_and_shows_who_approved() {
    let script = format!(
        "{A_IN_STAGING}
        staging good =>
        {A_IN_PRODUCTION}
        ? production settled true
        "
    );
    check(GUIDE, &script);
}
