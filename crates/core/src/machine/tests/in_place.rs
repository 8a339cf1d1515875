//! Strategies without a second track: recreate, as development has it, and rolling.

use super::{check, one};

#[test]
fn recreate_stops_the_old_release_and_starts_the_new_one() {
    check(
        &one("deploy: auto, strategy: recreate"),
        "
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
        built b      => prepare b@blue
        test plan p2 => stopold a@blue
        ? test strip prepare:done gates:done stop-old:now migrate:todo start:todo ready:todo verify:todo switch:todo
        test done    => migrate b@blue
        ? test live
        test done    => start b@blue
        test done    => ready b@blue
        test fail no instance is ready => clean b@blue
        ? test holds sha-b/readiness
        # The old release is started again by itself.
        test done    => start a@blue
        ? test outcome sha-b refused readiness
        test done    => ready a@blue
        test done    => return blue=100
        test done    =>
        ? test live sha-a
        ? test phase
        ? test settled true
        ",
    );
}

#[test]
fn a_way_back_in_place_whose_start_fails_is_tried_again_and_in_the_end_a_person_is_told() {
    check(
        &one("deploy: auto, strategy: recreate"),
        "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 => migrate a@blue
        test done    => start a@blue
        test done    => ready a@blue
        test done    => verify a@blue
        test done    => switch blue=100
        test done    =>
        push main b a => build b
        built b      => prepare b@blue
        test plan p2 => stopold a@blue
        test done    => migrate b@blue
        test done    => start b@blue
        test done    => ready b@blue
        test fail no instance is ready => clean b@blue
        test done    => start a@blue
        test fail the registry does not answer => wake +1000
        ? test waiting the phase start failed once: the registry does not answer
        +1000        => start a@blue
        test fail the registry does not answer => wake +2000
        +2000        => start a@blue
        test done    => ready a@blue
        test done    => return blue=100
        test done    =>
        ? test live sha-a
        push main c b a => build c
        built c      => prepare c@blue
        test plan p3 => stopold a@blue
        test done    => migrate c@blue
        test done    => start c@blue
        test fail no such image => clean c@blue
        test done    => start a@blue
        test fail the disk is full => wake +1000
        +1000        => start a@blue
        test fail the disk is full => wake +2000
        +2000        => start a@blue
        test fail the disk is full => wake +4000
        +4000        => start a@blue
        test fail the disk is full => wake +8000
        +8000        => start a@blue
        test fail the disk is full => clean a@blue
        ? test outcome sha-c refused start
        test done    =>
        ? test outcome sha-a failed start
        ",
    );
}

#[test]
fn recreate_goes_back_by_stopping_what_serves_first() {
    check(
        &one("deploy: auto, strategy: recreate"),
        "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 => migrate a@blue
        test done    => start a@blue
        test done    => ready a@blue
        test done    => verify a@blue
        test done    => switch blue=100
        test done    =>
        push main b a => build b
        built b      => prepare b@blue
        test plan p2 => stopold a@blue
        test done    => migrate b@blue
        test done    => start b@blue
        test done    => ready b@blue
        test done    => verify b@blue
        test done    => switch blue=100
        test done    =>
        ? test previous sha-a stopped
        Ada: rollback test => stopold b@blue, revert b to a
        test done    => start a@blue
        test done    => ready a@blue
        test done    => return blue=100
        test done    =>
        ? test live sha-a
        ",
    );
}

#[test]
fn rolling_replaces_instances_on_their_track_and_puts_the_old_ones_back() {
    check(
        &one("deploy: auto, watch: 2s, analysis: { requests: 10 }, strategy: { rolling: {} }"),
        "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 => migrate a@blue
        test done    => start a@blue
        test done    => ready a@blue
        test done    => switch blue=100
        test done    => measure +0
        Ada: promote test =>
        push main b a => build b
        built b      => prepare b@blue
        test plan p2 => migrate b@blue
        test done    => start b@blue
        # What is left of the old release still serves: nothing is stopped, it is replaced again.
        test fail an image is missing => start a@blue
        ? test outcome sha-b refused start
        test done    => ready a@blue
        test done    => return blue=100
        test done    =>
        Ada: retry test => refused 409
        push main c a b => build c
        built c      => prepare c@blue
        test plan p3 => migrate c@blue
        test done    => start c@blue
        test done    => ready c@blue
        test done    => switch blue=100
        test done    => measure +0
        test good    => measure +1000
        +1000
        test bad     => start a@blue, revert c to a
        ? test outcome sha-c rolled-back analysis
        ",
    );
}
