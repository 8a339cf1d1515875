//! Two versions of a service side by side on the same data, and the way from one to the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use journeys::{OrdersRun, Shop, wait_ready};
use serde_json::{Value, json};
use service_kit::client::{Call, Upstream};
use service_kit::{Definition, Running, Settings, start};

use crate::crash::process;
use crate::{GOOD, available, document, sign_up, status};

/// A second instance of a service beside the shop's own, with another version.
async fn beside<D: Definition>(shop: &Shop) -> Running {
    let mut settings: BTreeMap<&'static str, String> = shop.settings().clone();
    settings.insert("APP_VERSION", "v2".to_owned());
    let running = start::<D>(Settings::of(settings)).await.unwrap();
    wait_ready(&shop.at(&running.admin_url()), 200).await.unwrap();
    running
}

/// Stops one of two instances of a service under load, as a platform does. Each request is sent once, and must be answered.
async fn is_stopped_under_load<D: Definition>(
    shop: &Shop,
    answer: u16,
    request: impl Fn(&Upstream, usize) -> Call + Clone + Send + 'static,
) {
    let (blue, green) = (beside::<D>(shop).await, beside::<D>(shop).await);
    let (to_blue, to_green) = (shop.at(&blue.url()), shop.at(&green.url()));
    let blue_admin = shop.at(&blue.admin_url());
    let (to_the_new, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let served = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (to_blue, to_green, served) = (to_blue.clone(), to_green.clone(), Arc::clone(&served));
            let (to_the_new, ends) = (Arc::clone(&to_the_new), Arc::clone(&ends));
            let request = request.clone();
            tokio::spawn(async move {
                while !ends.load(Ordering::Relaxed) {
                    let to = if to_the_new.load(Ordering::Relaxed) {
                        &to_green
                    } else {
                        &to_blue
                    };
                    let reply = request(to, worker).send().await.unwrap();
                    assert_eq!(reply.status.as_u16(), answer, "{}: {:?}", D::NAME, reply.body);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopping = tokio::spawn(blue.stop());
    // As a balancer does: it asks for readiness now and then, and sends nothing more to who is not ready.
    wait_ready(&blue_admin, 503).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    to_the_new.store(true, Ordering::Relaxed);
    stopping.await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    ends.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(served.load(Ordering::Relaxed) > 100, "{}", D::NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_stopped_under_load_loses_no_request() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    // All of them POST, so that the client never sends anything twice by itself.
    let price = json!({"skus": ["KIT-001"]});
    is_stopped_under_load::<catalog_service::Catalog>(&shop, 200, move |to, _| {
        to.call(Method::POST, "/prices").json(&price)
    })
    .await;
    let item = json!({"sku": "KIT-001", "quantity": 1});
    let put = move |to: &Upstream, path: &str, worker: usize| {
        let call = to.call(Method::POST, path.to_owned()).json(&item);
        call.header("x-cart-id", &format!("guest-{worker:016}"))
    };
    let through_the_edge = put.clone();
    is_stopped_under_load::<cart_service::Carts>(&shop, 200, move |to, worker| {
        put(to, "/cart/items", worker)
    })
    .await;
    is_stopped_under_load::<api_gateway::Gateway>(&shop, 200, move |to, worker| {
        through_the_edge(to, "/api/v1/cart/items", worker)
    })
    .await;
    sign_up(&shop, "ada@example.org").await;
    let credentials = json!({"email": "ada@example.org", "password": "correct horse battery"});
    is_stopped_under_load::<user_service::Users>(&shop, 201, move |to, _| {
        to.call(Method::POST, "/sessions").json(&credentials)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_carts_and_keys_mean_the_same_to_both() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    let token = format!("Bearer {}", sign_up(&shop, "ada@example.org").await);
    let users = beside::<user_service::Users>(&shop).await;
    let carts = beside::<cart_service::Carts>(&shop).await;
    let green = shop.at(&users.url());
    assert_eq!(
        status(green.get("/users/me").header("authorization", &token)).await,
        200
    );

    let add = shop
        .call(Method::POST, "/cart/items")
        .json(&json!({"sku": "KIT-001", "quantity": 2}));
    assert_eq!(status(add.header("authorization", &token)).await, 200);
    let cart = document(shop.at(&carts.url()).get("/cart").header("authorization", &token)).await;
    assert_eq!(cart["pieces"], 2, "what blue put into a cart green shows");

    let _green = {
        let mut settings = shop.settings().clone();
        settings.insert("APP_VERSION", "v2".to_owned());
        let running = start::<order_service::Orders>(Settings::of(settings))
            .await
            .unwrap();
        wait_ready(&shop.at(&running.admin_url()), 200).await.unwrap();
        let call = |shop: &Shop| {
            shop.checkout("", "key-00000001", GOOD, None)
                .header("authorization", &token)
        };
        let on_blue = call(&shop).send().await.unwrap();
        assert_eq!(on_blue.status.as_u16(), 201);
        let order: Value = on_blue.json().unwrap();
        let on_green = shop.at(&running.url());
        let again = document(
            on_green
                .call(Method::POST, "/checkout")
                .header("authorization", &token)
                .header("idempotency-key", "key-00000001")
                .json(&body()),
        );
        assert_eq!(
            again.await,
            order,
            "the same key gives the same answer on the other version"
        );
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        assert_eq!(
            document(on_green.get(path).header("authorization", &token)).await,
            order
        );
        running
    };
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

/// The body that [`Shop::checkout`] sends without lines.
fn body() -> Value {
    json!({
        "email": "ada@example.org",
        "address": {"name": "Ada", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "DE"},
        "payment": {"card": GOOD},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_sell_the_same_pieces_once() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Elsewhere).await.unwrap());
    let _blue = process(&shop, &[]).await;
    let mut settings = shop.settings().clone();
    settings.insert("APP_VERSION", "v2".to_owned());
    let green = start::<order_service::Orders>(Settings::of(settings))
        .await
        .unwrap();
    wait_ready(&shop.at(&green.admin_url()), 200).await.unwrap();
    shop.stock("KIT-001", 60).await.unwrap();
    let urls = [
        format!("http://{}:{}", shop.host(), shop.order_ports.0),
        green.url(),
    ];
    let tries: Vec<_> = (0..200)
        .map(|number| {
            let orders = shop.at(&urls[number % 2]);
            let mut body = body();
            body["lines"] = json!([{"sku": "KIT-001", "quantity": 1}]);
            let call = orders
                .call(Method::POST, "/checkout")
                .header("x-cart-id", &format!("guest-{number:016}"))
                .header("idempotency-key", &format!("key-{number:08}"))
                .json(&body)
                .deadline(Duration::from_secs(20));
            tokio::spawn(async move {
                // On a busy machine some wait in vain for the file that both write; they come again, as they are told.
                loop {
                    let reply = call.clone().send().await.unwrap();
                    let status = reply.status.as_u16();
                    if status != 503 && reply.problem_kind().as_deref() != Some("in-progress") {
                        return status;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for one in tries {
        *counts.entry(one.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(201, 60), (409, 140)]));
    assert_eq!(available(&shop, "KIT-001").await, 0);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_price_is_seen_through_the_edge_at_once() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    let price = async || {
        document(shop.get("/products/KIT-001")).await["price"]["minor"]
            .as_i64()
            .unwrap()
    };
    let before = price().await;
    assert_eq!(price().await, before);
    let mut draft = document(shop.get("/products/KIT-001")).await;
    draft["price"]["minor"] = json!(before + 100);
    let change = shop
        .at(&shop.catalog.admin_url())
        .call(Method::PUT, "/products/KIT-001")
        .json(&draft);
    assert_eq!(status(change).await, 200);
    let began = std::time::Instant::now();
    while price().await != before + 100 {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "the edge still shows the old price"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let metrics = shop
        .at(&shop.gateway.admin_url())
        .get("/metrics")
        .send()
        .await
        .unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(metrics.contains("shop_cache_total{result=\"hit\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_fails_no_checkout() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Elsewhere).await.unwrap());
    let blue = process(&shop, &[]).await;
    let green = beside::<order_service::Orders>(&shop).await;
    shop.stock("KIT-001", 100_000).await.unwrap();
    let blue_url = format!("http://{}:{}", shop.host(), shop.order_ports.0);
    let (to_blue, to_green) = (shop.at(&blue_url), shop.at(&green.url()));
    let (to_the_new, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let bought = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..6)
        .map(|worker| {
            let (to_blue, to_green, bought) = (to_blue.clone(), to_green.clone(), Arc::clone(&bought));
            let (to_the_new, ends) = (Arc::clone(&to_the_new), Arc::clone(&ends));
            tokio::spawn(async move {
                for number in 0.. {
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    let to = if to_the_new.load(Ordering::Relaxed) {
                        &to_green
                    } else {
                        &to_blue
                    };
                    let mut wish = body();
                    wish["lines"] = json!([{"sku": "KIT-001", "quantity": 1}]);
                    let call = to
                        .call(Method::POST, "/checkout")
                        .header("x-cart-id", &format!("guest-{worker:016}"))
                        .header("idempotency-key", &format!("key-{worker:04}-{number:06}"));
                    // Sent once: what fails is not tried again.
                    let reply = call.json(&wish).deadline(Duration::from_secs(20)).send().await;
                    assert_eq!(reply.unwrap().status.as_u16(), 201);
                    bought.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while bought.load(Ordering::Relaxed) < 30 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    blue.terminate();
    // As a balancer does, which learns of it a moment later.
    wait_ready(&shop.at(&shop.orders_admin_url()), 503).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    to_the_new.store(true, Ordering::Relaxed);
    assert!(blue.ended().await, "it ends by itself, and well");
    let before = bought.load(Ordering::Relaxed);
    while bought.load(Ordering::Relaxed) < before + 30 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ends.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    // What is proved is asked of the one that is still there.
    let proof = document(shop.at(&green.admin_url()).get("/verify")).await;
    assert_eq!(proof["violations"], json!([]), "{proof}");
}
