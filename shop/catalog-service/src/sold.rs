//! How often products were sold, from the events of orders. Each event counts once, however often it comes.

use axum::extract::State;
use serde_json::{Map, Value, json};
use service_kit::clock::now_ms;
use service_kit::event::{Event, SCHEMA};
use service_kit::store::Store;
use service_kit::{Json, Problem};
use sqlx::Row as _;

/// `POST /internal/events`
pub(crate) async fn event(State(store): State<Store>, Json(event): Json<Event>) -> Result<(), Problem> {
    if event.schema > SCHEMA {
        return Err(Problem::invalid(
            "schema",
            format!("Events up to schema {SCHEMA} are known."),
        ));
    }
    let sign = match event.kind.as_str() {
        "order.paid" => 1,
        "order.cancelled" => -1,
        _ => return Ok(()),
    };
    let mut writing = store.begin().await?;
    let new = sqlx::query("insert into inbox values (?, ?) on conflict do nothing")
        .bind(event.id.to_string())
        .bind(now_ms())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if new == 0 {
        return Ok(());
    }
    for line in &event.order.lines {
        sqlx::query("update product set sold = sold + ? where sku = ?")
            .bind(sign * line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    store.commit(writing).await?;
    Ok(())
}

/// `GET /verify/sold`
pub(crate) async fn counts(State(store): State<Store>) -> Result<Json<Value>, Problem> {
    let rows = sqlx::query("select sku, sold from product where sold <> 0 order by sku")
        .fetch_all(store.read())
        .await?;
    let sold: Map<String, Value> = rows
        .iter()
        .map(|row| (row.get::<String, _>(0), row.get::<i64, _>(1).into()))
        .collect();
    Ok(Json(json!({"sold": sold})))
}

/// `GET /verify`
pub(crate) async fn verify(State(store): State<Store>) -> Result<Json<Value>, Problem> {
    let wrong = sqlx::query("select sku, sold from product where sold < 0")
        .fetch_all(store.read())
        .await?;
    let violations: Vec<Value> = wrong
        .iter()
        .map(|row| {
            let (sku, sold): (String, i64) = (row.get(0), row.get(1));
            json!({"rule": "sold-not-negative", "subject": sku, "detail": format!("sold {sold} times")})
        })
        .collect();
    let products: i64 = sqlx::query_scalar("select count(*) from product")
        .fetch_one(store.read())
        .await?;
    let events: i64 = sqlx::query_scalar("select count(*) from inbox")
        .fetch_one(store.read())
        .await?;
    let counts = json!({"products": products, "events": events});
    Ok(Json(
        json!({"service": "catalog-service", "violations": violations, "counts": counts}),
    ))
}
