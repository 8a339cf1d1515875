//! Clocks that are set while something is waited for.

use super::{check, one};

/// A second release in its watch.
const WATCHED: &str = "
    push main a  => build a
    built a      => prepare a@blue
    test plan p1 => migrate a@blue
    test done    => start a@blue
    test done    => ready a@blue
    test done    => verify a@blue
    test done    => switch blue=100
    test done    => measure +0
    Ann: promote test =>
    push main b a => build b
    built b      => prepare b@green
    test plan p2 => migrate b@green
    test done    => start b@green
    test done    => ready b@green
    test done    => verify b@green
    test done    => switch green=100
    test done    => measure +0
    test answers good => measure +1000
";

fn script(rest: &str) {
    let settings = "deploy: auto, strategy: blue-green, watch: 3s, analysis: { requests: 10 }";
    check(&one(settings), &format!("{WATCHED}{rest}"));
}

#[test]
fn a_clock_that_is_set_back_a_little_between_two_measurements_ends_no_measuring() {
    script(
        "
        +1000
        test answers good => measure +1000
        # It waited a second, and the clock went back by three tenths meanwhile.
        +700
        test answers good => measure +1000
        +1000
        test answers bad => return blue=100, revert b to a
        ",
    );
}

#[test]
fn a_measurement_that_comes_again_counts_once() {
    script(
        "
        +1000
        test good => measure +1000
        test good =>
        ? test verdict good
        ",
    );
}

#[test]
fn a_way_back_that_failed_is_tried_again_though_the_clock_is_set_back() {
    script(
        "
        test answers bad => return blue=100, revert b to a
        test fail the proxy does not answer => wake +1000
        ? test phase return
        +-3600000
        test sees green 0/3 => return blue=100
        test done => clean b@green
        ",
    );
}
