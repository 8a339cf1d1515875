//! Brings to an end what was left behind: by a crash, or by a provider that did not answer. Both versions of a rollout run
//! it; a lease on the checkout decides who takes which.

use std::time::Duration;

use service_kit::Problem;
use service_kit::clock::now_ms;
use sqlx::Row as _;
use uuid::Uuid;

use crate::claim::LEASE_MS;
use crate::payment::{self, Outcome};
use crate::settle::Pending;
use crate::{App, settle};

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(500);
/// Orders of one round.
const BATCH: i64 = 50;
/// An order of which the provider knows nothing after this time is given up. A charge that comes later is refunded.
const PENDING_MS_MAX: i64 = 8_000;
/// Keys with which nothing happened are forgotten after this time.
const CLAIMED_MS_MAX: i64 = 60_000;

/// Runs for ever.
pub(crate) async fn complete(app: App) {
    loop {
        if let Err(problem) = round(&app).await {
            tracing::debug!(detail = problem.detail, "recovery will try again");
        }
        tokio::time::sleep(ROUND).await;
    }
}

async fn round(app: &App) -> Result<(), Problem> {
    let now = now_ms();
    let rows = sqlx::query(
        "select c.owner, c.key, o.id, o.placed_at from orders as o join checkout as c on c.order_id = o.id \
         where o.status = 'pending' and c.locked_until <= $1 order by o.id limit $2",
    )
    .bind(now)
    .bind(BATCH)
    .fetch_all(app.store.read())
    .await?;
    for row in rows {
        let (owner, key, id): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let placed_at: i64 = row.try_get(3)?;
        let Ok(id) = Uuid::parse_str(&id) else { continue };
        if take(app, &owner, &key).await? {
            one(app, id, now - placed_at).await?;
            crate::claim::release(app, &owner, &key).await?;
        }
    }
    forget_old(app, now).await
}

/// Takes the lease, unless somebody was faster.
async fn take(app: &App, owner: &str, key: &str) -> Result<bool, Problem> {
    let now = now_ms();
    let take = sqlx::query(
        "update checkout set locked_until = $1 where owner = $2 and key = $3 and locked_until <= $4 and status is null",
    );
    let take = take.bind(now + LEASE_MS).bind(owner).bind(key).bind(now);
    Ok(app.store.write(take).await? > 0)
}

async fn one(app: &App, id: Uuid, age_ms: i64) -> Result<(), Problem> {
    match payment::ask(app, id).await {
        Outcome::Charged { charge, amount } => {
            settle::paid(app, Pending::Id(id), &charge, &amount).await?;
            tracing::info!(order = %id, "recovered as paid");
        }
        Outcome::Declined(_) => {
            let detail = "The payment was declined. Nothing was charged; please try another card.";
            settle::unpaid(app, id, "failed", detail).await?;
            tracing::info!(order = %id, "recovered as declined");
        }
        Outcome::Nothing if age_ms > PENDING_MS_MAX => {
            let detail = "The bank did not answer in time. Nothing was charged; please try again.";
            settle::unpaid(app, id, "failed", detail).await?;
            tracing::info!(order = %id, "given up: the provider knows nothing of it");
        }
        Outcome::Nothing | Outcome::Unknown => {}
    }
    Ok(())
}

async fn forget_old(app: &App, now: i64) -> Result<(), Problem> {
    let condition = "status is null and order_id is null and created_at < $1 and locked_until < $2";
    let any = sqlx::query(sqlx::AssertSqlSafe(format!(
        "select 1 from checkout where {condition} limit 1"
    )))
    .bind(now - CLAIMED_MS_MAX)
    .bind(now)
    .fetch_optional(app.store.read())
    .await?;
    if any.is_none() {
        return Ok(());
    }
    let forget = format!("delete from checkout where {condition}");
    let forget = sqlx::query(sqlx::AssertSqlSafe(forget));
    app.store
        .write(forget.bind(now - CLAIMED_MS_MAX).bind(now))
        .await?;
    Ok(())
}
