//! How often products were sold, from the events of orders. Each event counts once, however often it comes.

use axum::extract::State;
use serde_json::{Map, Value, json};
use service_kit::event::Event;
use service_kit::{Json, Problem};

use crate::shelf::Shelf;

/// `POST /internal/events`
pub(crate) async fn event(State(shelf): State<Shelf>, Json(event): Json<Event>) -> Result<(), Problem> {
    event.check()?;
    match event.kind.as_str() {
        "order.paid" => shelf.sold(&event, 1).await,
        "order.cancelled" => shelf.sold(&event, -1).await,
        _ => Ok(()),
    }
}

/// `GET /verify/sold`
pub(crate) async fn counts(State(shelf): State<Shelf>) -> Result<Json<Value>, Problem> {
    let sold: Map<String, Value> = shelf
        .sold_counts()
        .await?
        .into_iter()
        .map(|(sku, sold)| (sku, sold.into()))
        .collect();
    Ok(Json(json!({"sold": sold})))
}

/// `GET /verify`
pub(crate) async fn verify(State(shelf): State<Shelf>) -> Result<Json<Value>, Problem> {
    let found = shelf.verify().await?;
    let violations: Vec<Value> = found
        .wrong
        .into_iter()
        .map(|(sku, sold)| {
            json!({"rule": "sold-not-negative", "subject": sku, "detail": format!("sold {sold} times")})
        })
        .collect();
    let counts = json!({"products": found.products, "events": found.events});
    Ok(Json(
        json!({"service": "catalog-service", "violations": violations, "counts": counts}),
    ))
}
