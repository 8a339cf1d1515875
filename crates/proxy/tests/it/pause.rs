//! Requests that are held while an environment has nobody to answer them.

use std::time::Duration;

use windlass_proxy::table::Audience;

use crate::backend::Backend;
use crate::peer;
use crate::world::{LONG, World, listener, table};

#[tokio::test]
async fn held_requests_are_answered_by_what_serves_after_the_pause() {
    let world = World::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let address = world.serve(table(1, &[("blue", 100, &[old.address])])).await;
    world.client.pause("staging").await.expect("paused");
    let held: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn(async move { peer::send(address, peer::post_request("/slow/1", "x")).await.text })
        })
        .collect();
    wait_for_held(&world, 20).await;
    world
        .client
        .drained("staging", "blue", LONG)
        .await
        .expect("drained");
    old.kill();
    world.serve(table(2, &[("blue", 100, &[new.address])])).await;
    world.client.resume("staging").await.expect("resumed");
    for request in held {
        assert_eq!(request.await.expect("a task"), "new");
    }
    assert_eq!(old.requests(), 0);
}

#[tokio::test]
async fn a_pause_holds_so_many_for_so_long_and_no_service_of_the_environment() {
    let world = World::start().await;
    let blue = Backend::start("blue").await;
    let mut short = table(1, &[("blue", 100, &[blue.address])]);
    short.services[0].limits.paused = 2;
    short.services[0].limits.paused_ms = 300;
    short.listeners.push(listener("inside", Audience::Internal, None));
    let applied = world.apply(short).await;
    let address = applied.listeners["web"];
    world.client.pause("staging").await.expect("paused");
    let held: Vec<_> = (0..2)
        .map(|_| tokio::spawn(async move { peer::get(address, "/").await }))
        .collect();
    wait_for_held(&world, 2).await;
    let third = peer::get(address, "/").await;
    assert!(
        third.status == 503 && third.text.contains("too many"),
        "{}",
        third.text
    );
    assert_eq!(peer::get(applied.listeners["inside"], "/").await.text, "blue");
    for request in held {
        let late = request.await.expect("a task");
        assert!(
            late.status == 503 && late.text.contains("too long"),
            "{}",
            late.text
        );
    }
}

async fn wait_for_held(world: &World, number: u64) {
    loop {
        let status = world.client.status().await.expect("a status");
        if status.tables[0].paused && status.tables[0].held == number {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
