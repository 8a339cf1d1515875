//! What must not be possible: the cases of the security review, one by one.

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop};
use serde_json::{Value, json};
use service_kit::client::Call;

use crate::{GOOD, GUEST, document, kind, sign_up, status};

const PASSWORD: &str = "correct horse battery";

fn with(call: Call, token: &str) -> Call {
    call.header("authorization", &format!("Bearer {token}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_does_not_exist() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    let (ada, bob) = (
        sign_up(&shop, "ada@example.org").await,
        sign_up(&shop, "bob@example.org").await,
    );
    let order = document(with(
        shop.checkout(GUEST, "key-00000001", GOOD, Some(&[("KIT-001", 1)])),
        &ada,
    ))
    .await;
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let address = json!({"name": "A", "street": "S", "postcode": "1", "city": "C", "country": "DE"});
    let kept = document(with(
        shop.call(Method::POST, "/users/me/addresses").json(&address),
        &ada,
    ))
    .await;
    let kept = format!("/users/me/addresses/{}", kept["id"].as_str().unwrap());

    let asked = [
        with(shop.get(&path), &bob),
        with(shop.call(Method::POST, &format!("{path}/cancel")), &bob),
        with(shop.call(Method::DELETE, &kept), &bob),
        shop.get(&path).header("x-cart-id", GUEST),
        shop.get(&path).header("x-cart-id", "another-guest-0123456789"),
        shop.get("/orders/not-an-id").header("x-cart-id", GUEST),
    ];
    for call in asked {
        assert_eq!(kind(call).await, "not-found");
    }
    assert_eq!(document(with(shop.get(&path), &ada)).await["status"], "paid");
    assert_eq!(
        document(with(shop.get("/orders"), &bob)).await["orders"],
        json!([])
    );
    for (call, expected) in [
        (shop.get(&path), 401),
        (shop.get("/cart").header("x-cart-id", "short"), 400),
    ] {
        assert_eq!(status(call).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_decides_neither_price_nor_nonsense() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 1000).await.unwrap();
    let price = document(shop.get("/products/KIT-001")).await["price"].clone();
    let body = |lines: Value| {
        let address = json!({"name": "A", "street": "S", "postcode": "1", "city": "C", "country": "DE"});
        json!({"email": "a@example.org", "address": address, "payment": {"card": GOOD}, "lines": lines, "total": {"minor": 1},
            "status": "paid"})
    };
    let send = |key: &str, lines: Value| {
        let call = shop
            .call(Method::POST, "/checkout")
            .header("x-cart-id", GUEST)
            .header("idempotency-key", key);
        call.json(&body(lines))
    };
    let cheap = json!([{"sku": "KIT-001", "quantity": 1, "price": {"minor": 1, "currency": "EUR"}}]);
    let order = document(send("key-00000001", cheap)).await;
    assert_eq!(order["total"], price, "{order}");

    let wrong = [
        json!([{"sku": "KIT-001", "quantity": 0}]),
        json!([{"sku": "KIT-001", "quantity": -1}]),
        json!([{"sku": "KIT-001", "quantity": 100}]),
        json!([{"sku": "KIT-001", "quantity": 9_223_372_036_854_775_807_i64}]),
        json!([{"sku": "KIT-001", "quantity": 1.5}]),
        json!([{"sku": "KIT-001", "quantity": "1"}]),
        json!([{"sku": {"$gt": ""}, "quantity": 1}]),
        json!([{"sku": "' or 1=1 --", "quantity": 1}]),
        json!([]),
    ];
    for lines in wrong {
        assert_eq!(status(send("key-00000002", lines.clone())).await, 422, "{lines}");
    }
    let bodies = [("{", 400), ("[]", 422), (r#"{"lines":null}"#, 422)];
    for (raw, expected) in bodies {
        let call = shop.call(Method::POST, "/checkout").header("x-cart-id", GUEST);
        let call = call
            .header("idempotency-key", "key-00000003")
            .header("content-type", "application/json");
        assert_eq!(status(call.raw(raw)).await, expected, "{raw}");
    }
    let large = shop.call(Method::POST, "/cart/items").json(&"x".repeat(70_000));
    assert_eq!(kind(large).await, "too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_and_credentials_tell_nothing() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    let first = sign_up(&shop, "ada@example.org").await;
    let log_in = |email: &str, password: &str| {
        shop.call(Method::POST, "/sessions")
            .json(&json!({"email": email, "password": password}))
    };
    let wrong = log_in("ada@example.org", "a wrong password")
        .send()
        .await
        .unwrap();
    let unknown = log_in("nobody@example.org", "a wrong password")
        .send()
        .await
        .unwrap();
    let without_id = |body: &[u8]| {
        let mut document: Value = serde_json::from_slice(body).unwrap();
        document["request_id"].take();
        document
    };
    assert_eq!(
        (wrong.status, without_id(&wrong.body)),
        (unknown.status, without_id(&unknown.body))
    );

    let second = document(log_in(" ADA@example.org", PASSWORD)).await;
    let second = second["token"].as_str().unwrap();
    let change = shop.call(Method::POST, "/users/me/password");
    let change = with(
        change.json(&json!({"current": PASSWORD, "new": "another long password"})),
        second,
    );
    assert_eq!(status(change).await, 204);
    assert_eq!(
        status(with(shop.get("/users/me"), &first)).await,
        401,
        "other sessions end"
    );
    assert_eq!(status(with(shop.get("/users/me"), second)).await, 200);

    assert_eq!(status(with(shop.get("/cart"), second)).await, 200);
    assert_eq!(
        status(with(shop.call(Method::DELETE, "/sessions/current"), second)).await,
        204
    );
    let began = Instant::now();
    while status(with(shop.get("/cart"), second)).await != 401 {
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "the cart still takes an ended session"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..10 {
        assert_eq!(
            kind(log_in("ada@example.org", "a wrong password")).await,
            "wrong-credentials"
        );
    }
    let locked = log_in("ada@example.org", "another long password")
        .send()
        .await
        .unwrap();
    assert_eq!(locked.status.as_u16(), 429);
    assert!(locked.headers.contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_found_an_open_session_has_no_more_guesses_than_at_the_door() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let token = sign_up(&shop, "ada@example.org").await;
    let change = |current: &str| {
        let body = json!({"current": current, "new": "another long password"});
        with(shop.call(Method::POST, "/users/me/password").json(&body), &token)
    };
    for _ in 0..10 {
        assert_eq!(kind(change("a wrong password")).await, "wrong-credentials");
    }
    let right = change(PASSWORD).send().await.unwrap();
    assert_eq!(right.status.as_u16(), 429);
    assert!(right.headers.contains_key("retry-after"));
    let log_in = json!({"email": "ada@example.org", "password": PASSWORD});
    assert_eq!(
        status(shop.call(Method::POST, "/sessions").json(&log_in)).await,
        429
    );
    assert_eq!(
        status(with(shop.get("/users/me"), &token)).await,
        200,
        "what is open stays open"
    );
    let other = sign_up(&shop, "bob@example.org").await;
    assert_eq!(
        status(with(shop.get("/users/me"), &other)).await,
        200,
        "others are not shut out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_shows_no_inner_path_and_takes_no_cookie_for_a_change() {
    let shop = Shop::start(&[("RATE_LIMIT", "50")], OrdersRun::Inside)
        .await
        .unwrap();
    let token = sign_up(&shop, "ada@example.org").await;
    let gateway = shop.at(&shop.gateway.url());
    for path in [
        "/api/v1/internal/sessions/ended",
        "/api/v1/verify",
        "/api/v1/metrics",
        "/api/v1/stock/KIT-001",
        "/metrics",
    ] {
        let answer = status(gateway.get(path)).await;
        assert!(matches!(answer, 404 | 503), "{path}: {answer}");
    }
    let cookie = format!("__Host-session={token}; theme=dark");
    assert_eq!(status(shop.get("/users/me").header("cookie", &cookie)).await, 200);
    let rename = shop
        .call(Method::PATCH, "/users/me")
        .json(&json!({"name": "Eve"}))
        .header("cookie", &cookie);
    assert_eq!(
        status(rename).await,
        401,
        "another site's page could send the cookie along"
    );

    let flood = (0..200).map(|_| status(shop.get("/categories").header("x-forwarded-for", "203.0.113.7")));
    let mut refused = 0;
    for answer in flood {
        refused += usize::from(answer.await == 429);
    }
    assert!(refused > 0, "nobody was held back");
    assert_eq!(
        status(shop.get("/categories").header("x-forwarded-for", "203.0.113.8")).await,
        200
    );
}
