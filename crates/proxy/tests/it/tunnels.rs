//! WebSocket and other protocols that a connection is switched to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_proxy::message::Retire;

use crate::backend::Backend;
use crate::peer;
use crate::world::{LONG, World, table};

async fn open(address: SocketAddr) -> TcpStream {
    let mut stream = peer::connect(address).await;
    stream
        .write_all(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n")
        .await
        .expect("said");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101") && head.contains("upgrade: echo"),
        "{head}"
    );
    stream
}

async fn echoes(stream: &mut TcpStream, word: &[u8]) -> bool {
    let mut back = vec![0; word.len()];
    let echo = async {
        stream.write_all(word).await?;
        stream.read_exact(&mut back).await
    };
    tokio::time::timeout(LONG, echo).await.expect("in time").is_ok() && back == word
}

#[tokio::test]
async fn a_tunnel_outlives_a_promotion_for_its_grace_and_ends_with_a_rollback() {
    let world = World::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    let tracks = |generation, weights: (u32, u32)| {
        let mut table = table(
            generation,
            &[
                ("blue", weights.0, &[blue.address]),
                ("green", weights.1, &[green.address]),
            ],
        );
        table.services[0].timeouts.tunnel_grace_ms = 300;
        table
    };
    let address = world.serve(tracks(1, (100, 0))).await;
    let mut first = open(address).await;
    assert!(echoes(&mut first, b"hello").await);
    world
        .client
        .apply(tracks(2, (0, 100)), Retire::Polite)
        .await
        .expect("promoted");
    let drained = world
        .client
        .drained("staging", "blue", LONG)
        .await
        .expect("drained");
    assert_eq!((drained.requests, drained.tunnels), (0, 1));
    assert!(echoes(&mut first, b"still here").await);
    let mut second = open(address).await;
    assert!(echoes(&mut second, b"green").await);
    let end = tokio::time::timeout(LONG, first.read(&mut [0]))
        .await
        .expect("after its grace");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");

    world
        .client
        .apply(tracks(3, (100, 0)), Retire::AtOnce)
        .await
        .expect("rolled back");
    let end = tokio::time::timeout(Duration::from_secs(5), second.read(&mut [0]))
        .await
        .expect("at once");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let mut third = open(address).await;
    assert!(
        echoes(&mut third, b"blue again").await,
        "a track that returns keeps its tunnels"
    );
}
