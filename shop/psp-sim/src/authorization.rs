//! Charging, asking, refunding.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::clock::now_ms;
use service_kit::store::Connection;
use service_kit::{CutConnection, Json, Money, Problem, Query};
use sqlx::Row as _;
use uuid::Uuid;

use crate::card::{Behaviour, behaviour};
use crate::{Psp, webhook};

/// How long the silent card keeps a connection.
const SILENCE: Duration = Duration::from_secs(30);
/// How late the slow card answers.
const SLOWNESS: Duration = Duration::from_secs(2);
const REFERENCE_CHARS: std::ops::RangeInclusive<usize> = 1..=64;
/// Most authorizations of one reference that are listed.
const LISTED_MAX: i64 = 20;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Wish {
    reference: String,
    amount: Money,
    card: String,
}

/// One charge, as the shop sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Authorization {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) status: String,
    pub(crate) amount: Money,
    pub(crate) reason: String,
}

/// `POST /v1/authorizations`
pub(crate) async fn create(
    State(psp): State<Psp>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, Problem> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !(8..=64).contains(&key.len()) || !key.bytes().all(fine) {
        return Err(Problem::malformed(
            "Idempotency-Key must have 8 to 64 of A-Z, a-z, 0-9 and dashes.",
        ));
    }
    if wish.amount.minor <= 0 || wish.amount.currency.len() != 3 {
        return Err(Problem::invalid(
            "amount",
            "The amount must be positive, its currency three letters.",
        ));
    }
    if !REFERENCE_CHARS.contains(&wish.reference.chars().count()) {
        return Err(Problem::invalid(
            "reference",
            "The reference must have 1 to 64 characters.",
        ));
    }
    let behaviour = behaviour(&wish.card)?;
    if behaviour == Behaviour::Silent {
        tokio::time::sleep(SILENCE).await;
        return Ok(cut());
    }
    let (made, is_new) = record(&psp, key, &wish, behaviour).await?;
    match behaviour {
        Behaviour::Slow => tokio::time::sleep(SLOWNESS).await,
        Behaviour::Cut if is_new => return Ok(cut()),
        Behaviour::NotifiesFirst if is_new => webhook::round(&psp).await,
        Behaviour::Approves
        | Behaviour::Declines
        | Behaviour::Cut
        | Behaviour::NotifiesThrice
        | Behaviour::NotifiesFirst
        | Behaviour::Silent => {}
    }
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Charges once for each key, together with its notifications. Says whether it was new.
async fn record(
    psp: &Psp,
    key: &str,
    wish: &Wish,
    behaviour: Behaviour,
) -> Result<(Authorization, bool), Problem> {
    let mut writing = psp.store.begin().await?;
    let known =
        sqlx::query("select id, reference, status, minor, currency, reason from authorization where key = ?")
            .bind(key)
            .fetch_optional(&mut *writing)
            .await?;
    if let Some(row) = known {
        let made = read(&row)?;
        if made.reference != wish.reference || made.amount != wish.amount {
            let detail = "This idempotency key was used for another charge.";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-reused",
                detail,
            ));
        }
        return Ok((made, false));
    }
    let declined = behaviour == Behaviour::Declines;
    let made = Authorization {
        id: Uuid::now_v7().to_string(),
        reference: wish.reference.clone(),
        status: if declined { "declined" } else { "approved" }.to_owned(),
        amount: wish.amount.clone(),
        reason: if declined { "refused by the bank" } else { "" }.to_owned(),
    };
    sqlx::query("insert into authorization values (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(&made.id)
        .bind(key)
        .bind(&made.reference)
        .bind(&made.status)
        .bind(made.amount.minor)
        .bind(&made.amount.currency)
        .bind(&made.reason)
        .bind(now_ms())
        .execute(&mut *writing)
        .await?;
    let times = if behaviour == Behaviour::NotifiesThrice {
        3
    } else {
        1
    };
    notify(&mut writing, &made, times).await?;
    psp.store.commit(writing).await?;
    Ok((made, true))
}

async fn notify(writing: &mut Connection, made: &Authorization, times: u32) -> Result<(), sqlx::Error> {
    let body = json!({
        "event_id": Uuid::now_v7(),
        "reference": made.reference,
        "authorization": made.id,
        "status": made.status,
        "amount": made.amount,
    });
    for _ in 0..times {
        sqlx::query("insert into notification (body, due_at) values (?, ?)")
            .bind(body.to_string())
            .bind(now_ms())
            .execute(&mut *writing)
            .await?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    reference: String,
}

/// `GET /v1/authorizations?reference=`
pub(crate) async fn find(
    State(psp): State<Psp>,
    Query(asked): Query<Asked>,
) -> Result<Json<serde_json::Value>, Problem> {
    if asked.reference.chars().count() > *REFERENCE_CHARS.end() {
        return Err(Problem::invalid(
            "reference",
            "A reference has at most 64 characters.",
        ));
    }
    let rows = sqlx::query(
        "select id, reference, status, minor, currency, reason from authorization where reference = ? order by id limit ?",
    )
    .bind(&asked.reference)
    .bind(LISTED_MAX)
    .fetch_all(psp.store.read())
    .await?;
    let found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({"authorizations": found})))
}

/// `POST /v1/authorizations/{id}/refund`, which may be repeated.
pub(crate) async fn refund(
    State(psp): State<Psp>,
    Path(id): Path<String>,
) -> Result<Json<Authorization>, Problem> {
    let mut writing = psp.store.begin().await?;
    let row =
        sqlx::query("select id, reference, status, minor, currency, reason from authorization where id = ?")
            .bind(&id)
            .fetch_optional(&mut *writing)
            .await?;
    let mut made = read(&row.ok_or_else(|| Problem::not_found("authorization"))?)?;
    if made.status == "declined" {
        let detail = "A declined charge cannot be refunded.";
        return Err(Problem::new(StatusCode::CONFLICT, "not-possible", detail));
    }
    if made.status == "approved" {
        "refunded".clone_into(&mut made.status);
        sqlx::query("update authorization set status = 'refunded' where id = ?")
            .bind(&id)
            .execute(&mut *writing)
            .await?;
        notify(&mut writing, &made, 1).await?;
        psp.store.commit(writing).await?;
    }
    Ok(Json(made))
}

fn read(row: &service_kit::store::Row) -> Result<Authorization, sqlx::Error> {
    Ok(Authorization {
        id: row.try_get(0)?,
        reference: row.try_get(1)?,
        status: row.try_get(2)?,
        amount: Money {
            minor: row.try_get(3)?,
            currency: row.try_get(4)?,
        },
        reason: row.try_get(5)?,
    })
}

fn cut() -> Response {
    let mut response = StatusCode::GATEWAY_TIMEOUT.into_response();
    response.extensions_mut().insert(CutConnection);
    response
}
