//! Tells catalogue and cart what happened, until both have taken it. They know each event by its id.

use std::time::{Duration, Instant};

use http::Method;
use service_kit::client::{Reply, Upstream};
use service_kit::clock::now_ms;
use sqlx::{AssertSqlSafe, Row as _};

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
/// How often it is looked whether some are older, and how many go in one statement.
const SWEEP: Duration = Duration::from_mins(1);
const SWEEP_MAX: i64 = 1000;

/// Runs for ever.
pub(crate) async fn relay(app: App) {
    let mut swept = Instant::now();
    loop {
        match round(&app).await {
            // More than one batch is waiting: go on at once.
            Ok(sent) if sent == BATCH => continue,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the outbox will be tried again"),
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            if let Err(error) = sweep(&app).await {
                tracing::debug!(%error, "old events stay for another while");
            }
        }
        tokio::time::sleep(ROUND).await;
    }
}

struct Waiting {
    number: i64,
    event_id: String,
    body: String,
    attempts: i64,
    catalog_has_it: bool,
    cart_has_it: bool,
}

impl Waiting {
    fn is_done(&self) -> bool {
        self.catalog_has_it && self.cart_has_it
    }
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
        "select number, event_id, body, attempts, catalog_has_it, cart_has_it from outbox \
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
            event_id: row.try_get(1)?,
            body: row.try_get(2)?,
            attempts: row.try_get(3)?,
            catalog_has_it: row.try_get::<i64, _>(4)? != 0,
            cart_has_it: row.try_get::<i64, _>(5)? != 0,
        };
        batch.push(deliver(app, waiting));
    }
    let tried = futures_util::future::join_all(batch).await;
    let (done, left): (Vec<_>, Vec<_>) = tried.into_iter().partition(Waiting::is_done);
    finish(app, &done).await?;
    put_off(app, &left).await?;
    Ok(i64::try_from(done.len() + left.len()).unwrap_or(0))
}

async fn deliver(app: &App, mut event: Waiting) -> Waiting {
    event.attempts += 1;
    event.catalog_has_it = event.catalog_has_it || send(&app.catalog, &event.body).await;
    event.cart_has_it =
        event.cart_has_it || app.emptied.take(&event.event_id) || send(&app.cart, &event.body).await;
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

/// Marks what both have, in one statement.
async fn finish(app: &App, done: &[Waiting]) -> Result<(), sqlx::Error> {
    let Some(first) = done.first() else { return Ok(()) };
    // As many places as the next power of two, so that there are few statements to prepare; the first one fills what is left.
    let places: Vec<String> = (2..2 + done.len().next_power_of_two())
        .map(|place| format!("${place}"))
        .collect();
    let statement = format!(
        "update outbox set attempts = attempts + 1, done_at = $1, catalog_has_it = 1, cart_has_it = 1 \
         where done_at is null and number in ({})",
        places.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(now_ms());
    for place in 0..places.len() {
        query = query.bind(done.get(place).unwrap_or(first).number);
    }
    app.store.write(query).await?;
    Ok(())
}

/// The others are tried again later, in one transaction. What somebody has stays so, whoever else marks it.
async fn put_off(app: &App, left: &[Waiting]) -> Result<(), sqlx::Error> {
    if left.is_empty() {
        return Ok(());
    }
    let now = now_ms();
    let mut writing = app.store.begin().await?;
    for event in left {
        let pause = (100_i64 << event.attempts.min(10)).min(PAUSE_MS_MAX);
        sqlx::query(
            "update outbox set attempts = $1, due_at = $2, catalog_has_it = case when catalog_has_it > $3 then catalog_has_it else $3 end, \
             cart_has_it = case when cart_has_it > $4 then cart_has_it else $4 end where number = $5 and done_at is null",
        )
        .bind(event.attempts)
        .bind(now + pause)
        .bind(i64::from(event.catalog_has_it))
        .bind(i64::from(event.cart_has_it))
        .bind(event.number)
        .execute(&mut *writing)
        .await?;
    }
    app.store.commit(writing).await
}

/// Forgets delivered events that are old. They are among the oldest, so only these are looked at, and no index is needed.
async fn sweep(app: &App) -> Result<(), sqlx::Error> {
    loop {
        let sweep = sqlx::query(
            "delete from outbox where number in (select number from \
             (select number, done_at from outbox order by number limit $1) as oldest where done_at < $2)",
        );
        let gone = app
            .store
            .write(sweep.bind(SWEEP_MAX).bind(now_ms() - KEPT_MS))
            .await?;
        if gone < SWEEP_MAX.unsigned_abs() {
            return Ok(());
        }
    }
}
