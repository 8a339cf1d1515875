//! `POST /sessions`: the same answer, after the same work, whether the address is unknown or the password wrong.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use service_kit::clock::now_ms;
use service_kit::{Json, Problem};
use sqlx::Row as _;

use crate::App;
use crate::session::{begin, read};

/// Failures for one address within the time below; then it is closed for a while, for everybody and whatever the password.
const FAILURES_MAX: i64 = 10;
const FAILURES_WITHIN_MS: i64 = 15 * 60 * 1000;
/// Longer input is not hashed.
const PASSWORD_BYTES_MAX: usize = 1024;

#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

/// `POST /sessions`
pub(crate) async fn log_in(
    State(app): State<App>,
    Json(credentials): Json<Credentials>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let email = credentials.email.trim().to_lowercase();
    if email.len() > 254 || credentials.password.len() > PASSWORD_BYTES_MAX {
        return Err(wrong());
    }
    if let Err(problem) = check_failures(&app, &email).await {
        app.logins.with(&["locked"]).inc();
        return Err(problem);
    }
    let row = sqlx::query("select id, name, email, created_at, password from users where email = $1")
        .bind(&email)
        .fetch_optional(app.store.read())
        .await?;
    let stored = row.as_ref().map(|row| row.try_get(4)).transpose()?;
    let fits = app.passwords.fits(stored, credentials.password).await?;
    let Some(row) = row.filter(|_| fits) else {
        note_failure(&app, &email).await?;
        app.logins.with(&["wrong"]).inc();
        return Err(wrong());
    };
    let mut writing = app.store.begin().await?;
    sqlx::query("delete from login_failure where email = $1")
        .bind(&email)
        .execute(&mut *writing)
        .await?;
    let session = begin(&mut writing, &app, &read(&row)?).await?;
    app.store.commit(writing).await?;
    app.logins.with(&["ok"]).inc();
    Ok((StatusCode::CREATED, Json(session)))
}

pub(crate) fn wrong() -> Problem {
    let detail = "This e-mail address and this password do not belong together.";
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", detail)
}

pub(crate) async fn note_failure(app: &App, email: &str) -> Result<(), sqlx::Error> {
    let mut writing = app.store.begin().await?;
    sqlx::query("insert into login_failure values ($1, $2)")
        .bind(email)
        .bind(now_ms())
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await
}

/// Refuses whoever guesses, for an address with too many failures.
pub(crate) async fn check_failures(app: &App, email: &str) -> Result<(), Problem> {
    let since = now_ms() - FAILURES_WITHIN_MS;
    let row =
        sqlx::query("select count(*), coalesce(min(at), 0) from login_failure where email = $1 and at > $2")
            .bind(email)
            .bind(since)
            .fetch_one(app.store.read())
            .await?;
    let (failures, first): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if failures < FAILURES_MAX {
        return Ok(());
    }
    let seconds = u32::try_from((first - since) / 1000 + 1).unwrap_or(1);
    let detail = "Too many wrong attempts for this address. Please wait some minutes.";
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(seconds))
}
