//! This build of the services beside the one before it, as a rollout and its way back have them: real processes of the
//! previous build (`cargo xtask previous build`) on the same data, asked in both directions.

mod builds;
mod pages;

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, Stores};
use serde_json::{Value, json};
use servers::{Postgres, Redis};
use service_kit::client::Upstream;

use self::builds::{Build, Sides, previous};
use crate::{GOOD, document, status};

/// A customer's way over both builds, beginning at `first`.
async fn a_customer_changes_builds(shop: &Shop, first: &Sides, second: &Sides, name: &str) {
    let email = format!("{name}@example.org");
    let body = json!({"name": "Ada", "email": email, "password": "correct horse battery"});
    let session = document(first.users.call(Method::POST, "/users").json(&body)).await;
    let token = format!("Bearer {}", session["token"].as_str().unwrap());
    let me = async |side: &Sides| status(side.users.get("/users/me").header("authorization", &token)).await;
    assert_eq!([me(first).await, me(second).await], [200, 200]);
    let log_in = json!({"email": email, "password": "correct horse battery"});
    let log_in = second.users.call(Method::POST, "/sessions").json(&log_in);
    assert!(
        status(log_in).await < 300,
        "an account of one build is known to the other"
    );

    let add = |side: &Sides, quantity: i64| {
        side.carts
            .call(Method::POST, "/cart/items")
            .header("authorization", &token)
            .json(&json!({"sku": "KIT-001", "quantity": quantity}))
    };
    assert_eq!(status(add(first, 2)).await, 200);
    let both = document(add(second, 3)).await;
    assert_eq!((&both["pieces"], &both["version"]), (&json!(5), &json!(2)));
    let seen = document(first.carts.get("/cart").header("authorization", &token)).await;
    assert_eq!(seen, both, "what the second build put in, the first one shows");

    let key = format!("key-of-{name}");
    let buy = |side: &Sides| {
        side.orders
            .call(Method::POST, "/checkout")
            .header("authorization", &token)
            .header("idempotency-key", &key)
            .deadline(Duration::from_secs(20))
            .json(&checkout())
    };
    let order = document(buy(first)).await;
    assert_eq!(
        (&order["status"], &order["lines"][0]["quantity"]),
        (&json!("paid"), &json!(5)),
        "{order}"
    );
    assert_eq!(
        document(buy(second)).await,
        order,
        "the same key is the same order"
    );
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    for side in [first, second] {
        assert_eq!(
            document(side.orders.get(&path).header("authorization", &token)).await,
            order
        );
        let cart = document(side.carts.get("/cart").header("authorization", &token)).await;
        assert_eq!(cart["pieces"], 0, "what was bought is in no cart any more");
    }
    let cancel = second.orders.call(Method::POST, format!("{path}/cancel"));
    assert_eq!(status(cancel.header("authorization", &token)).await, 200);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());

    let log_out = second.users.call(Method::DELETE, "/sessions/current");
    assert!(status(log_out.header("authorization", &token)).await < 300);
    let began = Instant::now();
    while status(first.carts.get("/cart").header("authorization", &token)).await != 401 {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "a session that one build ended lives on in the other"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn checkout() -> Value {
    json!({
        "email": "ada@example.org",
        "address": {"name": "Ada", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "DE"},
        "payment": {"card": GOOD},
    })
}

async fn sessions_carts_rows_and_keys(build: &Build, stores: &Stores) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    // The previous build's schemas are there first, and its rows; this one's come to them, as at a deployment.
    let before = build.alone(stores, &data);
    before.migrate();
    let shop = Shop::start_on(stores, &[("DATA_DIR", &data)], OrdersRun::Inside)
        .await
        .unwrap();
    shop.stock("KIT-001", 100).await.unwrap();
    let (old, new) = (build.beside(&shop, stores).await, builds::this(&shop));
    a_customer_changes_builds(&shop, &old.sides, &new, "ada").await;
    a_customer_changes_builds(&shop, &new, &old.sides, "grace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_builds_share_sessions_carts_rows_and_keys() {
    let Some(build) = previous() else { return };
    sessions_carts_rows_and_keys(&build, &Stores::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_builds_share_sessions_carts_rows_and_keys_on_servers() {
    let Some(build) = previous() else { return };
    let Some((server, redis)) = Postgres::start(&["users", "orders", "catalog"])
        .unwrap()
        .zip(Redis::start().unwrap())
    else {
        return;
    };
    let stores = Stores::default()
        .with("user-service", "DATABASE_URL", server.url("users"))
        .with("order-service", "DATABASE_URL", server.url("orders"))
        .with("catalog-service", "CATALOG_URL", server.url("catalog"))
        .with("cart-service", "CART_URL", redis.url());
    sessions_carts_rows_and_keys(&build, &stores).await;
}

/// An order of one build whose event nobody takes, until order-service of the other build comes and delivers it to
/// catalogue and cart of either.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_either_build_are_delivered_by_the_other_to_either() {
    let Some(build) = previous() else { return };
    let stores = Stores::default();
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let old = build.beside(&shop, &stores).await;
    let refuses = builds::refuses_events(&shop.catalog.url()).await;
    for (number, writes_old) in [(1, true), (2, false)] {
        for reads_old in [true, false] {
            let key = format!("key-{number}-{reads_old}");
            let deaf = [("CATALOG_SERVICE_URL", refuses.as_str())];
            let writer = build.orders(&shop, writes_old, &deaf).await;
            shop.stock("KIT-001", 100).await.unwrap();
            let reply = shop.checkout("guest-0123456789abcdef", &key, GOOD, Some(&[("KIT-001", 1)]));
            assert_eq!(status(reply).await, 201);
            let orders = shop.at(&shop.orders_admin_url());
            let waiting = document(orders.get("/verify")).await["counts"]["outbox_waiting"].clone();
            assert_eq!(waiting, 1, "nobody took it yet");
            writer.stop().await;
            let (catalog, cart) = if reads_old {
                (&old.catalog_url, &old.carts_url)
            } else {
                (&shop.catalog.url(), &shop.cart.url())
            };
            let reader = [
                ("CATALOG_SERVICE_URL", catalog.as_str()),
                ("CART_SERVICE_URL", cart.as_str()),
            ];
            let other = build.orders(&shop, !writes_old, &reader).await;
            assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new(), "{key}");
            other.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_of_both_builds_share_answers() {
    let Some(build) = previous() else { return };
    let Some(redis) = Redis::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("api-gateway", "REDIS_URL", redis.url());
    let shop = Shop::start_on(&stores, &[], OrdersRun::Elsewhere).await.unwrap();
    let old = build.beside(&shop, &stores).await;
    let new = shop.at(&shop.gateway.url());
    finds_what_the_other_kept(&shop, &old.sides.gateway, &new, 1).await;
    finds_what_the_other_kept(&shop, &new, &old.sides.gateway, 200).await;
}

/// What is asked at the first is found by the second without the catalogue, once both know the catalogue's revision.
async fn finds_what_the_other_kept(shop: &Shop, first: &Upstream, second: &Upstream, from: u32) {
    let asked = async || {
        let admin = shop.at(&shop.catalog.admin_url());
        let metrics = admin.get("/metrics").send().await.unwrap();
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        let line = r#"shop_http_requests_total{route="/products/{sku}",method="GET",status="200"}"#;
        let count = metrics.lines().find_map(|text| text.strip_prefix(line));
        count.map_or(0, |count| count.trim().parse::<u64>().unwrap())
    };
    let skus: Value = document(first.get("/api/v1/products?sort=name&limit=100")).await;
    let began = Instant::now();
    for number in from.. {
        let sku = &skus["products"][usize::try_from(number).unwrap() % 100]["sku"];
        let path = format!("/api/v1/products/{}?n={number}", sku.as_str().unwrap());
        let before = asked().await;
        let one = first.get(&path).send().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let other = second.get(&path).send().await.unwrap();
        assert_eq!((one.status.as_u16(), &one.body), (200, &other.body));
        if asked().await == before + 1 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "nothing is shared");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_forms_and_files_of_both_builds_fit_together() {
    let Some(build) = previous() else { return };
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 100).await.unwrap();
    let pages = shop.open_pages().await.unwrap();
    let (new, old) = (shop.at(&pages.url()), build.pages(&shop).await);
    for (first, second) in [(&new, &old.at), (&old.at, &new)] {
        let mut browser = pages::Browser::default();
        let product = browser.get(first, "/products/KIT-001").await;
        let cart = browser.send(second, &product, "/cart/items", &[]).await;
        assert!(cart.contains("KIT-001"), "{cart}");
        let checkout = browser.get(first, "/checkout").await;
        let typed = [
            ("email", "ada@example.org"),
            ("name", "Ada"),
            ("street", "Lane 1"),
            ("postcode", "12345"),
            ("city", "Town"),
            ("country", "DE"),
            ("card", GOOD),
        ];
        let done = browser.send(second, &checkout, "/checkout", &typed).await;
        assert!(done.contains("Thank you!"), "{done}");
        let files = pages::files(&product);
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            let (here, there) = (
                browser.file(first, &file).await,
                browser.file(second, &file).await,
            );
            assert!(here > 0 && there > 0, "{file}");
        }
    }
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}
