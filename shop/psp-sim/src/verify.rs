//! What the provider can prove: no reference was charged twice.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Json, Problem, Query};
use sqlx::Row as _;

use crate::Psp;

/// Most charges of one answer.
const PAGE_MAX: i64 = 1000;

/// `GET /verify`
pub(crate) async fn own(State(psp): State<Psp>) -> Result<Json<Value>, Problem> {
    let twice = sqlx::query(
        "select reference, count(*) from authorization where status = 'approved' group by reference having count(*) > 1",
    )
    .fetch_all(psp.store.read())
    .await?;
    let violations: Vec<Value> = twice
        .iter()
        .map(|row| {
            let (reference, times): (String, i64) = (row.get(0), row.get(1));
            json!({"rule": "one-charge-per-order", "subject": reference, "detail": format!("charged {times} times")})
        })
        .collect();
    let rows =
        sqlx::query("select status, count(*) from authorization group by status").fetch_all(psp.store.read());
    let mut counts = serde_json::Map::new();
    for row in rows.await? {
        counts.insert(row.get(0), row.get::<i64, _>(1).into());
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from notification")
        .fetch_one(psp.store.read())
        .await?;
    counts.insert("notifications_waiting".to_owned(), waiting.into());
    Ok(Json(
        json!({"service": "psp-sim", "violations": violations, "counts": counts}),
    ))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /verify/charges`
pub(crate) async fn charges(
    State(psp): State<Psp>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let rows = sqlx::query(
        "select id, reference, status, minor, currency from authorization where id > ? order by id limit ?",
    )
    .bind(page.after.unwrap_or_default())
    .bind(limit)
    .fetch_all(psp.store.read())
    .await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) == limit;
    let next = rows.last().filter(|_| full).map(|row| row.get::<String, _>(0));
    let charges: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (id, reference, status): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let (minor, currency): (i64, String) = (row.get(3), row.get(4));
            json!({"id": id, "reference": reference, "status": status, "amount": {"minor": minor, "currency": currency}})
        })
        .collect();
    Ok(Json(json!({"charges": charges, "next": next})))
}
