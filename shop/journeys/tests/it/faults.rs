//! Each fault of `SHOP_FAULT` in a running service: what a release that has it looks like from outside.

use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, wait_ready};
use serde_json::{Value, json};
use service_kit::client::Upstream;
use service_kit::{Definition, Running, Settings, start};

use crate::crash::process;
use crate::{GOOD, available, document, status};

/// A service with a fault, on files, and its administration port.
struct Faulty {
    running: Running,
    admin: Upstream,
    _folder: tempfile::TempDir,
}

impl Faulty {
    async fn start<D: Definition>(fault: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = [
            ("BIND", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
            ("DATA_DIR", folder.path().display().to_string()),
            ("SHUTDOWN_GRACE", "1s".to_owned()),
            ("SHOP_FAULT", fault.to_owned()),
        ];
        let running = start::<D>(Settings::of(settings)).await.unwrap();
        let admin = running.kit().upstream_at("admin", &running.admin_url()).unwrap();
        Self {
            running,
            admin,
            _folder: folder,
        }
    }

    fn public(&self) -> Upstream {
        self.running
            .kit()
            .upstream_at("public", &self.running.url())
            .unwrap()
    }

    /// The checks of `/ready` that fail, once everything else is well.
    async fn unready_only_for(&self, detail: &str) {
        let began = Instant::now();
        loop {
            let reply = self.admin.get("/ready").send().await.unwrap();
            assert_eq!(reply.status.as_u16(), 503);
            let document: Value = reply.json().unwrap();
            let failing: Vec<_> = document["checks"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|check| check["ok"] == false)
                .map(|check| check["detail"].as_str().unwrap())
                .collect();
            if failing == [detail] {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{document}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(
            status(self.admin.get("/health")).await,
            200,
            "it lives, so nobody restarts it"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_ready_lives_and_never_gets_ready() {
    let faulty = Faulty::start::<catalog_service::Catalog>("never_ready").await;
    faulty.unready_only_for("never ready (SHOP_FAULT)").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    faulty.unready_only_for("never ready (SHOP_FAULT)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_start_is_ready_after_its_time() {
    let began = Instant::now();
    let faulty = Faulty::start::<catalog_service::Catalog>("slow_start=4s").await;
    faulty.unready_only_for("slow start (SHOP_FAULT)").await;
    wait_ready(&faulty.admin, 200).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incompatible_migration_is_seen_in_ready() {
    let faulty = Faulty::start::<catalog_service::Catalog>("old_schema").await;
    faulty
        .unready_only_for("schema 1, needs 9999: run `migrate expand`")
        .await;
    let ready: Value = faulty.admin.get("/ready").send().await.unwrap().json().unwrap();
    assert_eq!(
        ready["schema"],
        json!({"found": 1, "min": 9999, "max": 9999}),
        "{ready}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_and_errors_hit_customers_and_not_probes() {
    let faulty = Faulty::start::<catalog_service::Catalog>("latency=300ms,errors=0.05").await;
    wait_ready(&faulty.admin, 200).await.unwrap();
    let public = faulty.public();
    let tries: Vec<_> = (0..100)
        .map(|_| {
            let call = public.get("/categories");
            tokio::spawn(async move {
                let began = Instant::now();
                (status(call).await, began.elapsed())
            })
        })
        .collect();
    let mut answers = Vec::new();
    for one in tries {
        answers.push(one.await.unwrap());
    }
    let failed = answers.iter().filter(|(status, _)| *status == 500).count();
    let good = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!((failed, good), (5, 95));
    for (_, took) in answers {
        assert!(took >= Duration::from_millis(300), "{took:?}");
    }
    let began = Instant::now();
    for path in ["/health", "/ready", "/version"] {
        assert_eq!(status(public.get(path)).await, 200, "{path}");
    }
    assert!(began.elapsed() < Duration::from_millis(300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_request_ends_the_process() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let orders = process(&shop, &[("SHOP_FAULT", "crash=5")]).await;
    let ask = || status(shop.at(&shop.orders_url()).get("/inventory?sku=KIT-001"));
    for number in 1..5 {
        assert_eq!(ask().await, 200, "{number}");
    }
    let last = shop.at(&shop.orders_url()).get("/inventory?sku=KIT-001");
    assert!(last.send().await.is_err(), "the fifth is the last one");
    assert!(!orders.ended().await, "it did not end well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leak_keeps_memory_with_each_request() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let orders = process(&shop, &[("SHOP_FAULT", "leak=1MiB")]).await;
    let ask = || status(shop.at(&shop.orders_url()).get("/inventory?sku=KIT-001"));
    assert_eq!(ask().await, 200);
    let before = orders.resident_mib();
    for _ in 0..50 {
        assert_eq!(ask().await, 200);
    }
    let grown = orders.resident_mib() - before;
    assert!((45..90).contains(&grown), "{grown} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_of_the_conversion_shows_only_in_what_is_sold() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let _orders = process(&shop, &[("SHOP_FAULT", "conversion_drop=0.5")]).await;
    shop.stock("KIT-001", 100).await.unwrap();
    let mut answers = Vec::new();
    for number in 0..23 {
        let key = format!("key-{number:08}");
        let guest = format!("guest-{number:016}");
        answers.push(status(shop.checkout(&guest, &key, GOOD, Some(&[("KIT-001", 1)]))).await);
    }
    assert_eq!(answers[..3], [201; 3], "a release passes its first look");
    let paid = answers.iter().filter(|status| **status == 201).count();
    let declined = answers.iter().filter(|status| **status == 402).count();
    assert_eq!((paid, declined), (13, 10));
    let metrics = shop
        .at(&shop.orders_admin_url())
        .get("/metrics")
        .send()
        .await
        .unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in ["shop_checkouts_started_total 23", "shop_orders_paid_total 13"] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line} in {metrics}");
    }
    assert!(!metrics.contains("status=\"5"), "HTTP looks healthy: {metrics}");
    assert_eq!(available(&shop, "KIT-001").await, 87);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    let add = shop
        .call(Method::POST, "/cart/items")
        .header("x-cart-id", crate::GUEST);
    let add = document(add.json(&json!({"sku": "KIT-001", "quantity": 1})));
    assert_eq!(add.await["pieces"], 1, "everything else works");
}
