//! One instance over its life: probed, restarted, put off, handed from controller to controller.

use serde_json::json;
use windlass_engine::local::Phase;

use super::customers::get;
use super::machine::{Machine, allowed};

#[test]
fn an_instance_that_is_not_alive_is_started_anew() {
    let machine = Machine::new(allowed().pop().unwrap());
    let alive =
        json!({ "httpGet": { "path": "/health", "port": 8080 }, "periodSeconds": 1, "failureThreshold": 1 });
    let mut started = alive.clone();
    started["failureThreshold"] = 60.into();
    machine.apply(
        &["serve"],
        &json!({ "startupProbe": started, "livenessProbe": alive, "readinessProbe": alive }),
    );
    let first = machine.ready();
    get(first.ports[&8080], "/sicken");
    let second = machine.instance_when(|instance| instance.phase == Phase::Ready && instance.restarts == 1);
    assert_eq!(first.restarts, 0);
    assert_ne!(first.pid, second.pid);
    assert_eq!((second.message.as_str(), &second.ports), ("", &first.ports));
}

#[test]
fn an_instance_that_ends_again_and_again_is_put_off_and_its_last_words_are_kept() {
    let machine = Machine::new(allowed().pop().unwrap());
    machine.apply(&["exit", "7"], &json!({}));
    let put_off = machine.instance_when(|instance| instance.message.starts_with("CrashLoopBackOff: "));
    assert_eq!(
        (put_off.phase, put_off.restarts, put_off.pid),
        (Phase::BackOff, 1, None)
    );
    let words = "exited with status 7 after 0.";
    assert!(put_off.message.contains(words), "{}", put_off.message);
    assert_eq!(machine.logs(), "going away with 7\n".repeat(2));
}

#[test]
fn a_command_of_the_image_may_be_a_probe() {
    for isolation in allowed() {
        let machine = Machine::new(isolation);
        // By its name, as in `exec: { command: [pg_isready] }`.
        let probe =
            json!({ "exec": { "command": ["fixture", "have", "/scratch/open"] }, "periodSeconds": 1 });
        machine.apply(&["serve"], &json!({ "readinessProbe": probe }));
        let closed =
            machine.instance_when(|instance| instance.message.contains("fixture have /scratch/open"));
        assert_eq!(closed.phase, Phase::Running, "{isolation:?}: {closed:?}");
        assert!(
            closed.message.ends_with("exit status: 1"),
            "{isolation:?}: {}",
            closed.message
        );
        machine.write_scratch("open");
        machine.ready();
    }
}

#[test]
fn the_next_controller_takes_a_ready_instance_over_as_it_is() {
    for isolation in allowed() {
        let mut machine = Machine::new(isolation);
        let probe = json!({ "httpGet": { "path": "/ready", "port": 8080 }, "periodSeconds": 3600 });
        machine.apply(&["serve"], &json!({ "readinessProbe": probe }));
        let before = machine.ready();
        assert_eq!(
            get(before.ports[&8080], "/greeting"),
            "200 hello",
            "{isolation:?}"
        );
        machine.restart();
        let after = machine.instance();
        // The file that it was given is still there.
        assert_eq!(
            get(before.ports[&8080], "/greeting"),
            "200 hello",
            "{isolation:?}"
        );
        assert_eq!(
            (after.phase, after.pid, after.restarts, &after.ports),
            (Phase::Ready, before.pid, 0, &before.ports),
            "{isolation:?}"
        );
        // And looks after it: an end is seen though the process is no child of this one.
        get(after.ports[&8080], "/die");
        let anew = machine.instance_when(|instance| instance.restarts == 1 && instance.phase == Phase::Ready);
        assert_ne!(anew.pid, before.pid, "{isolation:?}");
    }
}
