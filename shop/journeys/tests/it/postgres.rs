//! The same money and stock on PostgreSQL, which each test starts for itself; left out where it is not installed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journeys::{OrdersRun, Shop, Stores, wait_ready};
use serde_json::Value;
use servers::Postgres;

use crate::crash::dies_after_on;
use crate::money::storm;
use crate::{GOOD, available, status};

/// A server with the databases of accounts and orders; `None` where it is not installed.
fn server() -> Option<(Postgres, Stores)> {
    let server = Postgres::start(&["users", "orders"]).unwrap()?;
    let stores = Stores::default()
        .with("user-service", "DATABASE_URL", server.url("users"))
        .with("order-service", "DATABASE_URL", server.url("orders"));
    Some((server, stores))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_of_500_units_exactly_500_are_sold_in_either_order() {
    let Some((_server, stores)) = server() else {
        return;
    };
    let shop = Arc::new(Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap());
    assert!(
        !shop.database("order-service").exists(),
        "it must not use a file beside the server"
    );
    shop.stock("KIT-001", 500).await.unwrap();
    let counts = storm(&shop, 1500, 64, |_| vec![("KIT-001", 1)]).await;
    assert_eq!(counts, BTreeMap::from([(201, 500), (409, 1000)]));
    assert_eq!(available(&shop, "KIT-001").await, 0);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_carts_in_either_order_do_not_block_each_other() {
    let Some((_server, stores)) = server() else {
        return;
    };
    let shop = Arc::new(Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap());
    shop.stock("KIT-001", 100).await.unwrap();
    shop.stock("KIT-002", 100).await.unwrap();
    let counts = storm(&shop, 300, 32, |number| match number % 2 {
        0 => vec![("KIT-001", 1), ("KIT-002", 1)],
        _ => vec![("KIT-002", 1), ("KIT-001", 1)],
    })
    .await;
    assert_eq!(counts, BTreeMap::from([(201, 100), (409, 200)]));
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    let token = crate::sign_up(&shop, "ada@example.org").await;
    let me = shop
        .get("/users/me")
        .header("authorization", &format!("Bearer {token}"));
    assert_eq!(status(me).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_crash_after_any_phase_loses_nothing() {
    let Some(server) = Postgres::start(&["claimed", "reserved", "charged", "settled"]).unwrap() else {
        return;
    };
    let dies_after = async |phase: &'static str| {
        let stores = Stores::default().with("order-service", "DATABASE_URL", server.url(phase));
        dies_after_on(&stores, phase).await;
    };
    tokio::join!(
        dies_after("claimed"),
        dies_after("reserved"),
        dies_after("charged"),
        dies_after("settled"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_loses_no_order_that_was_acknowledged() {
    let Some((mut server, stores)) = server() else {
        return;
    };
    let shop = Arc::new(Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap());
    shop.stock("KIT-001", 100_000).await.unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (shop, ends) = (Arc::clone(&shop), Arc::clone(&ends));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    if ends.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = format!("key-{worker:04}-{number:06}");
                    let lines: &[(&str, i64)] = &[("KIT-001", 1)];
                    let reply = shop
                        .checkout("guest-0123456789abcdef", &key, GOOD, Some(lines))
                        .send()
                        .await
                        .unwrap();
                    if reply.status.as_u16() == 201 {
                        let order: Value = reply.json().unwrap();
                        acknowledged.push(order["id"].as_str().unwrap().to_owned());
                    }
                }
                acknowledged
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.kill().unwrap();
    let orders = shop.at(&shop.orders_admin_url());
    let began = Instant::now();
    wait_ready(&orders, 503).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(orders.get("/health").send().await.unwrap().status.as_u16(), 200);
    server.run().unwrap();
    wait_ready(&orders, 200).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    ends.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for worker in workers {
        acknowledged.extend(worker.await.unwrap());
    }
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    for id in &acknowledged {
        let order = shop
            .get(&format!("/orders/{id}"))
            .header("x-cart-id", "guest-0123456789abcdef");
        assert_eq!(crate::document(order).await["status"], "paid", "{id}");
    }
}
