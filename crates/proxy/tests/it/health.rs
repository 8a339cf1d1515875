//! Probes, choice of targets, and second attempts.

use windlass_proxy::message::Health;
use windlass_proxy::table::{Audience, Table};

use crate::backend::Backend;
use crate::peer::{self, Keep};
use crate::world::{World, table};

fn probed(mut table: Table) -> Table {
    for track in &mut table.services[0].tracks {
        for target in &mut track.targets {
            target.health_path = Some("/health".to_owned());
        }
    }
    table
}

#[tokio::test]
async fn an_ill_target_gets_nothing_until_it_is_well() {
    let world = World::start().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    let address = world
        .serve(probed(table(1, &[("blue", 100, &[one.address, two.address])])))
        .await;
    let mut keep = Keep::open(address).await.expect("connected");
    for _ in 0..40 {
        assert_eq!(keep.get("/").await.expect("an answer").status, 200);
    }
    assert!(one.requests() > 5 && two.requests() > 5, "both get some");
    one.set_ill(true);
    two.set_ill(true);
    world
        .until(|health| matches!(health, Health::Unhealthy { because } if because.contains("503")))
        .await;
    assert_eq!(keep.get("/").await.expect("an answer").status, 503);
    two.set_ill(false);
    let before = one.requests();
    while keep.get("/").await.expect("an answer").status != 200 {}
    for _ in 0..20 {
        assert_eq!(keep.get("/").await.expect("an answer").text, "two");
    }
    assert_eq!(one.requests(), before);
}

#[tokio::test]
async fn a_target_that_vanished_costs_no_request_while_another_one_is_there() {
    let world = World::start().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    let mut slow_to_notice = table(1, &[("blue", 100, &[one.address, two.address])]);
    slow_to_notice.services[0].probe.interval_ms = 60_000;
    let address = world.serve(slow_to_notice).await;
    one.kill();
    let mut keep = Keep::open(address).await.expect("connected");
    for number in 0..40 {
        let answer = keep
            .send(peer::post_request("/echo", format!("order {number}")))
            .await
            .expect("an answer");
        assert_eq!(answer.text, format!("order {number}"));
    }
    assert_eq!(two.requests(), 40);
    let metrics = world.client.metrics().await.expect("metrics");
    let blue = metrics
        .find("staging", "shop", "blue", Audience::Customers)
        .expect("blue");
    assert_eq!((blue.requests, blue.errors), (40, 0));
    assert!(blue.retries > 0);
    assert_eq!(blue.within_ms.values().last(), Some(&40));
}

#[tokio::test]
async fn the_busy_target_gets_less() {
    let world = World::start().await;
    let (busy, idle) = (Backend::start("busy").await, Backend::start("idle").await);
    let mut quiet = table(1, &[("blue", 100, &[busy.address])]);
    quiet.services[0].limits.in_flight = 8;
    let address = world.serve(quiet.clone()).await;
    let held: Vec<_> = (0..8)
        .map(|_| tokio::spawn(async move { peer::get(address, "/slow/1500").await.text }))
        .collect();
    while busy.requests() < 8 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(peer::get(address, "/").await.status, 503, "the limit holds");
    quiet.generation = 2;
    quiet.services[0].tracks = table(2, &[("blue", 100, &[busy.address, idle.address])]).services[0]
        .tracks
        .clone();
    world.serve(quiet).await;
    for _ in 0..20 {
        assert_eq!(peer::get(address, "/").await.text, "idle");
    }
    for request in held {
        assert_eq!(request.await.expect("a task"), "busy");
    }
}
