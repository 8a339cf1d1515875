//! What a checkout depends on is away, or comes too late: nothing is lost, nobody pays for nothing, and others go on.

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, wait_ready};
use serde_json::{Value, json};
use servers::Postgres;
use service_kit::{Settings, start};

use crate::crash::process;
use crate::{GOOD, GUEST, available, document, status};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";
/// The card that the provider never answers for.
const SILENT: &str = "4000000000000291";

/// Waits until an order of the guest has this status.
async fn becomes(shop: &Shop, id: &Value, expected: &str) {
    let path = format!("/orders/{}", id.as_str().unwrap());
    let began = Instant::now();
    loop {
        let order = document(shop.get(&path).header("x-cart-id", GUEST)).await;
        if order["status"] == expected {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "not {expected}: {order}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_comes_after_the_order_was_given_up_is_refunded() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 5).await.unwrap();
    let order = document(shop.checkout(GUEST, "key-00000001", SILENT, Some(&[("KIT-001", 2)]))).await;
    assert_eq!(order["status"], "pending");
    becomes(&shop, &order["id"], "failed").await;
    assert_eq!(available(&shop, "KIT-001").await, 5, "its pieces are for others");

    // The bank wakes up and takes the money; its notification is the first that the shop hears of it.
    charge(&shop, &order["id"], &order["total"]).await;
    is_refunded(&shop, &order["id"]).await;
    becomes(&shop, &order["id"], "failed").await;
    assert_eq!(available(&shop, "KIT-001").await, 5);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_of_another_amount_pays_for_nothing_and_is_refunded() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 5).await.unwrap();
    let order = document(shop.checkout(GUEST, "key-00000001", SILENT, Some(&[("KIT-001", 2)]))).await;
    let less = json!({"minor": order["total"]["minor"].as_i64().unwrap() - 1, "currency": "EUR"});
    charge(&shop, &order["id"], &less).await;
    is_refunded(&shop, &order["id"]).await;
    becomes(&shop, &order["id"], "failed").await;
    assert_eq!(available(&shop, "KIT-001").await, 5);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

/// The provider charges for an order, without being asked by the shop.
async fn charge(shop: &Shop, order: &Value, amount: &Value) {
    let call = shop
        .at(&shop.psp.url())
        .call(Method::POST, "/v1/authorizations")
        .header("idempotency-key", order.as_str().unwrap())
        .json(&json!({"reference": order, "amount": amount, "card": GOOD}));
    assert_eq!(document(call).await["status"], "approved");
}

async fn is_refunded(shop: &Shop, order: &Value) {
    let path = format!("/v1/authorizations?reference={}", order.as_str().unwrap());
    let began = Instant::now();
    loop {
        let known = document(shop.at(&shop.psp.url()).get(&path)).await;
        if known["authorizations"][0]["status"] == "refunded" {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{known}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_provider_a_checkout_is_bounded_and_given_up_and_the_shop_goes_on() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let orders_run = process(&shop, &[("PSP_URL", NOWHERE)]).await;
    shop.stock("KIT-001", 30).await.unwrap();
    let mut orders = Vec::new();
    for number in 0..10 {
        let began = Instant::now();
        let key = format!("key-{number:08}");
        let call = shop.checkout(GUEST, &key, GOOD, Some(&[("KIT-001", 1)]));
        let reply = call.send().await.unwrap();
        assert_eq!(reply.status.as_u16(), 202, "{:?}", reply.body);
        assert!(
            began.elapsed() < Duration::from_millis(4500),
            "{:?}",
            began.elapsed()
        );
        orders.push(reply.json::<Value>().unwrap()["id"].clone());
        let began = Instant::now();
        assert_eq!(
            status(shop.get(&format!("/products/KIT-{:03}", number + 1))).await,
            200
        );
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    // It may have charged: as long as it cannot be asked, nothing is given back.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(available(&shop, "KIT-001").await, 20);
    drop(orders_run);
    let _orders = process(&shop, &[]).await;
    for id in &orders {
        becomes(&shop, id, "failed").await;
    }
    assert_eq!(available(&shop, "KIT-001").await, 30);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_catalogue_or_carts_a_checkout_is_safe_to_send_again() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let add = shop.call(Method::POST, "/cart/items").header("x-cart-id", GUEST);
    let add = add.json(&json!({"sku": "KIT-001", "quantity": 2}));
    assert_eq!(status(add).await, 200);
    for away in ["CATALOG_SERVICE_URL", "CART_SERVICE_URL"] {
        let _orders = process(&shop, &[(away, NOWHERE)]).await;
        shop.stock("KIT-001", 10).await.unwrap();
        let reply = shop
            .checkout(GUEST, "key-00000001", GOOD, None)
            .send()
            .await
            .unwrap();
        let kind = reply.problem_kind();
        assert_eq!(
            (reply.status.as_u16(), kind.as_deref()),
            (503, Some("unavailable")),
            "{away}: {:?}",
            reply.body
        );
        assert!(reply.headers.contains_key("retry-after"), "{away}");
        assert_eq!(available(&shop, "KIT-001").await, 10, "{away}: nothing is held");
    }
    let _orders = process(&shop, &[]).await;
    let order = document(shop.checkout(GUEST, "key-00000001", GOOD, None)).await;
    assert_eq!(
        (&order["status"], &order["lines"][0]["quantity"]),
        (&json!("paid"), &json!(2)),
        "{order}"
    );
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_later_is_waited_for_and_then_used() {
    let Some(mut server) = Postgres::start(&["users"]).unwrap() else {
        return;
    };
    server.kill().unwrap();
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let mut settings = shop.settings().clone();
    settings.insert("DATABASE_URL", server.url("users"));
    let users = start::<user_service::Users>(Settings::of(settings))
        .await
        .unwrap();
    let admin = shop.at(&users.admin_url());
    for _ in 0..10 {
        assert_eq!(status(admin.get("/ready")).await, 503);
        assert_eq!(status(admin.get("/health")).await, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.run().unwrap();
    wait_ready(&admin, 200).await.unwrap();
    let new = json!({"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"});
    let made = shop.at(&users.url()).call(Method::POST, "/users").json(&new);
    assert_eq!(status(made).await, 201);
    assert_eq!(server.say("users", "select count(*) from users").unwrap(), "1");
}
