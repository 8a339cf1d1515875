//! What becomes of clients' connections: kept, retired, limited; HTTP/1.1 and HTTP/2.

use std::time::Duration;

use http::Version;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use windlass_proxy::message::Retire;

use crate::backend::Backend;
use crate::peer::{self, Keep};
use crate::world::{LONG, World, table};

#[tokio::test]
async fn a_promotion_ends_connections_with_their_next_answer_and_a_rollback_keeps_them() {
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
    let mut keep = Keep::open(address).await.expect("connected");
    let before = keep.get("/").await.expect("an answer");
    assert_eq!((before.text.as_str(), before.header("connection")), ("blue", ""));
    assert_eq!(before.header("x-windlass-track"), "blue");

    world
        .client
        .apply(tracks(2, (0, 100)), Retire::Polite)
        .await
        .expect("promoted");
    let last = keep.get("/").await.expect("an answer");
    assert_eq!(
        (last.text.as_str(), last.header("connection")),
        ("green", "close")
    );

    let mut keep = Keep::open(address).await.expect("connected");
    assert_eq!(keep.get("/").await.expect("an answer").header("connection"), "");
    world
        .client
        .apply(tracks(3, (100, 0)), Retire::AtOnce)
        .await
        .expect("rolled back");
    let next = keep.get("/").await.expect("an answer");
    assert_eq!((next.text.as_str(), next.header("connection")), ("blue", ""));

    let moved = tracks(4, (100, 0));
    world.client.apply(moved, Retire::Polite).await.expect("applied");
    assert_eq!(
        keep.get("/").await.expect("an answer").header("connection"),
        "",
        "no track lost its requests"
    );
}

#[tokio::test]
async fn http2_is_spoken_without_tls_and_told_to_go_away() {
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
    let mut sender = peer::http2(address).await;
    let request = || {
        http::Request::get("http://shop.example/head")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::default())
            .expect("a request")
    };
    let response = sender.send_request(request()).await.expect("an answer");
    assert_eq!(response.version(), Version::HTTP_2);
    let text = response.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8_lossy(&text);
    for line in ["GET /head HTTP/1.1", "host: shop.example", "cookie: a=1; b=2"] {
        assert!(text.contains(line), "{text}");
    }
    let slow = http::Request::get("http://shop.example/slow/200")
        .body(Full::default())
        .expect("a request");
    let in_flight = tokio::spawn(sender.send_request(slow));
    while blue.requests() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world
        .client
        .apply(tracks(2, (0, 100)), Retire::Polite)
        .await
        .expect("promoted");
    let response = in_flight.await.expect("a task").expect("an answer");
    let text = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(&text[..], b"blue", "what was in flight ends on the old track");
    tokio::time::timeout(LONG, async {
        while !sender.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the connection was told to go away");
}

#[tokio::test]
async fn connections_to_targets_are_kept() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut quiet = table(1, &[("blue", 100, &[blue.address])]);
    quiet.services[0].probe.interval_ms = 60_000;
    let address = world.serve(quiet).await;
    let mut keep = Keep::open(address).await.expect("connected");
    let before = blue.connections();
    for path in ["/", "/drip/3", "/", "/slow/1", "/"].iter().cycle().take(50) {
        assert_eq!(keep.get(path).await.expect("an answer").status, 200);
    }
    assert_eq!(
        blue.connections() - before,
        1,
        "one connection carried all requests"
    );
}

#[tokio::test]
async fn a_connection_that_the_target_closed_meanwhile_costs_no_request() {
    let world = World::start().await;
    let mut blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    let mut keep = Keep::open(address).await.expect("connected");
    for turn in 0..20 {
        assert_eq!(
            keep.get("/").await.expect("an answer").text,
            "blue",
            "turn {turn}"
        );
        blue.kill();
        blue = Backend::start_at("blue", blue.address).await;
        let request = peer::post_request("/echo", "paid once");
        let answer = keep.send(request).await.expect("an answer");
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (200, "paid once"),
            "turn {turn}"
        );
    }
}

#[tokio::test]
async fn clients_that_are_too_slow_are_cut_and_quick_ones_are_not() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut strict = table(1, &[("blue", 100, &[blue.address])]);
    strict.services[0].timeouts.head_ms = 100;
    strict.services[0].timeouts.keep_alive_ms = 300;
    let address = world.serve(strict).await;
    let cut = async |bytes: &[u8]| {
        let begun = std::time::Instant::now();
        let answer = tokio::time::timeout(LONG, peer::say(address, bytes))
            .await
            .expect("cut");
        (answer, begun.elapsed())
    };
    let (answer, took) = cut(b"GET / HTTP/1.1\r\nHost: sho").await;
    assert!(
        answer.is_empty() && took >= Duration::from_millis(100),
        "{answer} {took:?}"
    );
    let (answer, took) = cut(b"PRI * HT").await;
    assert!(
        answer.is_empty() && took >= Duration::from_millis(100),
        "{answer} {took:?}"
    );
    let (answer, took) = cut(b"").await;
    assert!(
        answer.is_empty() && took >= Duration::from_millis(300),
        "{answer} {took:?}"
    );
    let (answer, took) = cut(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert!(
        answer.ends_with("blue") && took >= Duration::from_millis(300),
        "{answer} {took:?}"
    );
    let answer = peer::get(address, "/slow/700").await;
    assert_eq!(answer.text, "blue", "a slow target is no slow client");
}

#[tokio::test]
async fn a_full_listener_lets_the_next_client_wait() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut small = table(1, &[("blue", 100, &[blue.address])]);
    small.services[0].limits.connections = 1;
    let address = world.serve(small).await;
    let mut first = Keep::open(address).await.expect("connected");
    assert_eq!(first.get("/").await.expect("an answer").text, "blue");
    let mut waiting = peer::connect(address).await;
    waiting
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .expect("said");
    let mut answer = String::new();
    let early = tokio::time::timeout(Duration::from_millis(100), waiting.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "{answer}");
    drop(first);
    tokio::time::timeout(LONG, waiting.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert!(answer.contains("200 OK"), "{answer}");
}
