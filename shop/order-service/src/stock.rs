//! What is there: shown to all, set on the administration port.

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::clock::now_ms;
use service_kit::{Json, Problem};
use sqlx::{Row as _, SqliteConnection};

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
    if skus.is_empty() || skus.len() > SKUS_MAX {
        return Err(Problem::invalid(
            "sku",
            format!("1 to {SKUS_MAX} products, separated by commas."),
        ));
    }
    let list = serde_json::to_string(&skus).map_err(Problem::internal)?;
    let rows = sqlx::query(
        "select s.sku, s.on_hand - s.reserved from json_each(?) as asked join stock as s on s.sku = asked.value \
         order by asked.key",
    )
    .bind(list)
    .fetch_all(app.store.read())
    .await?;
    let stock: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (sku, available): (String, i64) = (row.get(0), row.get(1));
            json!({"sku": sku, "available": available})
        })
        .collect();
    Ok(Json(json!({"stock": stock})))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Level {
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
    let row = sqlx::query("select on_hand, reserved from stock where sku = ?")
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
    writing: &mut SqliteConnection,
    sku: &str,
    delta: i64,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into stock (sku, on_hand) values (?1, 0) on conflict do nothing")
        .bind(sku)
        .execute(&mut *writing)
        .await?;
    sqlx::query("update stock set on_hand = on_hand + ? where sku = ?")
        .bind(delta)
        .bind(sku)
        .execute(&mut *writing)
        .await?;
    sqlx::query("insert into adjustment (sku, delta, reason, at) values (?, ?, ?, ?)")
        .bind(sku)
        .bind(delta)
        .bind(reason)
        .bind(now_ms())
        .execute(writing)
        .await?;
    Ok(())
}
