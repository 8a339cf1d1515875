//! Gives charges back, until the provider says that it is done. A refund may be sent twice: the provider's is repeatable.

use std::time::Duration;

use http::{Method, StatusCode};
use service_kit::clock::now_ms;
use sqlx::Row as _;

use crate::App;

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(200);
/// Refunds of one round.
const BATCH: i64 = 50;
/// Longest pause between two attempts of one refund. It is never given up.
const PAUSE_MS_MAX: i64 = 60_000;

/// Runs for ever.
pub(crate) async fn relay(app: App) {
    loop {
        if let Err(error) = round(&app).await {
            tracing::debug!(%error, "refunds will be tried again");
        }
        tokio::time::sleep(ROUND).await;
    }
}

async fn round(app: &App) -> Result<(), sqlx::Error> {
    let rows =
        sqlx::query("select charge, attempts from refund where done_at is null and due_at <= $1 limit $2")
            .bind(now_ms())
            .bind(BATCH)
            .fetch_all(app.store.read())
            .await?;
    for row in rows {
        let (charge, attempts): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        let call = app
            .provider
            .call(Method::POST, format!("/v1/authorizations/{charge}/refund"))
            .repeatable();
        let done = call
            .send()
            .await
            .is_ok_and(|reply| reply.status == StatusCode::OK);
        let pause = (200_i64 << attempts.min(10)).min(PAUSE_MS_MAX);
        let mut writing = app.store.begin().await?;
        sqlx::query("update refund set attempts = attempts + 1, due_at = $1, done_at = $2 where charge = $3")
            .bind(now_ms() + pause)
            .bind(done.then(now_ms))
            .bind(&charge)
            .execute(&mut *writing)
            .await?;
        app.store.commit(writing).await?;
    }
    Ok(())
}
