//! The same shop on the stores of production: PostgreSQL through PgBouncer, MongoDB for the catalogue, Redis for carts, for
//! shared answers and for limits. Each test starts what it needs, and is left out where that is not installed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, Stores, wait_ready};
use serde_json::{Value, json};
use servers::{FerretDb, PgBouncer, Postgres, Redis};
use service_kit::{Settings, start};

use crate::{GOOD, GUEST, document, kind, sign_up, status};

/// Questions whose answers must not depend on where the products are.
const QUESTIONS: [&str; 12] = [
    "/products?limit=100",
    "/products?sort=price&limit=50",
    "/products?sort=-price&limit=7&category=kitchen",
    "/products?sort=name&limit=100",
    "/products?sort=popular&limit=30",
    "/products?q=nordic%20MUG",
    "/products?q=%25_",
    "/products?q=.*&category=outdoor",
    "/products/KIT-001",
    "/products/KIT-001/related",
    "/products/GRD-040/related",
    "/categories",
];

/// All answers to the questions, page by page.
async fn answers(shop: &Shop) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for question in QUESTIONS {
        let mut path = question.to_owned();
        for _ in 0..20 {
            let page = document(shop.get(&path)).await;
            let next = page["next"].as_str().map(str::to_owned);
            all.push((path, page));
            let Some(next) = next else { break };
            path = format!("{question}&cursor={next}");
        }
    }
    all
}

async fn answers_are_those_of_sqlite(stores: &Stores) {
    let embedded = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    let shop = Shop::start_on(stores, &[], OrdersRun::Inside).await.unwrap();
    assert!(!shop.database("catalog-service").exists());
    for ((question, expected), (_, found)) in answers(&embedded).await.into_iter().zip(answers(&shop).await) {
        assert_eq!(found, expected, "{question}");
    }
    buys_something(&shop, "KIT-003").await;
    let changed = document(shop.get("/changes?after=479")).await;
    assert_eq!(
        (&changed["revision"], &changed["skus"][0]),
        (&json!(480), &json!("STA-040"))
    );
    let many = document(shop.get("/changes?after=0")).await;
    assert_eq!(many["skus"].as_array().unwrap().len(), 480);
}

/// A customer fills a cart, buys it, and cancels; everything adds up in between and afterwards.
async fn buys_something(shop: &Shop, sku: &str) {
    shop.stock(sku, 20).await.unwrap();
    let add = |quantity: i64| {
        shop.call(Method::POST, "/cart/items")
            .header("x-cart-id", GUEST)
            .json(&json!({"sku": sku, "quantity": quantity}))
    };
    assert_eq!(document(add(2)).await["pieces"], 2);
    assert_eq!(document(add(3)).await["pieces"], 5);
    let token = format!("Bearer {}", sign_up(shop, &format!("{sku}@example.org")).await);
    let merge = shop
        .call(Method::POST, "/cart/merge")
        .header("authorization", &token)
        .json(&json!({"from": GUEST}));
    assert_eq!(document(merge).await["pieces"], 5);
    let guests = document(shop.get("/cart").header("x-cart-id", GUEST)).await;
    assert_eq!(guests["pieces"], 0, "the guest's cart went along");

    let bought = shop
        .checkout("", "key-of-a-whole-cart", GOOD, None)
        .header("authorization", &token);
    let order = document(bought).await;
    assert_eq!(
        (&order["status"], &order["lines"][0]["quantity"]),
        (&json!("paid"), &json!(5)),
        "{order}"
    );
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    let cart = document(shop.get("/cart").header("authorization", &token)).await;
    assert_eq!(cart["pieces"], 0, "what was bought is no longer in the cart");
    let mine = document(shop.get("/orders").header("authorization", &token)).await;
    assert_eq!(mine["orders"][0], order);
    let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancelled = document(shop.call(Method::POST, &path).header("authorization", &token)).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_in_postgresql_answers_as_in_a_file() {
    let Some(server) = Postgres::start(&["catalog", "carts"]).unwrap() else {
        return;
    };
    let stores = Stores::default()
        .with("catalog-service", "CATALOG_URL", server.url("catalog"))
        .with("cart-service", "CART_URL", server.url("carts"));
    answers_are_those_of_sqlite(&stores).await;
}

/// Against FerretDB on SQLite, which speaks MongoDB's protocol: neither MongoDB nor DocumentDB can be had here.
#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_in_mongodb_answers_as_in_a_file() {
    let Some(server) = FerretDb::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("catalog-service", "CATALOG_URL", server.url("catalog"));
    answers_are_those_of_sqlite(&stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_killed_makes_the_catalogue_unready_and_comes_back_by_itself() {
    let Some(mut server) = FerretDb::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("catalog-service", "CATALOG_URL", server.url("catalog"));
    let shop = Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 5).await.unwrap();
    let admin = shop.at(&shop.catalog.admin_url());
    let change = |minor: i64| {
        let draft = json!({"name": "Nordic Mug", "category": "kitchen", "price": {"minor": minor, "currency": "EUR"}});
        shop.at(&shop.catalog.admin_url())
            .call(Method::PUT, "/products/KIT-001")
            .json(&draft)
    };
    assert_eq!(document(change(1234)).await["revision"], 481);
    server.kill();
    let began = Instant::now();
    wait_ready(&admin, 503).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(admin.get("/health").send().await.unwrap().status.as_u16(), 200);
    assert_eq!(kind(change(1)).await, "unavailable");
    let bought = shop.checkout(GUEST, "key-while-it-is-away", GOOD, Some(&[("KIT-001", 1)]));
    assert_eq!(status(bought).await, 503, "no price is made up");
    server.run().unwrap();
    wait_ready(&admin, 200).await.unwrap();
    let bought = shop.checkout(GUEST, "key-while-it-is-away", GOOD, Some(&[("KIT-001", 1)]));
    assert_eq!(document(bought).await["total"]["minor"], 1234);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_outside_works_through_pgbouncer_with_carts_in_redis() {
    let Some((server, redis)) = Postgres::start(&["users", "orders", "catalog"])
        .unwrap()
        .zip(Redis::start().unwrap())
    else {
        return;
    };
    let databases = ["users", "orders", "catalog"].map(|name| (name, server.port(), name));
    let Some(pool) = PgBouncer::start(&databases).unwrap() else {
        return;
    };
    let stores = Stores::default()
        .with("user-service", "DATABASE_URL", pool.url("users"))
        .with("order-service", "DATABASE_URL", pool.url("orders"))
        .with("catalog-service", "CATALOG_URL", pool.url("catalog"))
        .with("cart-service", "CART_URL", redis.url())
        .with("api-gateway", "REDIS_URL", redis.url());
    let shop = Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap();
    for service in ["user-service", "order-service", "catalog-service", "cart-service"] {
        assert!(
            !shop.database(service).exists(),
            "{service} must not use a file beside its server"
        );
    }
    for sku in ["KIT-001", "KIT-002"] {
        buys_something(&shop, sku).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cart_in_redis_takes_many_changes_at_once() {
    let Some(redis) = Redis::start().unwrap() else {
        return;
    };
    let stores = Stores::default().with("cart-service", "CART_URL", redis.url());
    let shop = Arc::new(Shop::start_on(&stores, &[], OrdersRun::Elsewhere).await.unwrap());
    let changes: Vec<_> = (0..30)
        .map(|number| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                let sku = format!("KIT-{:03}", 1 + number % 3);
                let add = shop
                    .call(Method::POST, "/cart/items")
                    .header("x-cart-id", GUEST)
                    .json(&json!({"sku": sku, "quantity": 1}));
                status(add).await
            })
        })
        .collect();
    for change in changes {
        assert_eq!(change.await.unwrap(), 200);
    }
    let cart = document(shop.get("/cart").header("x-cart-id", GUEST)).await;
    assert_eq!((&cart["pieces"], &cart["version"]), (&json!(30), &json!(30)));
    let late = shop
        .call(Method::PUT, "/cart/items/KIT-001")
        .header("x-cart-id", GUEST)
        .header("if-match", "29")
        .json(&json!({"quantity": 1}));
    assert_eq!(status(late).await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_takes_only_carts_along_and_brings_them_back() {
    let Some(mut redis) = Redis::start().unwrap() else {
        return;
    };
    let stores = Stores::default()
        .with("cart-service", "CART_URL", redis.url())
        .with("api-gateway", "REDIS_URL", redis.url());
    let shop = Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    let add = shop
        .call(Method::POST, "/cart/items")
        .header("x-cart-id", GUEST)
        .json(&json!({"sku": "KIT-001", "quantity": 2}));
    assert_eq!(status(add).await, 200);
    // What was written within the last second may be lost with the machine, not with the process.
    redis.kill();
    let carts = shop.at(&shop.cart.admin_url());
    let began = Instant::now();
    wait_ready(&carts, 503).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(carts.get("/health").send().await.unwrap().status.as_u16(), 200);
    let cart = || shop.get("/cart").header("x-cart-id", GUEST);
    assert_eq!(status(cart()).await, 503);
    assert_eq!(
        status(shop.get("/products/KIT-002")).await,
        200,
        "the edge goes on alone"
    );
    let named = shop.checkout(GUEST, "key-while-it-is-away", GOOD, Some(&[("KIT-001", 1)]));
    assert_eq!(
        status(named).await,
        201,
        "what is named can be bought without a cart"
    );
    redis.run().unwrap();
    wait_ready(&carts, 200).await.unwrap();
    assert_eq!(document(cart()).await["pieces"], 2);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_share_answers() {
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
    let at = |url: String| shop.at(&url);
    let (one, other) = (at(shop.gateway.url()), at(other.url()));

    // Once both know the catalogue's revision, what was asked at one is found by the other without the catalogue.
    let asked = async |sku: &str| {
        let path = format!("/api/v1/products/{sku}");
        let first = one.get(&path).send().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let second = other.get(&path).send().await.unwrap();
        assert_eq!(first.body, second.body);
        let admin = shop.at(&shop.catalog.admin_url());
        let metrics = admin.get("/metrics").send().await.unwrap();
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        let line = r#"shop_http_requests_total{route="/products/{sku}",method="GET",status="200"}"#;
        let count = metrics.lines().find_map(|text| text.strip_prefix(line));
        count.map_or(0, |count| count.trim().parse::<u64>().unwrap())
    };
    let (began, mut before) = (Instant::now(), asked("KIT-001").await);
    for number in 2.. {
        let now = asked(&format!("KIT-{number:03}")).await;
        if now == before + 1 {
            break;
        }
        before = now;
        assert!(began.elapsed() < Duration::from_secs(5), "nothing is shared");
    }
}
