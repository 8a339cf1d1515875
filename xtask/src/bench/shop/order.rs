//! A checkout as our shop takes it, and what its answer says.

use serde_json::{Value, json};

/// The body of a checkout of what is in the cart.
pub(super) fn checkout() -> Value {
    json!({
        "email": "customer@example.com",
        "address": {"name": "Ada", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "DE"},
        "payment": {"card": "4242424242424242"},
    })
}

/// The id of an order that is paid.
pub(super) fn paid(body: &[u8]) -> Option<String> {
    let order: Value = serde_json::from_slice(body).ok()?;
    (order["status"] == "paid").then(|| order["id"].as_str().map(str::to_owned))?
}
