//! Releases that cannot serve, each refused with the thing and the cause, while what served serves on.

use std::net::{Ipv4Addr, TcpListener};

use super::customers::{Customers, get};
use super::place::{Place, Running, until};
use super::port::free_port;

const QUICK: &str = "    strategy: blue-green\n    watch: 0s\n";
/// Where a file of the chart goes that is there for one commit only.
const EXTRA: &str = "chart/templates/extra.yaml";
/// Offset of the machine in an ELF header, and 64-bit ARM.
const MACHINE: usize = 18;
const AARCH64: u8 = 183;

/// A commit that must not reach customers.
struct Bad {
    /// Path and text of the file that makes it bad.
    file: (&'static str, String),
    fault: &'static str,
    /// Who decides.
    by: &'static str,
    because: &'static [&'static str],
}

fn bad(place: &Place) -> Vec<Bad> {
    let good = place.read("windlass.yaml");
    let with_image = |image: &str| ("windlass.yaml", good.replace(&place.image, image));
    let nothing = || (EXTRA, String::new());
    let foreign = place.other_image(|bytes| (bytes[MACHINE], bytes[MACHINE + 1]) = (AARCH64, 0));
    let text = |text: &str| (EXTRA, text.to_owned());
    vec![
        Bad {
            file: text("{{ fail \"no such region\" }}"),
            fault: "",
            by: "plan",
            because: &[
                "the chart chart does not render for staging",
                "no such region",
                "hint: ",
            ],
        },
        Bad {
            file: text("just: text"),
            fault: "",
            by: "plan",
            because: &["extra.yaml", "no Kubernetes object", "hint: "],
        },
        Bad {
            file: with_image(&foreign),
            fault: "",
            by: "migration",
            because: &["web-migrate", "arm64", "hint: "],
        },
        Bad {
            file: nothing(),
            fault: "exit",
            by: "readiness",
            because: &[
                "web-green is not ready after 2 s",
                "CrashLoopBackOff",
                "cannot go on",
            ],
        },
    ]
}

#[test]
fn bad_releases_are_refused_by_name_and_what_served_serves_on() {
    let place = Place::new(QUICK);
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let customers = Customers::of(place.port, "/");
    let good = place.read("windlass.yaml");
    for (number, bad) in bad(&place).into_iter().enumerate() {
        let (path, text) = &bad.file;
        place.write(path, text);
        let release = place.commit(&format!("bad-{number}"), bad.fault);
        let ended = controller.ended(&release);
        assert_eq!(
            (ended.outcome.as_str(), ended.decided_by.as_str()),
            ("refused", bad.by),
            "{ended:?}"
        );
        for part in bad.because {
            assert!(ended.reason.contains(part), "{part:?} is not in {}", ended.reason);
        }
        place.write("windlass.yaml", &good);
        place.write(EXTRA, "");
    }
    assert!(
        customers.stop().keys().all(|answer| answer == "200 one"),
        "customers met a bad release"
    );
    let last = place.commit("two", "");
    assert_eq!(controller.ended(&last).outcome, "promoted");
    assert_eq!(get(place.port, "/"), "200 two");
}

#[test]
fn a_commit_with_a_malformed_configuration_or_a_missing_image_is_not_built_and_that_is_said() {
    let place = Place::new(QUICK);
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let good = place.read("windlass.yaml");
    let image = format!("web@{}", place.image);
    let missing = format!("127.0.0.1:{}/web@sha256:{}", free_port(), "7".repeat(64));
    for (from, to, because) in [
        (
            "strategy:",
            "stratgy:",
            "windlass.yaml:12:5: unknown key `stratgy`",
        ),
        ("deploy: auto", "deploy: [auto]", "windlass.yaml:11:13: "),
        (
            "edge: web",
            "edge: wed",
            "windlass.yaml:5:7: the edge names the service `wed`",
        ),
        (
            "web: {",
            "web: { needs: [web],",
            "services need each other in a circle: web -> web",
        ),
        // An image that is not here, of a registry where nobody listens.
        (image.as_str(), missing.as_str(), "7777777"),
    ] {
        assert!(good.contains(from), "{from}");
        place.write("windlass.yaml", &good.replace(from, to));
        place.commit_all(to);
        let failed = failed_build(&controller, because);
        assert!(failed.contains("hint: "), "{failed}");
        assert_eq!(get(place.port, "/"), "200 one");
    }
    place.write("windlass.yaml", &good);
    let last = place.commit("two", "");
    assert_eq!(controller.ended(&last).outcome, "promoted");
}

#[test]
fn a_port_that_another_program_has_is_named_and_taken_when_it_is_free() {
    let place = Place::new(QUICK);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, place.port)).unwrap();
    let first = place.commit("one", "");
    let controller = place.controller();
    let ended = controller.ended(&first);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    let port = place.port.to_string();
    assert!(
        ended.reason.contains(&port) && ended.reason.contains("hint: "),
        "{}",
        ended.reason
    );
    drop(other);
    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    assert_eq!(get(place.port, "/"), "200 two");
}

#[test]
fn a_service_that_floods_its_log_and_ignores_its_end_serves_and_ends() {
    let place = Place::new(QUICK);
    let first = place.commit("one", "flood");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    assert_eq!(get(place.port, "/"), "200 one");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let logs = runtime
        .block_on(controller.handle.logs("staging", "web", 5))
        .unwrap();
    assert!(!logs.is_empty(), "the end of the log can be read");
    // It has no handler for SIGTERM: as the first process of its space it ignores it, until its grace period is over.
    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    let tracks = until("the old track to be gone", || {
        let tracks = controller.staging().tracks;
        (tracks.len() == 1).then_some(tracks)
    });
    assert_eq!(tracks[0].release, second);
}

fn failed_build(controller: &Running, because: &str) -> String {
    until(&format!("a build that fails with {because:?}"), || {
        let view = controller.view();
        let mut failed = view.builds.iter().filter(|build| build.state == "failed");
        failed
            .find(|build| build.reason.contains(because))
            .map(|build| build.reason.clone())
    })
}
