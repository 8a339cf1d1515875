//! The addresses that a customer keeps.

use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::{Json, Problem};
use sqlx::Row as _;
use uuid::Uuid;

use crate::{App, session};

/// Addresses of one customer.
const ADDRESSES_MAX: i64 = 20;
const CHARS_MAX: usize = 120;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    name: String,
    street: String,
    postcode: String,
    city: String,
    country: String,
}

#[derive(Debug, Serialize)]
struct Kept {
    id: String,
    #[serde(flatten)]
    address: Address,
}

/// `GET /users/me/addresses`
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let (_, user) = session::of(&app, &headers).await?;
    let rows = sqlx::query(
        "select id, name, street, postcode, city, country from address where user_id = $1 order by id",
    )
    .bind(user.id.to_string())
    .fetch_all(app.store.read_for_caller())
    .await?;
    let mut addresses = Vec::with_capacity(rows.len());
    for row in &rows {
        let address = Address {
            name: row.try_get(1)?,
            street: row.try_get(2)?,
            postcode: row.try_get(3)?,
            city: row.try_get(4)?,
            country: row.try_get(5)?,
        };
        addresses.push(Kept {
            id: row.try_get(0)?,
            address,
        });
    }
    Ok(Json(json!({"addresses": addresses})))
}

/// `POST /users/me/addresses`
pub(crate) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Json(address): Json<Address>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (_, user) = session::of(&app, &headers).await?;
    let fields = [
        ("name", &address.name),
        ("street", &address.street),
        ("postcode", &address.postcode),
        ("city", &address.city),
        ("country", &address.country),
    ];
    for (field, text) in fields {
        let odd = text.chars().any(char::is_control);
        if odd || text.trim().is_empty() || text.chars().count() > CHARS_MAX {
            return Err(Problem::invalid(
                field,
                format!("It must have 1 to {CHARS_MAX} characters, on one line."),
            ));
        }
    }
    let id = Uuid::now_v7().to_string();
    let mut writing = app.store.begin().await?;
    let added = sqlx::query(
        "insert into address select $1, $2, $3, $4, $5, $6, $7 \
         where (select count(*) from address where user_id = $2) < $8",
    )
    .bind(&id)
    .bind(user.id.to_string())
    .bind(&address.name)
    .bind(&address.street)
    .bind(&address.postcode)
    .bind(&address.city)
    .bind(&address.country)
    .bind(ADDRESSES_MAX)
    .execute(&mut *writing)
    .await?
    .rows_affected();
    app.store.commit(writing).await?;
    if added == 0 {
        let detail = format!("At most {ADDRESSES_MAX} addresses can be kept. Please remove one.");
        return Err(Problem::new(StatusCode::CONFLICT, "too-many-addresses", detail));
    }
    Ok((StatusCode::CREATED, Json(json!(Kept { id, address }))))
}

/// `DELETE /users/me/addresses/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (_, user) = session::of(&app, &headers).await?;
    let mut writing = app.store.begin().await?;
    let removed = sqlx::query("delete from address where id = $1 and user_id = $2")
        .bind(&id)
        .bind(user.id.to_string())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    app.store.commit(writing).await?;
    if removed == 0 {
        Err(Problem::not_found("address"))
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}
