//! Which sessions ended before their time, told to those who check tokens; and what may be forgotten.

use std::time::Duration;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::clock::now_ms;
use service_kit::{Json, Problem, Query};
use sqlx::Row as _;

use crate::App;

/// Ended sessions of one answer; who has missed more asks again.
const BATCH: i64 = 5000;
const FORGET_EVERY: Duration = Duration::from_mins(1);
/// Failures to log in are kept for so long.
const FAILURE_KEPT_MS: i64 = 3600 * 1000;

#[derive(Debug, Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    after: i64,
}

/// `GET /internal/sessions/ended?after=N`, which the gateway never passes on.
pub(crate) async fn since(
    State(app): State<App>,
    Query(since): Query<Since>,
) -> Result<Json<Value>, Problem> {
    let rows = sqlx::query(
        "select revision, sid, expires_at from ended where revision > $1 and expires_at > $2 order by revision limit $3",
    )
    .bind(since.after)
    .bind(now_ms())
    .bind(BATCH)
    .fetch_all(app.store.read())
    .await?;
    let revision: i64 = rows.last().map_or(since.after, |row| row.get(0));
    let sessions: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (sid, expires): (String, i64) = (row.get(1), row.get(2));
            json!({"sid": sid, "expires_ms": expires})
        })
        .collect();
    Ok(Json(json!({"revision": revision, "sessions": sessions})))
}

/// Takes away what has expired, for ever.
pub(crate) async fn forget(app: App) {
    loop {
        // At once too: what restarts often would never come to it otherwise.
        if let Err(error) = round(&app).await {
            tracing::debug!(%error, "expired rows will be taken away later");
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

async fn round(app: &App) -> Result<(), sqlx::Error> {
    let now = now_ms();
    let mut writing = app.store.begin().await?;
    sqlx::query("delete from session where expires_at < $1")
        .bind(now)
        .execute(&mut *writing)
        .await?;
    sqlx::query("delete from ended where expires_at < $1")
        .bind(now)
        .execute(&mut *writing)
        .await?;
    sqlx::query("delete from login_failure where at < $1")
        .bind(now - FAILURE_KEPT_MS)
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await
}
