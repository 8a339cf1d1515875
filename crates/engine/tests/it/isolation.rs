//! How instances are kept from the machine, from each other, and from more than their share: under every isolation that
//! this machine allows.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use windlass_engine::local::{Isolation, Phase};

use super::machine::{Machine, allowed};

/// In a mask of signals.
const SIGTERM: u64 = 1 << 14;

#[test]
fn an_instance_sees_what_it_was_given_and_nothing_else_of_the_machine() {
    for isolation in allowed() {
        let machine = Machine::new(isolation);
        // Of this machine: a file that everybody may read, and what another instance was told.
        let (public, told) = (
            machine.folder.path().join("public"),
            machine.folder.path().join("told"),
        );
        for (path, text) in [(&public, "the machine's"), (&told, "another's")] {
            fs::write(path, text).unwrap();
        }
        let [public, told] = [&public, &told].map(|path| path.to_str().unwrap());
        let arguments = ["report", "/config/greeting", "/scratch", public, told];
        let outcome = machine.job(&arguments, &json!({}));
        assert!(outcome.succeeded, "{isolation:?}: {outcome:?}");
        let (uid, own) = (nix::unistd::getuid().to_string(), outcome.log.join("\n"));
        let mut expected = vec!["NoNewPrivs: 1", "token s3cret", "reads hello", "writes scratch"];
        let mut unexpected = vec![
            "reads the machine's",
            "reads another's",
            "writes its image",
            "writes public",
        ];
        let line = format!("Uid: {uid}");
        match isolation {
            Isolation::Namespaces => expected.extend(["Uid: 10001", "CapEff: 0000000000000000", "pid 1"]),
            Isolation::Landlock => expected.push(&line),
            Isolation::None => {
                expected.push(&line);
                unexpected.clear();
            }
        }
        let says = |line: &&str| outcome.log.iter().any(|said| said == line);
        assert!(
            expected.iter().all(says),
            "{isolation:?} misses one of {expected:?}:\n{own}"
        );
        assert!(
            !unexpected.iter().any(says),
            "{isolation:?} has one of {unexpected:?}:\n{own}"
        );
        if isolation != Isolation::Namespaces {
            assert!(!says(&"pid 1"), "{own}");
        }
    }
}

#[test]
fn an_instance_that_takes_more_memory_than_its_limit_is_ended_and_says_so() {
    for isolation in allowed() {
        let machine = Machine::new(isolation);
        machine.apply(
            &["greedy"],
            &json!({ "resources": { "limits": { "memory": "32Mi" } } }),
        );
        let ended = machine.instance_when(|instance| instance.message.starts_with("CrashLoopBackOff: "));
        assert_eq!(ended.phase, Phase::BackOff, "{isolation:?}");
        // 6 where it may end itself so; as the first process of its space it cannot, and ends otherwise.
        let words = "was ended by signal ";
        assert!(ended.message.contains(words), "{isolation:?}: {}", ended.message);
        let words = ": memory allocation of 1048576 bytes failed (resources.limits.memory is 32 MiB)";
        assert!(ended.message.contains(words), "{isolation:?}: {}", ended.message);
    }
}

#[test]
fn an_instance_that_does_not_hear_the_word_to_stop_is_killed_after_its_grace_period() {
    for isolation in allowed() {
        let machine = Machine::new(isolation);
        let probe = json!({ "tcpSocket": { "port": 8080 } });
        machine.apply(&["stubborn"], &json!({ "readinessProbe": probe }));
        let pid = machine.ready().pid.unwrap();
        let process = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(process.join("status")).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        let blocked = u64::from_str_radix(blocked.unwrap().trim(), 16).unwrap();
        assert_ne!(blocked & SIGTERM, 0, "{isolation:?}: it does not hear it");
        let began = Instant::now();
        machine.stop();
        let took = began.elapsed().as_millis();
        assert!(!process.exists(), "{isolation:?}: it is gone");
        assert!(
            (1_000..5_000).contains(&took),
            "{isolation:?}: its grace period is 1 s, it took {took} ms"
        );
    }
}
