//! Idempotency keys: who works on one, and the final answer that everybody gets who comes with it again.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use service_kit::clock::now_ms;
use service_kit::store::{Connection, Statement};
use service_kit::{Json, Problem};
use sqlx::Row as _;
use uuid::Uuid;

use crate::App;

/// How long a checkout belongs to the one who claimed it. Longer than the deadlines of the work before the reservation, and
/// than those after it, which renews it.
pub(crate) const LEASE_MS: i64 = 5_000;

/// What a key turns out to be.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is ours to work on; with the order when an earlier try came that far.
    Ours(Option<Uuid>),
    /// It has its final answer.
    Answered(Answer),
}

/// A final answer, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// A refusal; its request id is that of the checkout that led to it.
    pub(crate) fn problem(problem: &Problem) -> Self {
        Self {
            status: problem.status,
            body: problem.document(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.body)).into_response();
        if !self.status.is_success() {
            let kind = http::HeaderValue::from_static("application/problem+json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        }
        response
    }
}

/// The key of a request.
pub(crate) fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if (8..=64).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Ok(key);
    }
    Err(Problem::malformed(
        "Idempotency-Key must have 8 to 64 letters, digits or dashes.",
    ))
}

/// Claims a key, or says what became of it.
pub(crate) async fn claim(app: &App, owner: &str, key: &str, body_tag: &str) -> Result<Claim, Problem> {
    let now = now_ms();
    // Nearly every key is new, so it is claimed at once, and looked at only when somebody was faster.
    let claim = sqlx::query(
        "insert into checkout (owner, key, body_tag, locked_until, created_at) values ($1, $2, $3, $4, $5) \
         on conflict do nothing",
    );
    let claim = claim
        .bind(owner)
        .bind(key)
        .bind(body_tag)
        .bind(now + LEASE_MS)
        .bind(now);
    if app.store.write(claim).await? == 1 {
        return Ok(Claim::Ours(None));
    }
    // A finished one needs no lock.
    if let Some(known) = known(&mut *app.store.read().acquire().await?, owner, key).await?
        && let Some(answer) = known.check(body_tag)?
    {
        return Ok(Claim::Answered(answer));
    }
    let mut writing = app.store.begin().await?;
    let Some(known) = known(&mut writing, owner, key).await? else {
        // It was forgotten a moment ago: whoever comes again finds it free.
        return Err(in_progress());
    };
    if let Some(answer) = known.check(body_tag)? {
        return Ok(Claim::Answered(answer));
    }
    if known.locked_until > now {
        return Err(in_progress());
    }
    // On a database that locks rows two could have read the same old lease: the one who changes it has it.
    let taken = sqlx::query(
        "update checkout set locked_until = $1 where owner = $2 and key = $3 and locked_until = $4",
    )
    .bind(now + LEASE_MS)
    .bind(owner)
    .bind(key)
    .bind(known.locked_until)
    .execute(&mut *writing)
    .await?
    .rows_affected();
    if taken == 0 {
        return Err(in_progress());
    }
    app.store.commit(writing).await?;
    Ok(Claim::Ours(known.order))
}

/// 409: somebody else is at it.
pub(crate) fn in_progress() -> Problem {
    let detail = "This order is being placed at this moment.";
    Problem::new(StatusCode::CONFLICT, "in-progress", detail).retry_after(1)
}

struct Known {
    body_tag: String,
    order: Option<Uuid>,
    locked_until: i64,
    answer: Option<Answer>,
}

impl Known {
    fn check(&self, body_tag: &str) -> Result<Option<Answer>, Problem> {
        if self.body_tag != body_tag {
            let detail = "This idempotency key was used for another order.";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-reused",
                detail,
            ));
        }
        Ok(self.answer.clone())
    }
}

async fn known(connection: &mut Connection, owner: &str, key: &str) -> Result<Option<Known>, sqlx::Error> {
    let query = sqlx::query(
        "select body_tag, order_id, locked_until, status, answer from checkout where owner = $1 and key = $2",
    );
    let Some(row) = query.bind(owner).bind(key).fetch_optional(connection).await? else {
        return Ok(None);
    };
    let order: Option<String> = row.try_get(1)?;
    let (status, body): (Option<i64>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let answer = status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .zip(body)
        .map(|(status, body)| Answer {
            status,
            body: serde_json::from_str(&body).unwrap_or_default(),
        });
    Ok(Some(Known {
        body_tag: row.try_get(0)?,
        order: order.and_then(|id| Uuid::parse_str(&id).ok()),
        locked_until: row.try_get(2)?,
        answer,
    }))
}

/// Forgets a key with which nothing has happened, so that it can be sent again.
pub(crate) async fn forget(app: &App, owner: &str, key: &str) -> Result<(), sqlx::Error> {
    let forget = "delete from checkout where owner = $1 and key = $2 and order_id is null and status is null";
    app.store.write(sqlx::query(forget).bind(owner).bind(key)).await?;
    Ok(())
}

/// Gives a key back whose order is not settled: the next one who comes, or recovery, goes on with it.
pub(crate) async fn release(app: &App, owner: &str, key: &str) -> Result<(), sqlx::Error> {
    let release = "update checkout set locked_until = 0 where owner = $1 and key = $2";
    app.store
        .write(sqlx::query(release).bind(owner).bind(key))
        .await?;
    Ok(())
}

/// The statement that stores the final answer of a key; the first one counts.
pub(crate) fn answering<'a>(owner: &'a str, key: &'a str, answer: &Answer) -> Statement<'a> {
    sqlx::query(
        "update checkout set status = $1, answer = $2 where owner = $3 and key = $4 and status is null",
    )
    .bind(i64::from(answer.status.as_u16()))
    .bind(answer.body.to_string())
    .bind(owner)
    .bind(key)
}

/// Stores the final answer of a key within a transaction. Says whether it was the first one.
pub(crate) async fn answer(
    writing: &mut Connection,
    owner: &str,
    key: &str,
    answer: &Answer,
) -> Result<bool, sqlx::Error> {
    let stored = answering(owner, key, answer).execute(writing).await?;
    Ok(stored.rows_affected() == 1)
}

/// The final answer of a key, if it has one.
pub(crate) async fn claimed_answer(app: &App, owner: &str, key: &str) -> Result<Option<Answer>, sqlx::Error> {
    let mut reading = app.store.read().acquire().await?;
    Ok(known(&mut reading, owner, key)
        .await?
        .and_then(|known| known.answer))
}
