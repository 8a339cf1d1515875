//! What is there: shown to all, set on the administration port.

use std::collections::HashMap;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::clock::now_ms;
use service_kit::store::Connection;
use service_kit::{Json, Problem, Query, is_sku};
use sqlx::Row as _;

use crate::App;

/// Products that can be asked for at once.
const SKUS_MAX: usize = 100;
/// Pieces of one product.
const ON_HAND_MAX: i64 = 100_000_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    sku: String,
}

/// `GET /inventory?sku=A,B`
pub(crate) async fn inventory(
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    let skus: Vec<&str> = asked.sku.split(',').filter(|sku| !sku.is_empty()).collect();
    if skus.is_empty() || skus.len() > SKUS_MAX || !skus.iter().all(|sku| is_sku(sku)) {
        return Err(Problem::invalid(
            "sku",
            format!(
                "1 to {SKUS_MAX} products, separated by commas; each has 1 to 32 of A-Z, 0-9 and dashes."
            ),
        ));
    }
    let places: Vec<String> = (1..=skus.len()).map(|place| format!("${place}")).collect();
    let statement = format!(
        "select sku, on_hand - reserved from stock where sku in ({})",
        places.join(", ")
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
    for sku in &skus {
        query = query.bind(*sku);
    }
    let rows = query.fetch_all(app.store.read()).await?;
    let known: HashMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let stock: Vec<Value> = skus
        .iter()
        .filter_map(|sku| {
            known
                .get(*sku)
                .map(|available| json!({"sku": sku, "available": available}))
        })
        .collect();
    Ok(Json(json!({"stock": stock})))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Level {
    #[serde(deserialize_with = "service_kit::whole")]
    on_hand: i64,
}

/// `PUT /stock/{sku}` on the administration port.
pub(crate) async fn set(
    State(app): State<App>,
    Path(sku): Path<String>,
    Json(level): Json<Level>,
) -> Result<Json<Value>, Problem> {
    if !(0..=ON_HAND_MAX).contains(&level.on_hand) {
        return Err(Problem::invalid(
            "on_hand",
            format!("It must be a number from 0 to {ON_HAND_MAX}."),
        ));
    }
    if sku.is_empty() || sku.len() > 32 {
        return Err(Problem::invalid("sku", "A SKU has 1 to 32 characters."));
    }
    let mut writing = app.store.begin().await?;
    let row = sqlx::query("select on_hand, reserved from stock where sku = $1")
        .bind(&sku)
        .fetch_optional(&mut *writing)
        .await?;
    let (before, reserved): (i64, i64) = row.map_or((0, 0), |row| (row.get(0), row.get(1)));
    if level.on_hand < reserved {
        let detail = format!("{reserved} pieces are held by orders that are being paid.");
        return Err(Problem::invalid("on_hand", detail));
    }
    adjust(&mut writing, &sku, level.on_hand - before, "set").await?;
    app.store.commit(writing).await?;
    let available = level.on_hand - reserved;
    Ok(Json(
        json!({"sku": sku, "on_hand": level.on_hand, "reserved": reserved, "available": available}),
    ))
}

/// Changes what is there, and writes down why.
pub(crate) async fn adjust(
    writing: &mut Connection,
    sku: &str,
    delta: i64,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into stock (sku, on_hand) values ($1, 0) on conflict do nothing")
        .bind(sku)
        .execute(&mut *writing)
        .await?;
    sqlx::query("update stock set on_hand = on_hand + $1 where sku = $2")
        .bind(delta)
        .bind(sku)
        .execute(&mut *writing)
        .await?;
    sqlx::query("insert into adjustment (sku, delta, reason, at) values ($1, $2, $3, $4)")
        .bind(sku)
        .bind(delta)
        .bind(reason)
        .bind(now_ms())
        .execute(writing)
        .await?;
    Ok(())
}
