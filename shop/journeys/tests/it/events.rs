//! Events come at least once: each counts once, however often and from however many at once, on every store; of what a newer
//! version says, what is known counts.

use http::Method;
use journeys::{OrdersRun, Shop, Stores};
use serde_json::{Value, json};
use servers::{Postgres, Redis};

use crate::{GUEST, document, kind};

/// An event about two pieces of a guest's cart. A newer version says more than this one knows.
fn event(id: u32, word: &str) -> Value {
    json!({
        "id": format!("01900000-0000-7000-8000-{id:012}"), "kind": word, "schema": 1, "at_ms": 1_790_000_000_000_u64,
        "of_a_newer_version": {"channel": "app"},
        "order": {
            "id": "01900000-0000-7000-8000-00000000000f", "owner": format!("guest:{GUEST}"), "from_cart": true,
            "lines": [{"sku": "KIT-001", "quantity": 2, "gift": true}],
        },
    })
}

/// Sends an event ten times at once to a service.
async fn ten_times(shop: &Shop, url: &str, event: &Value) {
    let deliveries: Vec<_> = (0..10)
        .map(|_| {
            let call = shop.at(url).call(Method::POST, "/internal/events").json(event);
            tokio::spawn(async move { call.send().await.unwrap() })
        })
        .collect();
    for delivery in deliveries {
        let reply = delivery.await.unwrap();
        assert!(reply.status.is_success(), "{event}: {:?}", reply.body);
    }
}

async fn each_counts_once(stores: &Stores) {
    let shop = Shop::start_on(stores, &[], OrdersRun::Elsewhere).await.unwrap();
    let add = shop.call(Method::POST, "/cart/items").header("x-cart-id", GUEST);
    let add = add.json(&json!({"sku": "KIT-001", "quantity": 5}));
    assert_eq!(document(add).await["pieces"], 5);
    let catalog = shop.at(&shop.catalog.admin_url());
    let (to_catalog, to_cart) = (shop.catalog.url(), shop.cart.url());
    for (id, word, sold) in [
        (1, "order.paid", json!({"KIT-001": 2})),
        (2, "order.cancelled", json!({})),
        (3, "order.framed", json!({})),
    ] {
        let event = event(id, word);
        ten_times(&shop, &to_catalog, &event).await;
        ten_times(&shop, &to_cart, &event).await;
        assert_eq!(
            document(catalog.get("/verify/sold")).await["sold"],
            sold,
            "{word}"
        );
        let cart = document(shop.get("/cart").header("x-cart-id", GUEST)).await;
        assert_eq!(cart["pieces"], 3, "{word}: {cart}");
    }
    let mut newer = event(4, "order.paid");
    newer["schema"] = json!(2);
    for url in [to_catalog, to_cart] {
        let call = shop.at(&url).call(Method::POST, "/internal/events").json(&newer);
        assert_eq!(kind(call).await, "invalid", "what it means cannot be known");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_files_each_event_counts_once() {
    each_counts_once(&Stores::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_each_event_counts_once() {
    let Some(server) = Postgres::start(&["catalog", "carts"]).unwrap() else {
        return;
    };
    let stores = Stores::default()
        .with("catalog-service", "CATALOG_URL", server.url("catalog"))
        .with("cart-service", "CART_URL", server.url("carts"));
    each_counts_once(&stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_redis_each_event_counts_once() {
    let Some(redis) = Redis::start().unwrap() else {
        return;
    };
    each_counts_once(&Stores::default().with("cart-service", "CART_URL", redis.url())).await;
}
