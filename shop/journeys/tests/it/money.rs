//! Stock and money under many hands at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use journeys::{OrdersRun, Shop};

use crate::{GOOD, GUEST, available, kind};

/// Tries of one purchase, and the pause between them.
const TRIES: usize = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// The final answer: while the shop is out of breath, a customer sends the same again.
async fn bought(shop: &Shop, guest: &str, key: &str, lines: &[(&'static str, i64)]) -> u16 {
    for _ in 0..TRIES {
        let reply = shop.checkout(guest, key, GOOD, Some(lines)).send().await.unwrap();
        let status = reply.status.as_u16();
        let at_work = status == 409 && reply.problem_kind().as_deref() == Some("in-progress");
        if !at_work && !matches!(status, 202 | 503 | 504) {
            return status;
        }
        tokio::time::sleep(PAUSE).await;
    }
    504
}

/// Runs `attempts` checkouts, `at_once` of them at the same time, and counts the answers.
pub(crate) async fn storm(
    shop: &Arc<Shop>,
    attempts: usize,
    at_once: usize,
    lines: fn(usize) -> Vec<(&'static str, i64)>,
) -> BTreeMap<u16, usize> {
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..at_once)
        .map(|_| {
            let (shop, next) = (Arc::clone(shop), Arc::clone(&next));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= attempts {
                        return answers;
                    }
                    let (guest, key) = (format!("guest-{number:016}"), format!("key-{number:08}"));
                    answers.push(bought(&shop, &guest, &key, &lines(number)).await);
                }
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for worker in workers {
        for status in worker.await.unwrap() {
            *counts.entry(status).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_units_exactly_500_are_sold() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Inside).await.unwrap());
    shop.stock("KIT-001", 500).await.unwrap();
    let counts = storm(&shop, 2000, 64, |_| vec![("KIT-001", 1)]).await;
    assert_eq!(counts, BTreeMap::from([(201, 500), (409, 1500)]));
    assert_eq!(available(&shop, "KIT-001").await, 0);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_in_either_order_never_block_each_other_and_share_what_is_left() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Inside).await.unwrap());
    shop.stock("KIT-001", 100).await.unwrap();
    shop.stock("KIT-002", 60).await.unwrap();
    let counts = storm(&shop, 400, 32, |number| match number % 2 {
        0 => vec![("KIT-001", 1), ("KIT-002", 1)],
        // The same product twice is one line of two pieces.
        _ => vec![("KIT-002", 1), ("KIT-001", 1), ("KIT-002", 1)],
    })
    .await;
    assert_eq!(
        counts.keys().copied().collect::<Vec<_>>(),
        [201, 409],
        "{counts:?}"
    );
    assert!(
        available(&shop, "KIT-002").await < 2,
        "one piece may be left when only pairs were wanted"
    );
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_order_however_often_and_fast_it_comes() {
    let shop = Arc::new(Shop::start(&[], OrdersRun::Inside).await.unwrap());
    shop.stock("KIT-001", 100).await.unwrap();
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                let call = || shop.checkout(GUEST, "key-00000001", GOOD, Some(&[("KIT-001", 2)]));
                loop {
                    let reply = call().send().await.unwrap();
                    if reply.problem_kind().as_deref() != Some("in-progress") {
                        return (reply.status.as_u16(), reply.body);
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            })
        })
        .collect();
    let mut bodies = Vec::new();
    for one in tries {
        let (status, body) = one.await.unwrap();
        assert_eq!(status, 201, "{body:?}");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!((bodies.len(), available(&shop, "KIT-001").await), (1, 98));

    let short = || shop.checkout(GUEST, "key-00000002", GOOD, Some(&[("KIT-001", 99)]));
    assert_eq!(kind(short()).await, "out-of-stock");
    shop.stock("KIT-001", 1000).await.unwrap();
    assert_eq!(
        kind(short()).await,
        "out-of-stock",
        "a final answer stays, whatever changes"
    );
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}
