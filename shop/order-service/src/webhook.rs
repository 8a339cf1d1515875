//! Notifications of the provider: only with its signature, only recent ones, each applied once.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use service_kit::auth::hmac_matches;
use service_kit::clock::now_ms;
use service_kit::{BODY_BYTES_MAX, Money, Problem, read_body};
use sqlx::Row as _;
use uuid::Uuid;

use crate::settle::Pending;
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
    let (known, settled) = look_up(&app, &notice).await?;
    if known {
        return Ok(());
    }
    match notice.status.as_str() {
        // The usual case: the checkout had the same answer, and was faster.
        "approved" if settled => {}
        "approved" => {
            let pending = Pending::Id(notice.reference);
            settle::paid(&app, pending, &notice.authorization, &notice.amount).await?;
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

/// Whether it was applied before, and whether its order is paid with its charge.
async fn look_up(app: &App, notice: &Notice) -> Result<(bool, bool), sqlx::Error> {
    let row = sqlx::query(
        "select (select count(*) from inbox where event_id = $1), \
         (select count(*) from orders where id = $2 and status = 'paid' and charge = $3)",
    )
    .bind(notice.event_id.to_string())
    .bind(notice.reference.to_string())
    .bind(&notice.authorization)
    .fetch_one(app.store.read())
    .await?;
    Ok((row.try_get::<i64, _>(0)? > 0, row.try_get::<i64, _>(1)? > 0))
}

/// Settling is itself repeatable, so it may come before this: a crash between them settles once more, to no effect.
async fn remember(app: &App, event: Uuid) -> Result<(), sqlx::Error> {
    let remember = sqlx::query("insert into inbox values ($1, $2) on conflict do nothing");
    app.store
        .write(remember.bind(event.to_string()).bind(now_ms()))
        .await?;
    Ok(())
}
