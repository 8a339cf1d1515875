//! Shares of customers, and the order of claim and drain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use http::HeaderMap;

use super::{Unclaimed, claim, claim_of};
use crate::live::Slot;
use crate::message::Retire;
use crate::table::Table;

fn table(generation: u64, blue: u32, green: u32) -> Table {
    let json = format!(
        r#"{{"name":"a","generation":{generation},
            "listeners":[{{"name":"web","bind":"127.0.0.1:1","service":"s"}}],
            "services":[{{"name":"s","probe":{{"interval_ms":3600000}},"tracks":[
                {{"name":"green","weight":{green},"targets":[{{"address":"127.0.0.1:3"}}]}},
                {{"name":"blue","weight":{blue},"targets":[{{"address":"127.0.0.1:2"}}]}}]}}]}}"#
    );
    serde_json::from_str(&json).expect("a table")
}

fn with_share(share: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "cookie",
        format!("{}={share}", super::COOKIE).parse().expect("a value"),
    );
    headers
}

#[tokio::test]
async fn shares_are_exact_and_move_one_way() {
    let sides = |slot: &Slot| -> BTreeMap<u64, String> {
        let side = |share| {
            claim(slot, "web", &with_share(share), Instant::now(), &[])
                .map(|claim| claim.track().name.clone())
        };
        (0..super::SHARES)
            .step_by(10)
            .map(|share| (share, side(share).expect("a claim")))
            .collect()
    };
    let slot = Slot::new(table(1, 99, 1), 1);
    let mut before = sides(&slot);
    for (generation, green) in [(2, 1), (3, 10), (4, 33), (5, 50), (6, 99)] {
        slot.replace(table(generation, 100 - green, green), Retire::Polite, 1);
        let now = sides(&slot);
        let on_green = now.values().filter(|side| *side == "green").count();
        assert_eq!(on_green, usize::try_from(green * 10).expect("small"), "of 1,000");
        let back = before
            .iter()
            .filter(|(share, side)| *side == "green" && now[*share] == "blue")
            .count();
        assert_eq!(back, 0, "nobody moves back while green grows");
        before = now;
    }
}

#[tokio::test]
async fn without_a_weight_or_during_a_pause_there_is_no_claim_and_no_count() {
    let slot = Slot::new(table(1, 0, 0), 1);
    let ask = |slot: &Slot| claim(slot, "web", &HeaderMap::new(), Instant::now(), &[]).map(|_| ());
    assert_eq!(ask(&slot), Err(Unclaimed::NoTrack("s".to_owned())));
    slot.replace(table(2, 1, 0), Retire::Polite, 1);
    assert_eq!(ask(&slot), Ok(()));
    slot.pause.begin();
    assert_eq!(ask(&slot), Err(Unclaimed::Paused));
    assert_eq!(
        (slot.in_flight("blue"), slot.in_flight("green")),
        ((0, 0), (0, 0))
    );
}

/// The heart of a switch without loss: a table was looked at, then replaced, and the old side was seen at rest and killed;
/// only then the claim is counted. It must not be held.
#[tokio::test]
async fn a_claim_that_is_late_for_the_drain_is_given_up() {
    let slot = Slot::new(table(1, 1, 0), 1);
    let late = |live| {
        claim_of(&slot, live, "web", &HeaderMap::new(), Instant::now(), &[]).map(|claim| claim.is_some())
    };
    let before = Arc::clone(&slot.live());
    assert_eq!(late(&before), Ok(true));
    slot.replace(table(2, 0, 1), Retire::AtOnce, 1);
    assert_eq!(slot.in_flight("blue"), (0, 0));
    assert_eq!(late(&before), Ok(false));
    assert_eq!(slot.in_flight("blue"), (0, 0), "and leaves no count");
    let now =
        claim(&slot, "web", &HeaderMap::new(), Instant::now(), &[]).map(|claim| claim.track().name.clone());
    assert_eq!(now, Ok("green".to_owned()));
}

/// The same with threads, where the order of memory matters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_drain_nobody_holds_a_claim_of_the_old_side() {
    const SWITCHES: u64 = 1_000;
    let slot = Arc::new(Slot::new(table(1, 1, 0), 1));
    let stop = Arc::new(AtomicBool::new(false));
    // Whether the side may be used; cleared after the drain, as an instance is killed.
    let alive: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(true), AtomicBool::new(false)]);
    let violations = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (slot, stop, alive, violations) = (
                Arc::clone(&slot),
                Arc::clone(&stop),
                Arc::clone(&alive),
                Arc::clone(&violations),
            );
            std::thread::spawn(move || {
                let mut claims = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let Ok(held) = claim(&slot, "web", &HeaderMap::new(), Instant::now(), &[]) else {
                        continue;
                    };
                    let side = usize::from(held.track().name == "green");
                    if !alive[side].load(Ordering::SeqCst) {
                        violations.fetch_add(1, Ordering::SeqCst);
                    }
                    claims += 1;
                }
                claims
            })
        })
        .collect();
    for turn in 0..SWITCHES {
        let to_green = turn % 2 == 0;
        let (old, new) = if to_green { (0, 1) } else { (1, 0) };
        alive[new].store(true, Ordering::SeqCst);
        slot.replace(
            table(turn + 2, u32::from(!to_green), u32::from(to_green)),
            Retire::AtOnce,
            1,
        );
        while slot.in_flight(if to_green { "blue" } else { "green" }).0 > 0 {
            std::hint::spin_loop();
        }
        alive[old].store(false, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    let claims: u64 = clients
        .into_iter()
        .map(|client| client.join().expect("a client"))
        .sum();
    assert_eq!(violations.load(Ordering::SeqCst), 0, "of {claims} claims");
    assert!(claims > SWITCHES);
}
