//! Notifications to the shop: signed, kept until the shop has taken them, repeated with growing pauses.

use std::time::Duration;

use http::Method;
use service_kit::auth::hmac_hex;
use service_kit::clock::now_ms;
use sqlx::Row as _;

use crate::Psp;

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(100);
/// Notifications of one round, and of those so many under way at once.
const BATCH: i64 = 200;
const AT_ONCE: usize = 20;
/// After so many attempts a notification is given up; with the pauses below that is more than an hour.
const ATTEMPTS_MAX: i64 = 30;
/// Longest pause between two attempts.
const PAUSE_MS_MAX: i64 = 300_000;

/// Delivers for ever.
pub(crate) async fn deliver(psp: Psp) {
    loop {
        tokio::time::sleep(ROUND).await;
        round(&psp).await;
    }
}

/// Delivers what is due.
pub(crate) async fn round(psp: &Psp) {
    let due = sqlx::query(
        "select number, body, attempts from notification where due_at <= ? order by due_at, number limit ?",
    )
    .bind(now_ms())
    .bind(BATCH)
    .fetch_all(psp.store.read())
    .await;
    let Ok(rows) = due else { return };
    let due: Vec<Due> = rows
        .iter()
        .map(|row| Due {
            number: row.get(0),
            body: row.get(1),
            attempts: row.get(2),
        })
        .collect();
    for some in due.chunks(AT_ONCE) {
        let taken = futures_util::future::join_all(some.iter().map(|due| send(psp, &due.body))).await;
        if let Err(error) = settle(psp, some, &taken).await {
            tracing::debug!(%error, "notifications could not be marked; they will be sent again");
        }
    }
}

struct Due {
    number: i64,
    body: String,
    attempts: i64,
}

async fn send(psp: &Psp, body: &str) -> bool {
    let now = now_ms() / 1000;
    let Ok(tag) = hmac_hex(&psp.secret, format!("{now}.{body}").as_bytes()) else {
        return false;
    };
    let sent = psp
        .shop
        .call(Method::POST, "/payments/webhook")
        .header("x-psp-signature", &format!("t={now},v1={tag}"))
        .header("content-type", "application/json")
        .raw(body.to_owned())
        .send()
        .await;
    sent.is_ok_and(|reply| reply.status.is_success())
}

/// Marks some in one transaction: the disk is asked once for all of them.
async fn settle(psp: &Psp, some: &[Due], taken: &[bool]) -> Result<(), sqlx::Error> {
    let mut writing = psp.store.begin().await?;
    for (due, taken) in some.iter().zip(taken) {
        let attempts = due.attempts + 1;
        if *taken || attempts >= ATTEMPTS_MAX {
            sqlx::query("delete from notification where number = ?")
                .bind(due.number)
                .execute(&mut *writing)
                .await?;
            continue;
        }
        let pause = (100_i64 << attempts.min(12)).min(PAUSE_MS_MAX);
        sqlx::query("update notification set attempts = ?, due_at = ? where number = ?")
            .bind(attempts)
            .bind(now_ms() + pause)
            .bind(due.number)
            .execute(&mut *writing)
            .await?;
    }
    psp.store.commit(writing).await
}
