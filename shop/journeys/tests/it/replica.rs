//! Reading from a copy of the database that is a little behind: nobody sees less than what they did themselves.

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, Stores};
use serde_json::Value;
use servers::{PgBouncer, Postgres};
use service_kit::client::{Call, Reply};

use crate::{GOOD, GUEST, document};

struct Copies {
    primary: Postgres,
    replica: Postgres,
    _pool: PgBouncer,
    shop: Shop,
}

/// Orders on a server with a replica, both through PgBouncer.
async fn start() -> Option<Copies> {
    let primary = Postgres::start(&["orders"]).unwrap()?;
    let replica = primary.replica().unwrap();
    let pool = PgBouncer::start(&[
        ("orders", primary.port(), "orders"),
        ("orders_read", replica.port(), "orders"),
    ])
    .unwrap()?;
    let stores = Stores::default()
        .with("order-service", "DATABASE_URL", pool.url("orders"))
        .with("order-service", "DATABASE_READ_URL", pool.url("orders_read"));
    let shop = Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 1000).await.unwrap();
    Some(Copies {
        primary,
        replica,
        _pool: pool,
        shop,
    })
}

async fn buy(shop: &Shop, key: &str) -> (Value, Reply) {
    let reply = shop
        .checkout(GUEST, key, GOOD, Some(&[("KIT-001", 1)]))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{:?}", reply.body);
    (reply.json().unwrap(), reply)
}

/// As a browser, which sends back the cookie.
fn as_browser(call: Call, told: &Reply) -> Call {
    let cookie = told.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("read-after="), "{cookie}");
    call.header("cookie", cookie.split(';').next().unwrap())
}

fn orders(shop: &Shop) -> Call {
    shop.get("/orders").header("x-cart-id", GUEST)
}

fn pause(replica: &Postgres) {
    replica.say("orders", "select pg_wal_replay_pause()").unwrap();
    let began = Instant::now();
    while replica
        .say("orders", "select pg_get_wal_replay_pause_state()")
        .unwrap()
        != "paused"
    {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks until the answer is this many orders.
async fn becomes(call: impl Fn() -> Call, expected: usize, within: Duration) {
    let began = Instant::now();
    loop {
        let found = document(call()).await["orders"].as_array().unwrap().len();
        if found == expected {
            return;
        }
        assert!(began.elapsed() < within, "{found} orders instead of {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_the_own_order_however_far_the_replica_is_behind() {
    let Some(copies) = start().await else { return };
    let shop = &copies.shop;
    let (_, told) = buy(shop, "key-before-the-pause").await;
    // The replica is in use: it is asked by those who wrote nothing, and by those whose writes it has.
    becomes(|| orders(shop), 1, Duration::from_secs(5)).await;
    becomes(|| as_browser(orders(shop), &told), 1, Duration::from_secs(5)).await;

    pause(&copies.replica);
    let (order, told) = buy(shop, "key-during-the-pause").await;
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    for _ in 0..20 {
        let one = as_browser(shop.get(&path).header("x-cart-id", GUEST), &told);
        assert_eq!(document(one).await["id"], order["id"]);
        let all = document(as_browser(orders(shop), &told)).await;
        assert_eq!(
            all["orders"].as_array().unwrap().len(),
            2,
            "what one did oneself is there"
        );
    }
    // Who did nothing may be told of a moment ago. This also shows that the replica is what is asked.
    let stranger = document(orders(shop)).await["orders"].as_array().unwrap().len();
    assert_eq!(stranger, 1, "it is asked, and it is paused");
    let cancel = shop
        .call(Method::POST, &format!("{path}/cancel"))
        .header("x-cart-id", GUEST);
    let told = cancel.send().await.unwrap();
    let one = as_browser(shop.get(&path).header("x-cart-id", GUEST), &told);
    assert_eq!(document(one).await["status"], "cancelled");

    // Far behind, it is not used by anybody.
    becomes(|| orders(shop), 2, Duration::from_secs(15)).await;
    copies
        .replica
        .say("orders", "select pg_wal_replay_resume()")
        .unwrap();
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_replica_a_shop_goes_on() {
    let Some(mut copies) = start().await else { return };
    buy(&copies.shop, "key-00000001").await;
    becomes(|| orders(&copies.shop), 1, Duration::from_secs(5)).await;
    copies.replica.kill().unwrap();
    let began = Instant::now();
    loop {
        let reply = orders(&copies.shop).send().await.unwrap();
        if reply.status.as_u16() == 200 {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}: the primary has everything",
            reply.body
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for number in 2..5 {
        buy(&copies.shop, &format!("key-{number:08}")).await;
        becomes(|| orders(&copies.shop), number, Duration::from_secs(2)).await;
    }
    let there = copies
        .primary
        .say("orders", "select count(*) from orders")
        .unwrap();
    assert_eq!(there, "4");
    copies.replica.run().unwrap();
    becomes(|| orders(&copies.shop), 4, Duration::from_secs(5)).await;
    let ready = copies
        .shop
        .at(&copies.shop.orders_admin_url())
        .get("/ready")
        .send();
    assert_eq!(ready.await.unwrap().status.as_u16(), 200);
    assert_eq!(copies.shop.violations().await.unwrap(), Vec::<String>::new());
}
