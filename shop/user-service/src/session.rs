//! Sessions: a row for each, and a signed token that names it.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::auth::Claims;
use service_kit::clock::{now_ms, rfc3339};
use service_kit::store::Connection;
use service_kit::{Json, Problem};
use sqlx::Row as _;
use uuid::Uuid;

use crate::App;

/// How long a token is taken.
const TOKEN_MS: i64 = 12 * 3600 * 1000;

/// An account as its owner sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) created_at: String,
}

/// A new session of this user.
pub(crate) async fn begin(writing: &mut Connection, app: &App, user: &User) -> Result<Value, Problem> {
    let sid = Uuid::now_v7();
    let now = now_ms();
    sqlx::query("insert into session values ($1, $2, $3, $4)")
        .bind(sid.to_string())
        .bind(user.id.to_string())
        .bind(now)
        .bind(now + TOKEN_MS)
        .execute(writing)
        .await?;
    document(app, user, sid, now)
}

fn document(app: &App, user: &User, sid: Uuid, now: i64) -> Result<Value, Problem> {
    let expires = now + TOKEN_MS;
    let claims = Claims {
        sub: user.id,
        sid,
        name: user.name.clone(),
        iat: now / 1000,
        exp: expires / 1000,
    };
    let token = app.sessions.sign(&claims)?;
    Ok(json!({"token": token, "expires_at": rfc3339(expires), "user": user}))
}

/// Who asks, by a token whose session is still there; and the account.
pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<(Claims, User), Problem> {
    let claims = app.sessions.customer(headers)?;
    let row = sqlx::query(
        "select u.id, u.name, u.email, u.created_at from session as s join users as u on u.id = s.user_id \
         where s.sid = $1 and s.user_id = $2 and s.expires_at > $3",
    )
    .bind(claims.sid.to_string())
    .bind(claims.sub.to_string())
    .bind(now_ms())
    .fetch_optional(app.store.read())
    .await?;
    let row = row.ok_or_else(|| Problem::unauthenticated("Please log in again."))?;
    Ok((claims, read(&row)?))
}

pub(crate) fn read(row: &service_kit::store::Row) -> Result<User, sqlx::Error> {
    let id: String = row.try_get(0)?;
    Ok(User {
        id: Uuid::parse_str(&id).map_err(|cause| sqlx::Error::Decode(cause.into()))?,
        name: row.try_get(1)?,
        email: row.try_get(2)?,
        created_at: rfc3339(row.try_get(3)?),
    })
}

/// `POST /sessions/refresh`
pub(crate) async fn refresh(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (claims, user) = of(&app, &headers).await?;
    let now = now_ms();
    let mut writing = app.store.begin().await?;
    sqlx::query("update session set expires_at = $1 where sid = $2")
        .bind(now + TOKEN_MS)
        .bind(claims.sid.to_string())
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await?;
    Ok((StatusCode::CREATED, Json(document(&app, &user, claims.sid, now)?)))
}

/// `DELETE /sessions/current`
pub(crate) async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let (claims, _) = of(&app, &headers).await?;
    let mut writing = app.store.begin().await?;
    end(&mut writing, &app, claims.sid).await?;
    app.store.commit(writing).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session, here and (by the list of ended ones) everywhere.
pub(crate) async fn end(writing: &mut Connection, app: &App, sid: Uuid) -> Result<(), sqlx::Error> {
    let expires: Option<i64> = sqlx::query_scalar("delete from session where sid = $1 returning expires_at")
        .bind(sid.to_string())
        .fetch_optional(&mut *writing)
        .await?;
    let Some(expires) = expires else { return Ok(()) };
    // Those who follow the list ask for what is above the last number they saw.
    app.store.in_order(writing).await?;
    sqlx::query("insert into ended (sid, expires_at) values ($1, $2)")
        .bind(sid.to_string())
        .bind(expires)
        .execute(writing)
        .await?;
    app.sessions.end(sid, expires);
    Ok(())
}
