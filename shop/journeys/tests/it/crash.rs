//! Order-service dies between any two phases of a checkout; what follows is as if it had not.

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journeys::{OrdersRun, Shop, Stores, wait_ready};
use serde_json::Value;
use service_kit::{Settings, run_with};

use crate::{GOOD, GUEST, available};

/// Says to this test program that it is order-service.
const CHILD: &str = "SHOP_TEST_ORDER_SERVICE";

/// Not a test by itself: the process that the tests below kill.
#[test]
fn order_service_process() {
    if std::env::var_os(CHILD).is_some() {
        run_with::<order_service::Orders>(&["serve"], Settings::from_environment());
    }
}

pub(crate) struct Process(Child);

impl Process {
    /// SIGTERM, as a platform sends it.
    pub(crate) fn terminate(&self) {
        let id = self.0.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
    }

    /// Memory that it has now, in MiB.
    pub(crate) fn resident_mib(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kib = line.split_whitespace().next().unwrap();
        kib.parse::<i64>().unwrap() / 1024
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(mut self) -> bool {
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        ended.await.unwrap().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Order-service in a process of its own, on the shop's data.
pub(crate) async fn process(shop: &Shop, more: &[(&'static str, &str)]) -> Process {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::order_service_process", "--nocapture"])
        .env(CHILD, "1")
        .env("LOG_LEVEL", "error")
        .envs(shop.order_pairs(more))
        .spawn()
        .unwrap();
    let process = Process(child);
    wait_ready(&shop.at(&shop.orders_admin_url()), 200).await.unwrap();
    process
}

async fn dies_after(phase: &str) {
    dies_after_on(&Stores::default(), phase).await;
}

/// The same with the orders in another store.
pub(crate) async fn dies_after_on(stores: &Stores, phase: &str) {
    let shop = Shop::start_on(stores, &[], OrdersRun::Elsewhere).await.unwrap();
    let mut first = process(&shop, &[("SHOP_FAULT", &format!("crash_after={phase}"))]).await;
    shop.stock("KIT-001", 10).await.unwrap();
    let call = || shop.checkout(GUEST, "key-00000001", GOOD, Some(&[("KIT-001", 4)]));
    let cut = call().send().await;
    let died = cut.as_ref().is_ok_and(|reply| reply.status.is_server_error());
    assert!(
        died,
        "{phase}: it should have died, and the gateway should say so: {cut:?}"
    );
    assert!(!first.0.wait().unwrap().success());

    let _second = process(&shop, &[]).await;
    let began = Instant::now();
    let reply = loop {
        let reply = call().send().await.unwrap();
        if !matches!(reply.status.as_u16(), 409 | 503) {
            break reply;
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{phase}: {:?}",
            reply.body
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(reply.status.as_u16(), 201, "{phase}: {:?}", reply.body);
    assert_eq!(available(&shop, "KIT-001").await, 6, "{phase}");
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new(), "{phase}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_claimed_loses_nothing() {
    dies_after("claimed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_reserved_loses_nothing() {
    dies_after("reserved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_charged_loses_nothing() {
    dies_after("charged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_settled_loses_nothing() {
    dies_after("settled").await;
}

/// Buys one piece after the other, each until it has its final answer, whatever happens meanwhile; says which orders are paid.
async fn buys_until(shop: Arc<Shop>, worker: usize, ends: Arc<AtomicBool>) -> Vec<String> {
    let guest = format!("guest-{worker:016}");
    let mut paid = Vec::new();
    for number in 0.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("key-{worker:04}-{number:06}");
        let began = Instant::now();
        loop {
            let call = shop.checkout(&guest, &key, GOOD, Some(&[("KIT-001", 1)]));
            let reply = call.send().await.unwrap();
            match reply.status.as_u16() {
                201 => {
                    let order: Value = reply.json().unwrap();
                    paid.push(order["id"].as_str().unwrap().to_owned());
                    break;
                }
                // Left behind uncharged for so long that it was given up.
                402 => break,
                _ => {}
            }
            assert!(
                matches!(reply.status.as_u16(), 202 | 409 | 502 | 503 | 504),
                "{key}: {:?}",
                reply.body
            );
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{key}: {:?}",
                reply.body
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    paid
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_under_load_it_loses_and_doubles_nothing() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Elsewhere).await.unwrap());
    let mut orders = process(&shop, &[]).await;
    shop.stock("KIT-001", 100_000).await.unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..6)
        .map(|worker| tokio::spawn(buys_until(Arc::clone(&shop), worker, Arc::clone(&ends))))
        .collect();
    for pause_ms in [150, 370, 230, 510] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        // SIGKILL: nothing in it hears of that.
        drop(orders);
        orders = process(&shop, &[]).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    ends.store(true, Ordering::Relaxed);
    let mut paid = Vec::new();
    for worker in workers {
        paid.extend(worker.await.unwrap());
    }
    assert!(paid.len() > 20, "{}", paid.len());
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    let sold = 100_000 - available(&shop, "KIT-001").await;
    assert_eq!(
        usize::try_from(sold).unwrap(),
        paid.len(),
        "each key is one order"
    );
}
