//! An account: made, shown, renamed, given another password.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use service_kit::clock::{now_ms, rfc3339};
use service_kit::{Json, Problem};
use sqlx::Row as _;
use uuid::Uuid;

use crate::App;
use crate::login;
use crate::password::Passwords;
use crate::session::{self, User};

const NAME_CHARS_MAX: usize = 120;
/// RFC 5321: longest address.
const EMAIL_BYTES_MAX: usize = 254;

#[derive(Debug, Deserialize)]
pub(crate) struct New {
    name: String,
    email: String,
    password: String,
}

/// `POST /users`
pub(crate) async fn sign_up(
    State(app): State<App>,
    Json(new): Json<New>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let name = check_name(&new.name)?;
    let email = check_email(&new.email)?;
    Passwords::check_form("password", &new.password)?;
    let hash = app.passwords.hash(new.password).await?;
    let now = now_ms();
    let user = User {
        id: Uuid::now_v7(),
        name,
        email,
        created_at: rfc3339(now),
    };
    let mut writing = app.store.begin().await?;
    let added = sqlx::query("insert into users values ($1, $2, $3, $4, $5) on conflict (email) do nothing")
        .bind(user.id.to_string())
        .bind(&user.email)
        .bind(&user.name)
        .bind(hash)
        .bind(now)
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if added == 0 {
        let detail = "There is an account with this e-mail address already.";
        return Err(Problem::new(StatusCode::CONFLICT, "email-taken", detail).at("email"));
    }
    let session = session::begin(&mut writing, &app, &user).await?;
    app.store.commit(writing).await?;
    app.signups.inc();
    Ok((StatusCode::CREATED, Json(session)))
}

/// `GET /users/me`
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Json<User>, Problem> {
    Ok(Json(session::of(&app, &headers).await?.1))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    name: String,
}

/// `PATCH /users/me`
pub(crate) async fn rename(
    State(app): State<App>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Json<User>, Problem> {
    let (_, mut user) = session::of(&app, &headers).await?;
    user.name = check_name(&change.name)?;
    let mut writing = app.store.begin().await?;
    sqlx::query("update users set name = $1 where id = $2")
        .bind(&user.name)
        .bind(user.id.to_string())
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await?;
    Ok(Json(user))
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewPassword {
    current: String,
    new: String,
}

/// `POST /users/me/password`: all other sessions end.
pub(crate) async fn change_password(
    State(app): State<App>,
    headers: HeaderMap,
    Json(change): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    let (claims, user) = session::of(&app, &headers).await?;
    Passwords::check_form("new", &change.new)?;
    // Whoever found an open session must not have more guesses than at the door.
    login::check_failures(&app, &user.email).await?;
    let stored: Option<String> = sqlx::query_scalar("select password from users where id = $1")
        .bind(user.id.to_string())
        .fetch_optional(app.store.read())
        .await?;
    if !app.passwords.fits(stored, change.current).await? {
        login::note_failure(&app, &user.email).await?;
        return Err(login::wrong().at("current"));
    }
    let hash = app.passwords.hash(change.new).await?;
    let mut writing = app.store.begin().await?;
    sqlx::query("update users set password = $1 where id = $2")
        .bind(hash)
        .bind(user.id.to_string())
        .execute(&mut *writing)
        .await?;
    let others = sqlx::query("select sid from session where user_id = $1 and sid <> $2")
        .bind(user.id.to_string())
        .bind(claims.sid.to_string())
        .fetch_all(&mut *writing)
        .await?;
    for row in others {
        let sid: String = row.try_get(0)?;
        if let Ok(sid) = Uuid::parse_str(&sid) {
            session::end(&mut writing, &app, sid).await?;
        }
    }
    app.store.commit(writing).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "name",
            format!("A name has 1 to {NAME_CHARS_MAX} characters."),
        ));
    }
    Ok(name.to_owned())
}

/// Lower case, so that one person is one account. Whether it exists shows only a message sent there.
fn check_email(email: &str) -> Result<String, Problem> {
    let email = email.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@').unwrap_or_default();
    let fine =
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',');
    if fine && email.len() <= EMAIL_BYTES_MAX && !email.chars().any(odd) && !local.contains('@') {
        return Ok(email);
    }
    Err(Problem::invalid("email", "It must be an e-mail address."))
}
