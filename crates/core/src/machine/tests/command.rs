//! Which command is possible in which phase: the table of `ask`, checked.

use super::{Play, check, one};

const BLUE_GREEN: &str = "deploy: auto, watch: 1h, strategy: blue-green, analysis: { requests: 10 }";

/// Two releases; the second stops in the phase that is asked for.
fn until(phase: &str) -> Play {
    let deploy = if phase == "gates" {
        "deploy: { approvals: 1 }, watch: 1h, strategy: blue-green"
    } else {
        BLUE_GREEN
    };
    let mut play = Play::new(&one(deploy));
    let first = "push main a;built a;test plan p1;Ada: approve test;test done;test done;test done;test done;test done;Ada: promote test;push main b a;built b;test plan p2";
    let steps = first.split(';').chain(["test done"; 5]);
    for event in steps {
        if event.contains("approve") && phase != "gates" {
            continue;
        }
        if play
            .environment("test")
            .rollout
            .is_some_and(|rollout| rollout.release == "sha-b" && rollout.phase == phase)
        {
            break;
        }
        play.happens(event, event);
    }
    if phase == "return" || phase == "clean" {
        play.happens("Ada: rollback test", "rollback");
    }
    if phase == "clean" {
        play.happens("test done", "returned");
    }
    play
}

#[test]
fn commands_are_possible_as_the_table_says() {
    for (phase, commands) in [
        ("prepare", "pause abort attest"),
        ("gates", "approve reject pause abort attest"),
        ("migrate", "pause abort attest"),
        ("ready", "pause abort attest"),
        ("switch", "rollback pause abort attest"),
        ("watch", "promote rollback pause abort attest"),
        ("return", "clear-hold attest"),
        ("clean", "clear-hold attest"),
    ] {
        let found = until(phase).environment("test");
        assert_eq!(found.rollout.unwrap().phase, phase);
        assert_eq!(found.commands.join(" "), commands, "in {phase}");
    }
}

#[test]
fn the_table_for_people_is_the_one_in_the_code() {
    let rows = |text: &'static str, lead: &str| -> Vec<String> {
        let table = text.lines().filter_map(|line| line.strip_prefix(lead));
        let from = table.skip_while(|line| !line.starts_with("| command | idle |"));
        from.take_while(|line| line.starts_with('|'))
            .map(str::to_owned)
            .collect()
    };
    let people = rows(include_str!("../../../../../docs/commands.md"), "");
    let code = rows(include_str!("../ask.rs"), "//! ");
    assert!(people.len() > 10, "{people:?}");
    // Of CI's own message people need to know nothing.
    let code = code.into_iter().filter(|row| !row.starts_with("| tested |"));
    let code: Vec<_> = code
        .map(|row| row.replace("clear-hold", "hold --clear"))
        .collect();
    assert_eq!(people, code);
}

#[test]
fn an_idle_environment_takes_what_concerns_what_serves() {
    check(
        &one(BLUE_GREEN),
        "
        Ada: rollback test => refused 409
        Ada: abort test => refused 409
        Ada: retry test => refused 409
        Ada: attest test tests-passing => refused 409
        Ada: promote test nothing => refused 404
        Ada: rollback nowhere => refused 404
        ? test commands
        ",
    );
}

#[test]
fn abort_gives_up_at_the_next_safe_point_and_keeps_the_release_out() {
    for (phase, follows) in [
        ("prepare", ""),
        ("migrate", ""),
        ("start", ""),
        ("ready", "clean b@green"),
        ("verify", "clean b@green"),
        ("switch", "return blue=100"),
        ("watch", "return blue=100"),
    ] {
        let mut play = until(phase);
        assert_eq!(play.happens("Ada: abort test", phase), follows, "in {phase}");
        for _ in 0..3 {
            if play.environment("test").rollout.is_some() {
                play.happens("test done", phase);
            }
        }
        let seen = play.environment("test");
        let outcome = (
            seen.history[0].outcome.as_str(),
            seen.history[0].decided_by.as_str(),
        );
        assert_eq!(outcome, ("aborted", "Ada"), "in {phase}");
        assert_eq!(seen.live.unwrap().release, "sha-a", "in {phase}");
        assert_eq!(seen.holds.len(), 1, "in {phase}");
        assert!(seen.settled, "in {phase}");
    }
}

#[test]
fn pause_lets_the_step_under_way_end_and_resume_goes_on() {
    check(
        &one(BLUE_GREEN),
        "
        push main a  => build a
        built a      => prepare a@blue
        Ada: pause test =>
        test plan p1 =>
        ? test waiting all gates allow, but the rollout is paused
        Ada: resume test => migrate a@blue
        Ada: pause test =>
        test done    =>
        ? test waiting the rollout is paused after migrate
        ? test person true
        Ada: resume test => start a@blue
        ",
    );
}

#[test]
fn a_release_is_brought_back_by_name_and_a_rejected_one_stays_out() {
    check(
        &one("deploy: { approvals: 1 }, watch: 1s, strategy: blue-green"),
        "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 =>
        push main b a => build b
        built b      => prepare b@blue
        ? test outcome sha-a superseded source
        test plan p2 =>
        Eve: reject test =>
        ? test outcome sha-b refused Eve
        ? test holds sha-b/Eve
        Ada: promote test b => refused 409
        Ada: promote test a => prepare a@blue
        test plan p3 =>
        Ada: promote test => refused 409
        Ada: approve test => migrate a@blue
        Ada: promote test a => refused 409
        ",
    );
}

#[test]
fn what_cannot_be_stopped_is_stopped_when_asked_again() {
    let mut play = until("watch");
    play.happens("Ada: promote test", "the old track is cleaned");
    for wait in ["1000", "2000", "4000", "8000"] {
        let failed = play.happens("test fail it does not stop", wait);
        assert_eq!(failed, format!("wake +{wait}"));
        assert_eq!(play.happens(&format!("+{wait}"), wait), "clean a@blue");
    }
    assert_eq!(play.happens("test fail it does not stop", "last"), "");
    assert!(play.environment("test").waits_for_person);
    assert_eq!(play.environment("test").commands, ["rollback", "retry", "attest"]);
    assert_eq!(play.happens("Ada: retry test", "retry"), "clean a@blue");
    // Going back does not wait for it.
    play.happens("test fail it does not stop", "once more");
    assert_eq!(
        play.happens("Ada: rollback test", "back"),
        "start a@blue, revert b to a"
    );
}

#[test]
fn a_rollback_waits_for_nothing_and_its_hold_stays() {
    // The freeze begins after the second release is out.
    let settings = "deploy: { approvals: 1 }, watch: 1h, strategy: blue-green, freeze: [{ start: \"2026-01-05T12:00:01Z\", end: \"2026-02-01T00:00:00Z\", reason: audit }]";
    check(
        &one(settings),
        "
        push main a  => build a
        built a      => prepare a@blue
        test plan p1 =>
        Bob: approve test => migrate a@blue
        test done    => start a@blue
        test done    => ready a@blue
        test done    => verify a@blue
        test done    => switch blue=100
        test done    => measure +0
        Ada: promote test =>
        push main b a => build b
        built b      => prepare b@green
        test plan p2 =>
        Bob: approve test => migrate b@green
        test done    => start b@green
        test done    => ready b@green
        test done    => verify b@green
        test done    => switch green=100
        test done    => measure +0
        +5000
        Eve: rollback test => return blue=100, revert b to a
        test done    => clean b@green
        test done    =>
        push main b a =>
        +86400000    =>
        test sees blue 0/3 killed =>
        test sees blue 3/3 =>
        ? test holds sha-b/Eve
        ? test phase
        # What is newer waits for the freeze's end.
        push main c a b => build c
        built c      => prepare c@green
        test plan p3 => wake +2203195000
        ? test holds sha-b/Eve
        ",
    );
}
