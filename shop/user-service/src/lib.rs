//! Accounts, sessions, addresses: component authentication.

mod account;
mod address;
mod ended;
mod login;
mod password;
mod session;

use axum::routing::{delete, get, post};
use service_kit::auth::Sessions;
use service_kit::metrics::{Counter, Family};
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::store::Store;
use service_kit::{Definition, Kit, Parts, SchemaRange, StartError};

use crate::password::Passwords;

/// The service.
pub struct Users;

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "accounts, sessions, addresses",
    sql: include_str!("../migrations/0001.sql"),
    postgres: Some(include_str!("../migrations/postgres/0001.sql")),
    floor: 0,
}];

#[derive(Clone)]
struct App {
    store: Store,
    sessions: Sessions,
    passwords: Passwords,
    logins: Family<Counter>,
    signups: Counter,
}

impl Definition for Users {
    const NAME: &'static str = "user-service";
    const PORT: u16 = 3001;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "DATABASE_URL",
        elsewhere: &[],
        synchronous: false,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let metrics = kit.metrics();
        let app = App {
            store: kit.store()?,
            sessions: Sessions::of(&kit)?,
            passwords: Passwords::of(kit.settings())?,
            logins: metrics.counter("shop_logins_total", "Attempts to log in.", &["result"]),
            signups: metrics
                .counter("shop_signups_total", "New accounts.", &[])
                .with(&[]),
        };
        let public = kit
            .router()
            .route("/users", post(account::sign_up))
            .route("/users/me", get(account::show).patch(account::rename))
            .route("/users/me/password", post(account::change_password))
            .route("/users/me/addresses", get(address::list).post(address::add))
            .route("/users/me/addresses/{id}", delete(address::remove))
            .route("/sessions", post(login::log_in))
            .route("/sessions/refresh", post(session::refresh))
            .route("/sessions/current", delete(session::log_out))
            .route("/internal/sessions/ended", get(ended::since))
            .with_state(app.clone());
        Ok(Parts::of(public).beside(ended::forget(app)))
    }
}
