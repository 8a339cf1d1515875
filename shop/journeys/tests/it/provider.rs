//! A payment provider that declines, is slow, breaks off, notifies twice or too early, or says nothing at all.

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop};
use serde_json::{Value, json};
use service_kit::Settings;
use service_kit::auth::hmac_hex;
use service_kit::clock::now_ms;

use crate::{GUEST, available, document, status};

/// How the order of a key ends.
async fn end(shop: &Shop, key: &str, card: &str) -> (u16, u16, String) {
    let call = || shop.checkout(GUEST, key, card, Some(&[("KIT-001", 1)]));
    let first = call().send().await.unwrap();
    let began = Instant::now();
    let id = first.json::<Value>().unwrap();
    let id = id["id"].as_str().or(id["order"].as_str()).unwrap().to_owned();
    loop {
        let order = document(shop.get(&format!("/orders/{id}")).header("x-cart-id", GUEST)).await;
        if order["status"] != "pending" {
            let again = status(call()).await;
            return (
                first.status.as_u16(),
                again,
                order["status"].as_str().unwrap().to_owned(),
            );
        }
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "still pending: {order}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_test_card_ends_as_it_should_and_no_card_is_charged_twice() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 100).await.unwrap();
    let cases = [
        ("4242424242424242", 201, 201, "paid"),
        ("4000000000000002", 402, 402, "failed"),
        // Slower than a customer is made to wait.
        ("4000000000000259", 201, 201, "paid"),
        ("4000000000000267", 201, 201, "paid"),
        ("4000000000000275", 201, 201, "paid"),
        ("4000000000000283", 201, 201, "paid"),
        ("4000000000000291", 202, 402, "failed"),
    ];
    let runs = cases.map(|(card, ..)| {
        let shop = &shop;
        async move { end(shop, &format!("key-{card}"), card).await }
    });
    let mut ends = Vec::new();
    for run in runs {
        ends.push(run.await);
    }
    let expected = cases.map(|(_, first, again, status)| (first, again, status.to_owned()));
    assert_eq!(ends, expected);
    assert_eq!(available(&shop, "KIT-001").await, 95);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_providers_own_fresh_notifications_count() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    // An order that waits for its payment.
    let silent = shop.checkout(GUEST, "key-00000001", "4000000000000291", Some(&[("KIT-001", 1)]));
    let order = document(silent).await;
    let body = json!({
        "event_id": "01900000-0000-7000-8000-000000000001", "reference": order["id"],
        "authorization": "a-forged-charge", "status": "approved", "amount": order["total"],
    })
    .to_string();
    let secret = shop.order_pairs(&[]);
    let secret = Settings::of(secret).secret("PSP_SECRET").unwrap();
    let sign = |at: i64, body: &str| {
        format!(
            "t={at},v1={}",
            hmac_hex(&secret, format!("{at}.{body}").as_bytes()).unwrap()
        )
    };
    let now = now_ms() / 1000;
    let send = |signature: String, body: &str| {
        let call = shop
            .call(Method::POST, "/payments/webhook")
            .header("x-psp-signature", &signature);
        call.header("content-type", "application/json")
            .raw(body.to_owned())
    };
    let wrong = [
        sign(now - 301, &body),
        sign(now + 301, &body),
        sign(now, "another body"),
        format!("t={now},v1={}", "0".repeat(64)),
        "t=1".to_owned(),
        String::new(),
    ];
    for signature in wrong {
        assert_eq!(status(send(signature.clone(), &body)).await, 401, "{signature}");
    }
    let mine = || {
        shop.get(&format!("/orders/{}", order["id"].as_str().unwrap()))
            .header("x-cart-id", GUEST)
    };
    assert_eq!(document(mine()).await["status"], "pending");

    for _ in 0..3 {
        assert_eq!(status(send(sign(now, &body), &body)).await, 200);
    }
    assert_eq!(document(mine()).await["status"], "paid");
    assert_eq!(
        available(&shop, "KIT-001").await,
        9,
        "three times the same notification is one payment"
    );
}
