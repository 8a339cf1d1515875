//! Canary: weights, cookies that keep a customer on a side, headers that choose one.

use std::collections::BTreeMap;

use http::Request;
use http_body_util::Full;
use windlass_proxy::table::{Audience, Table};

use crate::backend::Backend;
use crate::peer::{self, Answer, Keep};
use crate::world::{World, listener, table};

async fn with_cookie(keep: &mut Keep, cookie: &str) -> Answer {
    let request = Request::get("/")
        .header("host", "a")
        .header("cookie", format!("x=1; {cookie}"));
    keep.send(request.body(Full::default()).expect("a request"))
        .await
        .expect("an answer")
}

#[tokio::test]
async fn customers_stay_on_their_side_and_only_as_many_move_as_the_weight_grows() {
    let world = World::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    let tracks = |generation, weights: (u32, u32)| -> Table {
        table(
            generation,
            &[
                ("blue", weights.0, &[blue.address]),
                ("green", weights.1, &[green.address]),
            ],
        )
    };
    let address = world.serve(tracks(1, (80, 20))).await;
    let mut keep = Keep::open(address).await.expect("connected");
    let mut cookies = BTreeMap::new();
    for _ in 0..300 {
        let answer = keep.get("/").await.expect("an answer");
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        assert!(cookie.starts_with("windlass-share="), "{cookie}");
        cookies.insert(cookie, answer.text);
    }
    let on_green = cookies.values().filter(|side| *side == "green").count();
    // 300 draws at 20 %: outside of 25 to 105 (6 sigma) something is wrong.
    assert!((25..105).contains(&on_green), "{on_green} of 300 on green");
    for (cookie, side) in &cookies {
        let again = with_cookie(&mut keep, cookie).await;
        assert_eq!((&again.text, again.header("set-cookie")), (side, ""));
    }
    world.apply(tracks(2, (50, 50))).await;
    let mut moved = 0;
    for (cookie, side) in &cookies {
        let now = with_cookie(&mut keep, cookie).await.text;
        assert!(
            now == *side || now == "green",
            "nobody returns to blue while green grows"
        );
        moved += usize::from(now != *side);
    }
    assert!(moved > 0);
    world.apply(tracks(3, (0, 100))).await;
    let mut keep = Keep::open(address).await.expect("connected");
    for cookie in cookies.keys() {
        let last = with_cookie(&mut keep, cookie).await;
        assert_eq!((last.text.as_str(), last.header("set-cookie")), ("green", ""));
    }
}

#[tokio::test]
async fn a_track_can_be_tried_by_listener_and_by_header_but_not_by_customers() {
    let world = World::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    let mut tracks = table(
        1,
        &[("blue", 100, &[blue.address]), ("green", 0, &[green.address])],
    );
    tracks
        .listeners
        .push(listener("preview", Audience::Preview, Some("green")));
    let mut chosen = listener("chosen", Audience::Preview, None);
    chosen.override_header = Some("x-windlass-track".to_owned());
    tracks.listeners.push(chosen);
    let applied = world.apply(tracks).await;
    let ask = async |name: &str, track: &str| {
        let request = Request::get("/")
            .header("host", "a")
            .header("x-windlass-track", track);
        peer::send(
            applied.listeners[name],
            request.body(Full::default()).expect("a request"),
        )
        .await
        .text
    };
    assert_eq!(ask("web", "green").await, "blue");
    assert_eq!(ask("preview", "blue").await, "green");
    assert_eq!(ask("chosen", "green").await, "green");
    assert_eq!(ask("chosen", "no-such-track").await, "blue");
    let metrics = world.client.metrics().await.expect("metrics");
    let count = |track, audience| {
        metrics
            .find("staging", "shop", track, audience)
            .map(|found| found.requests)
    };
    assert_eq!(
        count("green", Audience::Customers),
        Some(0),
        "tests are not customers"
    );
    assert_eq!(count("green", Audience::Preview), Some(2));
    assert_eq!(count("blue", Audience::Customers), Some(1));
}
