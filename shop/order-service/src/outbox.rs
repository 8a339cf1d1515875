//! Tells catalogue and cart what happened, until both have taken it. They know each event by its id.

use std::time::Duration;

use http::Method;
use service_kit::client::{Reply, Upstream};
use service_kit::clock::now_ms;
use sqlx::Row as _;

use crate::App;

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(100);
/// Events of one round.
const BATCH: i64 = 100;
/// Longest pause between two attempts of one event. It is never given up.
const PAUSE_MS_MAX: i64 = 10_000;
const DEADLINE: Duration = Duration::from_secs(1);
/// Delivered events are kept for so long, as proof.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// Runs for ever.
pub(crate) async fn relay(app: App) {
    loop {
        match round(&app).await {
            // More than one batch is waiting: go on at once.
            Ok(sent) if sent == BATCH => continue,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the outbox will be tried again"),
        }
        tokio::time::sleep(ROUND).await;
    }
}

struct Waiting {
    number: i64,
    body: String,
    attempts: i64,
    catalog_has_it: bool,
    cart_has_it: bool,
}

async fn round(app: &App) -> Result<i64, sqlx::Error> {
    let waiting: i64 = sqlx::query_scalar("select count(*) from outbox where done_at is null")
        .fetch_one(app.store.read())
        .await?;
    app.numbers.outbox_waiting.set(waiting);
    if waiting == 0 {
        return Ok(0);
    }
    let rows = sqlx::query(
        "select number, body, attempts, catalog_has_it, cart_has_it from outbox \
         where done_at is null and due_at <= $1 order by number limit $2",
    )
    .bind(now_ms())
    .bind(BATCH)
    .fetch_all(app.store.read())
    .await?;
    let mut batch = Vec::with_capacity(rows.len());
    for row in &rows {
        let waiting = Waiting {
            number: row.try_get(0)?,
            body: row.try_get(1)?,
            attempts: row.try_get(2)?,
            catalog_has_it: row.try_get::<i64, _>(3)? != 0,
            cart_has_it: row.try_get::<i64, _>(4)? != 0,
        };
        batch.push(deliver(app, waiting));
    }
    let done = futures_util::future::join_all(batch).await;
    write(app, &done).await?;
    Ok(i64::try_from(done.len()).unwrap_or(0))
}

async fn deliver(app: &App, mut event: Waiting) -> Waiting {
    event.attempts += 1;
    event.catalog_has_it = event.catalog_has_it || send(&app.catalog, &event.body).await;
    event.cart_has_it = event.cart_has_it || send(&app.cart, &event.body).await;
    event
}

async fn send(to: &Upstream, body: &str) -> bool {
    let call = to
        .call(Method::POST, "/internal/events")
        .header("content-type", "application/json")
        .raw(body.to_owned())
        .deadline(DEADLINE);
    call.send().await.and_then(Reply::success).is_ok()
}

/// Marks a whole batch in one transaction.
async fn write(app: &App, done: &[Waiting]) -> Result<(), sqlx::Error> {
    let now = now_ms();
    let mut writing = app.store.begin().await?;
    for event in done {
        let finished = event.catalog_has_it && event.cart_has_it;
        let pause = (100_i64 << event.attempts.min(10)).min(PAUSE_MS_MAX);
        sqlx::query(
            "update outbox set attempts = $1, due_at = $2, done_at = $3, catalog_has_it = case when catalog_has_it > $4 then catalog_has_it else $4 end, \
             cart_has_it = case when cart_has_it > $5 then cart_has_it else $5 end where number = $6 and done_at is null",
        )
        .bind(event.attempts)
        .bind(now + pause)
        .bind(finished.then_some(now))
        .bind(i64::from(event.catalog_has_it))
        .bind(i64::from(event.cart_has_it))
        .bind(event.number)
        .execute(&mut *writing)
        .await?;
    }
    sqlx::query(
        "delete from outbox where number in (select number from outbox where done_at < $1 limit 100)",
    )
    .bind(now - KEPT_MS)
    .execute(&mut *writing)
    .await?;
    app.store.commit(writing).await
}
