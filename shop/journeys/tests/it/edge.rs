//! The edge for those who are far away or too many: small answers, limits that all instances share, and changes that all of them show.

use std::time::{Duration, Instant, UNIX_EPOCH};

use http::Method;
use journeys::{OrdersRun, Shop, Stores, wait_ready};
use servers::Redis;
use service_kit::client::Upstream;
use service_kit::{Settings, start};

use crate::{document, status};

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_for_those_who_can_read_that() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let mut sizes = Vec::new();
    // The first answer comes from the catalogue, the others from the cache.
    for (accepts, expected) in [
        ("identity", None),
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("br")),
        ("br;q=0, gzip", Some("gzip")),
        ("zstd", None),
    ] {
        let call = shop.get("/products?limit=24").header("accept-encoding", accepts);
        let reply = call.send().await.unwrap();
        let found = reply
            .headers
            .get("content-encoding")
            .map(|value| value.to_str().unwrap());
        assert_eq!((reply.status.as_u16(), found), (200, expected), "{accepts}");
        let vary = reply.headers["vary"].to_str().unwrap().to_lowercase();
        assert!(vary.contains("accept-encoding"), "{accepts}: {vary}");
        sizes.push(reply.body.len());
    }
    let [plain, gzip, brotli, again, other] = sizes[..] else {
        panic!("{sizes:?}")
    };
    assert!(plain > 3 * gzip && gzip > brotli, "{sizes:?}");
    assert_eq!((again, other), (gzip, plain));
}

/// The status that a client gets at an edge.
async fn asks(edge: &Upstream) -> u16 {
    let call = edge
        .get("/api/v1/categories")
        .header("x-forwarded-for", "203.0.113.9");
    call.send().await.unwrap().status.as_u16()
}

/// How many of a hundred requests of a client are let through.
async fn let_through(edge: &Upstream) -> usize {
    let mut count = 0;
    for _ in 0..100 {
        let status = asks(edge).await;
        assert!(matches!(status, 200 | 429), "{status}");
        count += usize::from(status == 200);
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_asks_one_edge_counts_at_the_other() {
    let Some(redis) = Redis::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("api-gateway", "REDIS_URL", redis.url());
    // So slow that nothing is earned back while the test runs.
    let shop = Shop::start_on(&stores, &[("RATE_LIMIT", "30")], OrdersRun::Elsewhere)
        .await
        .unwrap();
    let mut settings = shop.settings().clone();
    settings.insert("REDIS_URL", redis.url());
    let other = start::<api_gateway::Gateway>(Settings::of(settings))
        .await
        .unwrap();
    wait_ready(&shop.at(&other.admin_url()), 200).await.unwrap();
    let (one, other) = (shop.at(&shop.gateway.url()), shop.at(&other.url()));
    // What is counted is forgotten every ten seconds; the test must not run across the end of them.
    let second = || UNIX_EPOCH.elapsed().unwrap().as_secs() % 10;
    while second() > 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Known to both, so that both keep account of it.
    assert_eq!(asks(&other).await, 200);
    let there = let_through(&one).await;
    assert!(there >= 60, "a burst of two seconds: {there}");
    // An edge learns in rounds, and only of clients that ask it: a hundred quick requests can all come before the next one.
    for _ in 0..4 {
        asks(&other).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let here = let_through(&other).await;
    // On its own it would let sixty through.
    assert!(here < 45, "{there} there and {here} here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_at_both_edges_and_never_taken_back() {
    let Some(redis) = Redis::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("api-gateway", "REDIS_URL", redis.url());
    let shop = Shop::start_on(&stores, &[], OrdersRun::Elsewhere).await.unwrap();
    let mut settings = shop.settings().clone();
    settings.insert("REDIS_URL", redis.url());
    let other = start::<api_gateway::Gateway>(Settings::of(settings))
        .await
        .unwrap();
    wait_ready(&shop.at(&other.admin_url()), 200).await.unwrap();
    let edges = [shop.at(&shop.gateway.url()), shop.at(&other.url())];
    let mut draft = document(shop.get("/products/KIT-001")).await;
    let price = async |edge: &Upstream| {
        let product = document(edge.get("/api/v1/products/KIT-001")).await;
        product["price"]["minor"].as_i64().unwrap()
    };
    let mut expected = price(&edges[0]).await;
    for _ in 0..3 {
        // Kept at both, and in what they share.
        for edge in &edges {
            assert_eq!(price(edge).await, expected);
        }
        expected += 100;
        draft["price"]["minor"] = expected.into();
        let change = shop
            .at(&shop.catalog.admin_url())
            .call(Method::PUT, "/products/KIT-001");
        assert_eq!(status(change.json(&draft)).await, 200);
        let began = Instant::now();
        let mut seen = [false; 2];
        while seen != [true; 2] || began.elapsed() < Duration::from_secs(1) {
            for (edge, seen) in edges.iter().zip(&mut seen) {
                let now = price(edge).await == expected;
                assert!(now || !*seen, "the old price came back");
                *seen = now;
            }
            assert!(began.elapsed() < Duration::from_secs(5), "{seen:?}");
        }
    }
}
