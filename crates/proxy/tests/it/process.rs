//! The process: what survives its crash, its replacement and its controller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use windlass_proxy::client::{Client, Reason};
use windlass_proxy::message::Retire;
use windlass_proxy::table::Audience;

use crate::backend::Backend;
use crate::peer::{self, Keep};
use crate::world::{PROGRAM, Reaper, World, listener, table};

#[tokio::test]
async fn a_restarted_proxy_serves_the_last_table_at_the_same_addresses() {
    let mut world = World::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    let tracks = |generation, weights: (u32, u32)| {
        table(
            generation,
            &[
                ("blue", weights.0, &[blue.address]),
                ("green", weights.1, &[green.address]),
            ],
        )
    };
    let address = world.serve(tracks(1, (100, 0))).await;
    world.apply(tracks(2, (0, 100))).await;
    world.crash_and_restart().await;
    assert_eq!(peer::get(address, "/").await.text, "green");
    let stale = world
        .client
        .apply(tracks(1, (100, 0)), Retire::Polite)
        .await
        .expect_err("older");
    assert_eq!(stale.reason(), Some(Reason::Stale));
    world.client.remove("staging").await.expect("removed");
    world.crash_and_restart().await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "a removed table stays away"
    );
}

#[tokio::test]
async fn a_taken_address_changes_nothing() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    let mut wrong = table(2, &[("blue", 0, &[blue.address])]);
    wrong.listeners.push(listener("more", Audience::Internal, None));
    wrong.listeners[1].bind = blue.address;
    let refused = world
        .client
        .apply(wrong, Retire::Polite)
        .await
        .expect_err("taken");
    assert_eq!(refused.reason(), Some(Reason::Unbound), "{refused}");
    assert_eq!(peer::get(address, "/").await.text, "blue");
    assert_eq!(
        world.client.status().await.expect("a status").tables[0].generation,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_takes_over_without_a_lost_request() {
    let mut world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    let admin = world
        .client
        .status()
        .await
        .expect("a status")
        .admin
        .expect("an admin listener");
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut answered = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    let mut keep = Keep::open(address).await?;
                    loop {
                        let answer = keep.get("/slow/1").await?;
                        assert_eq!(answer.text, "blue");
                        answered += 1;
                        if answer.header("connection") == "close" || stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                }
                Ok::<_, hyper::Error>(answered)
            })
        })
        .collect();
    let mut idle = Keep::open(address).await.expect("connected");
    assert_eq!(idle.get("/").await.expect("an answer").text, "blue");
    let slow = tokio::spawn(async move { peer::get(address, "/slow/800").await });
    tokio::time::sleep(Duration::from_millis(50)).await;

    let upgraded = world.client.upgrade(PROGRAM.as_ref()).await.expect("upgraded");
    assert_ne!(upgraded.pid, world.pid());
    let status = world.client.status().await.expect("a status");
    assert_eq!((status.pid, status.admin), (upgraded.pid, Some(admin)));
    assert_eq!(status.tables[0].generation, 1);
    let last = idle.get("/").await.expect("an answer of the old process");
    assert_eq!((last.text.as_str(), last.header("connection")), ("blue", "close"));
    assert_eq!(slow.await.expect("a task").text, "blue");
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::Relaxed);
    for client in load {
        assert!(client.await.expect("a client").expect("no request is lost") > 10);
    }
    assert!(world.ends().await, "the old process ends by itself");
    assert_eq!(peer::get(address, "/").await.text, "blue");
    world
        .client
        .apply(table(2, &[("blue", 100, &[blue.address])]), Retire::Polite)
        .await
        .expect("applied");
}

#[tokio::test]
async fn a_successor_that_does_not_start_leaves_all_as_it_is() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    for program in ["/bin/false", "/no/such/program"] {
        let refused = world.client.upgrade(program.as_ref()).await.expect_err("refused");
        assert_eq!(refused.reason(), Some(Reason::Busy), "{refused}");
    }
    assert_eq!(peer::get(address, "/").await.text, "blue");
    assert_eq!(world.client.status().await.expect("a status").pid, world.pid());
}

#[tokio::test]
async fn it_ignores_the_end_of_a_terminal_and_finishes_what_is_in_flight_when_told_to_end() {
    let mut world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    let pid = Pid::from_raw(world.pid().cast_signed());
    kill(pid, Signal::SIGHUP).expect("a signal");
    assert_eq!(peer::get(address, "/").await.text, "blue");
    let mut idle = Keep::open(address).await.expect("connected");
    assert_eq!(idle.get("/").await.expect("an answer").text, "blue");
    let slow = tokio::spawn(async move { peer::get(address, "/drip/20").await.text });
    while blue.requests() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kill(pid, Signal::SIGTERM).expect("a signal");
    assert_eq!(slow.await.expect("a task"), "drop".repeat(20));
    assert!(world.ends().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!world.state.path().join("control.sock").exists());
}

#[tokio::test]
async fn a_second_process_in_the_same_folder_is_refused_and_the_client_finds_the_first() {
    let world = World::start().await;
    let second = tokio::process::Command::new(PROGRAM)
        .args(["proxy", "--state"])
        .arg(world.state.path())
        .output()
        .await
        .expect("run");
    assert_eq!(second.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("another process serves"),
        "{second:?}"
    );
    let found = Client::start(PROGRAM.as_ref(), world.state.path())
        .await
        .expect("found");
    assert_eq!(found.status().await.expect("a status").pid, world.pid());
}

#[tokio::test]
async fn prometheus_reads_the_same_numbers() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    for _ in 0..3 {
        peer::get(address, "/").await;
    }
    let admin = world
        .client
        .status()
        .await
        .expect("a status")
        .admin
        .expect("an admin listener");
    let text = peer::get(admin, "/metrics").await.text;
    let labels = "{table=\"staging\",service=\"shop\",track=\"blue\",audience=\"customers\"";
    for line in [
        format!("windlass_proxy_requests_total{labels}}} 3\n"),
        format!("windlass_proxy_errors_total{labels}}} 0\n"),
        format!("windlass_proxy_request_duration_seconds_bucket{labels},le=\"+Inf\"}} 3\n"),
        format!(
            "windlass_proxy_target_healthy{{table=\"staging\",service=\"shop\",track=\"blue\",target=\"{}\"}} 1\n",
            blue.address
        ),
    ] {
        assert!(text.contains(&line), "{line}\nis not in\n{text}");
    }
}

#[tokio::test]
async fn a_state_folder_may_be_deep() {
    let outer = tempfile::tempdir().expect("a folder");
    let state = outer.path().join("deep-".repeat(40)).join("proxy");
    let _reaper = Reaper(state.clone());
    let client = Client::start(PROGRAM.as_ref(), &state).await.expect("started");
    let pid = client.status().await.expect("a status").pid;
    let blue = Backend::start("blue").await;
    client
        .apply(table(1, &[("blue", 100, &[blue.address])]), Retire::Polite)
        .await
        .expect("applied");
    let upgraded = client.upgrade(PROGRAM.as_ref()).await.expect("upgraded");
    assert_ne!(upgraded.pid, pid);
    client.shutdown().await.expect("ends");
}
