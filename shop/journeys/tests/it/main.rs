//! The whole shop: buying, money and stock, crashes, security, two versions side by side.

#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

use http::Method;
use journeys::Shop;
use serde_json::{Value, json};
use service_kit::client::Call;

mod buying;
mod contract;
mod crash;
mod edge;
mod events;
mod faults;
mod hostile;
mod indexes;
mod misconfigured;
mod money;
mod outages;
mod pages;
mod postgres;
mod previous;
mod provider;
mod replica;
mod security;
mod stores;
mod versions;

/// A card that is approved.
const GOOD: &str = "4242 4242 4242 4242";
/// The key of a guest.
const GUEST: &str = "guest-0123456789-abcdef";

/// The answer as JSON, whatever its status.
async fn document(call: Call) -> Value {
    let reply = call.send().await.unwrap();
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{}: {:?}", reply.status, reply.body))
}

async fn status(call: Call) -> u16 {
    call.send().await.unwrap().status.as_u16()
}

/// `<kind>` of a problem.
async fn kind(call: Call) -> String {
    let reply = call.send().await.unwrap();
    reply
        .problem_kind()
        .unwrap_or_else(|| format!("{}: {:?}", reply.status, reply.body))
}

async fn available(shop: &Shop, sku: &str) -> i64 {
    document(shop.get(&format!("/inventory?sku={sku}"))).await["stock"][0]["available"]
        .as_i64()
        .unwrap()
}

/// A new account; its token.
async fn sign_up(shop: &Shop, email: &str) -> String {
    let body = json!({"name": "Ada", "email": email, "password": "correct horse battery"});
    let session = document(shop.call(Method::POST, "/users").json(&body)).await;
    session["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{session}"))
        .to_owned()
}
