//! Bodies and heads: streamed, limited, cleaned; what is refused, and how.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use windlass_proxy::table::Audience;

use crate::backend::Backend;
use crate::peer::{self, post_request};
use crate::world::{LONG, World, listener, table};

#[tokio::test]
async fn bodies_pass_and_too_large_ones_do_not() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut small = table(1, &[("blue", 100, &[blue.address])]);
    small.services[0].limits.body_bytes = 300_000;
    let address = world.serve(small).await;
    let fits = "x".repeat(300_000);
    assert_eq!(
        peer::send(address, post_request("/echo", fits.clone()))
            .await
            .text,
        fits
    );
    let declared = peer::send(address, post_request("/echo", "x".repeat(300_001))).await;
    assert_eq!(declared.status, 413, "{}", declared.text);
    assert_eq!(declared.header("content-type"), "application/problem+json");
    let chunk = format!("{:x}\r\n{}\r\n", 200_000, "x".repeat(200_000));
    let chunked = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    let answer = peer::say(address, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let after = peer::get(address, "/").await;
    assert_eq!(after.text, "blue", "the target is still fine");
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[blue.address])])).await;
    let cases = [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "400",
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n", "405"),
        (
            &format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000)),
            "431",
        ),
    ];
    for (bytes, status) in cases {
        let bytes = bytes.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let answer = peer::say(address, bytes.as_bytes()).await;
        let head = &bytes[..bytes.len().min(80)];
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{head:?} got {answer}"
        );
    }
    assert_eq!(blue.requests(), 0);
    // RFC 9112, 6.1: chunks win over a length, and nothing but chunks may be passed on.
    let both = "POST /head HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = peer::say(address, both.as_bytes()).await;
    assert!(
        answer.contains("transfer-encoding: chunked") && !answer.contains("content-length: 4"),
        "{answer}"
    );
}

#[tokio::test]
async fn services_hear_for_whom_a_request_is_made() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut both = table(1, &[("blue", 100, &[blue.address])]);
    both.listeners.push(listener("inside", Audience::Internal, None));
    let applied = world.apply(both).await;
    let head = async |name: &str| {
        let request = http::Request::get("/head")
            .header("host", "shop.example")
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-request-id", "from-outside-1")
            .body(http_body_util::Full::default())
            .expect("a request");
        peer::send(applied.listeners[name], request).await
    };
    let outside = head("web").await;
    for line in [
        "x-forwarded-for: 127.0.0.1\n",
        "x-forwarded-host: shop.example\n",
        "x-forwarded-proto: http\n",
    ] {
        assert!(outside.text.contains(line), "{}", outside.text);
    }
    assert!(
        outside.text.contains("x-request-id: from-outside-1"),
        "{}",
        outside.text
    );
    assert_eq!(outside.header("x-request-id"), "from-outside-1");
    let inside = head("inside").await;
    assert!(
        inside.text.contains("x-forwarded-for: 203.0.113.9, 127.0.0.1\n"),
        "{}",
        inside.text
    );
}

#[tokio::test]
async fn what_takes_too_long_is_answered_with_the_reason() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut strict = table(1, &[("blue", 100, &[blue.address])]);
    strict.services[0].timeouts.response_ms = 100;
    strict.services[0].timeouts.idle_ms = 150;
    let address = world.serve(strict).await;
    let late = peer::get(address, "/slow/5000").await;
    assert_eq!(late.status, 504);
    assert!(
        late.text.contains("shop gave no answer within 100 ms"),
        "{}",
        late.text
    );
    assert!(
        !late.text.contains(&blue.address.to_string()),
        "addresses are nobody's business"
    );

    let mut slow = peer::connect(address).await;
    slow.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        .await
        .expect("said");
    let mut answer = String::new();
    tokio::time::timeout(LONG, slow.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");

    let mut steady = peer::connect(address).await;
    steady
        .write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
        .await
        .expect("said");
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(40)).await;
        steady.write_all(b"x").await.expect("said");
    }
    answer.clear();
    steady.read_to_string(&mut answer).await.expect("an answer");
    assert!(
        answer.ends_with("xxxxxxxxxx"),
        "slow but steady is fine: {answer}"
    );
}

#[tokio::test]
async fn nobody_there_is_answered_with_the_reason() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let address = world.serve(table(1, &[("blue", 100, &[])])).await;
    let nobody = peer::get(address, "/").await;
    assert_eq!(nobody.status, 503);
    assert!(
        nobody.text.contains("no instance of shop is ready"),
        "{}",
        nobody.text
    );
    assert_eq!(nobody.header("retry-after"), "1");
    world.apply(table(2, &[("blue", 0, &[blue.address])])).await;
    let nowhere = peer::get(address, "/").await;
    assert!(
        nowhere.text.contains("no track of shop takes requests"),
        "{}",
        nowhere.text
    );
    let metrics = world.client.metrics().await.expect("metrics");
    let blue = metrics
        .find("staging", "shop", "blue", Audience::Customers)
        .expect("blue");
    assert_eq!((blue.requests, blue.errors), (1, 1));
}
