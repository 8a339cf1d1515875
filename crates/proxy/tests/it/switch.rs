//! The promise: a switch loses no request, whatever clients do, though the old side dies right after it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use windlass_proxy::message::Retire;
use windlass_proxy::table::Audience;

use crate::backend::Backend;
use crate::peer::{self, Keep, get_request, post_request};
use crate::world::{LONG, World, table};

const SWITCHES: u64 = 200;
const CLIENTS: usize = 8;

/// Requests of one kind of client until it is told to stop.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    answered: AtomicU64,
    lost: std::sync::Mutex<Vec<String>>,
}

impl Load {
    fn note(&self, outcome: Result<peer::Answer, hyper::Error>) {
        match outcome {
            Ok(answer)
                if answer.status.is_success()
                    && (answer.text.starts_with("side-") || answer.text == "dropdrop") =>
            {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => self.lose(format!("{} {}", answer.status, answer.text)),
            Err(error) => self.lose(format!("{error:?}")),
        }
    }

    fn lose(&self, what: String) {
        self.lost.lock().expect("not poisoned").push(what);
    }
}

/// Keeps its connection as long as the proxy does. Every other request has a body.
async fn keep(address: SocketAddr, load: Arc<Load>) {
    while !load.stop.load(Ordering::Relaxed) {
        let mut connection = match Keep::open(address).await {
            Ok(connection) => connection,
            Err(error) => return load.lose(format!("connecting: {error:?}")),
        };
        for number in 0_u32.. {
            let request = if number.is_multiple_of(2) {
                get_request("/x")
            } else {
                post_request("/x", "body")
            };
            let outcome = connection.send(request).await;
            let closes = outcome
                .as_ref()
                .is_ok_and(|answer| answer.header("connection") == "close");
            let failed = outcome.is_err();
            load.note(outcome);
            if closes || failed || load.stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
}

/// A new connection per request; every other answer comes in pieces.
async fn anew(address: SocketAddr, load: Arc<Load>) {
    for number in 0_u32.. {
        if load.stop.load(Ordering::Relaxed) {
            return;
        }
        let outcome = match Keep::open(address).await {
            Ok(mut connection) if number.is_multiple_of(2) => connection.get("/slow/1").await,
            Ok(mut connection) => connection.get("/drip/2").await,
            Err(error) => Err(error),
        };
        load.note(outcome);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_over_200_switches_though_the_old_side_dies() {
    let world = World::start().await;
    let mut old = Backend::start("side-0").await;
    let address = world.serve(table(1, &[("blue", 100, &[old.address])])).await;
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let load = Arc::clone(&load);
            if number % 2 == 0 {
                tokio::spawn(keep(address, load))
            } else {
                tokio::spawn(anew(address, load))
            }
        })
        .collect();
    for turn in 1..=SWITCHES {
        let new = Backend::start(&format!("side-{turn}")).await;
        let (from, to) = if turn % 2 == 1 {
            ("blue", "green")
        } else {
            ("green", "blue")
        };
        let retire = if turn % 5 == 0 {
            Retire::AtOnce
        } else {
            Retire::Polite
        };
        let switched = table(turn + 1, &[(from, 0, &[old.address]), (to, 100, &[new.address])]);
        world.client.apply(switched, retire).await.expect("switched");
        let drained = world
            .client
            .drained("staging", from, LONG)
            .await
            .expect("drained");
        assert_eq!(drained.requests, 0, "turn {turn}");
        old.kill();
        old = new;
    }
    load.stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client");
    }
    let lost = load.lost.lock().expect("not poisoned").clone();
    let answered = load.answered.load(Ordering::Relaxed);
    assert!(
        lost.is_empty(),
        "{} of {answered} lost: {:?}",
        lost.len(),
        lost.first()
    );
    assert!(
        answered > SWITCHES,
        "{answered} requests are too few to show anything"
    );
    let metrics = world.client.metrics().await.expect("metrics");
    let errors: u64 = metrics.tracks.iter().map(|track| track.errors).sum();
    assert_eq!(errors, 0);
}

#[tokio::test]
async fn a_drain_waits_for_the_last_byte_of_the_last_answer() {
    let world = World::start().await;
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
    let slow = tokio::spawn(async move { peer::get(address, "/drip/20").await });
    while world
        .client
        .metrics()
        .await
        .expect("metrics")
        .find("staging", "shop", "blue", Audience::Customers)
        .is_none_or(|track| track.in_flight == 0)
    {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world
        .client
        .apply(tracks(2, (0, 100)), Retire::AtOnce)
        .await
        .expect("switched");
    assert_eq!(peer::get(address, "/").await.text, "green");
    let early = world
        .client
        .drained("staging", "blue", Duration::from_millis(20))
        .await
        .expect("drained");
    assert_eq!(early.requests, 1, "the answer is still dripping");
    let late = world
        .client
        .drained("staging", "blue", LONG)
        .await
        .expect("drained");
    assert_eq!(late.requests, 0);
    blue.kill();
    assert_eq!(slow.await.expect("a client").text, "drop".repeat(20));
}

#[tokio::test]
async fn an_older_table_is_refused_and_the_same_one_changes_nothing() {
    let world = World::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    let address = world.serve(table(7, &[("blue", 1, &[blue.address])])).await;
    let again = world.apply(table(7, &[("blue", 1, &[blue.address])])).await;
    assert!(!again.changed);
    assert_eq!(again.listeners["web"], address, "the free port stays");
    for (generation, targets) in [(6, blue.address), (7, green.address)] {
        let refused = world
            .client
            .apply(table(generation, &[("blue", 1, &[targets])]), Retire::Polite)
            .await;
        let error = refused.expect_err("refused");
        assert_eq!(
            error.reason(),
            Some(windlass_proxy::client::Reason::Stale),
            "{error}"
        );
    }
    assert_eq!(peer::get(address, "/").await.text, "blue");
}
