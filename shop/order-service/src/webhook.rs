//! Notifications of the provider: only with its signature, only recent ones, each applied once.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use service_kit::auth::hmac_matches;
use service_kit::clock::now_ms;
use service_kit::{BODY_BYTES_MAX, Money, Problem, read_body};
use uuid::Uuid;

use crate::{App, settle};

/// How old or how far in the future a signature may be, in seconds: more would let a recorded one be used later.
const AGE_S_MAX: i64 = 300;

#[derive(Debug, Deserialize)]
struct Notice {
    event_id: Uuid,
    reference: Uuid,
    authorization: String,
    status: String,
    amount: Money,
}

/// `POST /payments/webhook`
pub(crate) async fn post(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<(), Problem> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    check(&app, &headers, &body)?;
    let notice: Notice =
        serde_json::from_slice(&body).map_err(|_| Problem::malformed("The body is no notification."))?;
    if known(&app, notice.event_id).await? {
        return Ok(());
    }
    match notice.status.as_str() {
        "approved" => {
            settle::paid(&app, notice.reference, &notice.authorization, &notice.amount).await?;
        }
        "declined" => {
            let detail = "The payment was declined. Nothing was charged; please try another card.";
            settle::unpaid(&app, notice.reference, "failed", detail).await?;
        }
        // `refunded`, and what a newer provider may say.
        _ => {}
    }
    remember(&app, notice.event_id).await?;
    Ok(())
}

fn check(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let refused = || Problem::unauthenticated("The signature is missing, wrong or too old.");
    let value = headers
        .get("x-psp-signature")
        .and_then(|value| value.to_str().ok())
        .ok_or_else(refused)?;
    let (time, tag) = value
        .split_once(',')
        .and_then(|(time, tag)| Some((time.strip_prefix("t=")?, tag.strip_prefix("v1=")?)))
        .ok_or_else(refused)?;
    let at: i64 = time.parse().map_err(|_| refused())?;
    if (now_ms() / 1000).abs_diff(at) > AGE_S_MAX.unsigned_abs() {
        return Err(refused());
    }
    let message = [time.as_bytes(), b".", body].concat();
    if hmac_matches(&app.secret, &message, tag) {
        Ok(())
    } else {
        Err(refused())
    }
}

async fn known(app: &App, event: Uuid) -> Result<bool, sqlx::Error> {
    let query = sqlx::query("select 1 from inbox where event_id = $1").bind(event.to_string());
    Ok(query.fetch_optional(app.store.read()).await?.is_some())
}

/// Settling is itself repeatable, so it may come before this: a crash between them settles once more, to no effect.
async fn remember(app: &App, event: Uuid) -> Result<(), sqlx::Error> {
    let mut writing = app.store.begin().await?;
    sqlx::query("insert into inbox values ($1, $2) on conflict do nothing")
        .bind(event.to_string())
        .bind(now_ms())
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await
}
