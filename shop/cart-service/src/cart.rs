//! A whole cart: read, shown with the catalogue's prices, dropped.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use service_kit::store::Connection;
use service_kit::{Json, Money, Problem};
use sqlx::Row as _;

use crate::App;

/// As customers see it.
#[derive(Debug, Serialize)]
pub(crate) struct Cart {
    version: i64,
    lines: Vec<Line>,
    pieces: i64,
    /// Absent while the catalogue does not answer.
    subtotal: Option<Money>,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    sku: String,
    name: String,
    quantity: i64,
    price: Money,
}

/// `GET /cart`
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    present(&app, &owner).await.map(Json)
}

/// `DELETE /cart`
pub(crate) async fn drop_all(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    let mut writing = app.store.begin().await?;
    let removed = sqlx::query("delete from line where owner = ?")
        .bind(&owner)
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if removed > 0 {
        touch(&mut writing, &owner).await?;
    }
    app.store.commit(writing).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The cart with today's prices. Products that the catalogue does not know any more are left out.
pub(crate) async fn present(app: &App, owner: &str) -> Result<Cart, Problem> {
    // One statement, so that version and lines belong together.
    let rows = sqlx::query(
        "select c.version, l.sku, l.quantity, l.name, l.minor, l.currency from cart as c \
         left join line as l on l.owner = c.owner where c.owner = ? order by l.place",
    )
    .bind(owner)
    .fetch_all(app.store.read())
    .await?;
    let version = rows.first().map_or(0, |row| row.get(0));
    let mut lines = Vec::new();
    for row in &rows {
        let Some(sku) = row.try_get::<Option<String>, _>(1)? else {
            continue;
        };
        let price = Money {
            minor: row.try_get(4)?,
            currency: row.try_get(5)?,
        };
        lines.push(Line {
            sku,
            name: row.try_get(3)?,
            quantity: row.try_get(2)?,
            price,
        });
    }
    let known = {
        let skus: Vec<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
        app.catalogue.look_up(&skus).await
    };
    let subtotal = match known {
        Ok(known) => {
            lines.retain_mut(|line| {
                let Some(product) = known.get(&line.sku) else {
                    return false;
                };
                line.name.clone_from(&product.name);
                line.price = product.price.clone();
                true
            });
            sum(&lines)
        }
        Err(error) => {
            tracing::warn!(%error, "a cart is shown with the prices of yesterday");
            None
        }
    };
    let pieces = lines.iter().map(|line| line.quantity).sum();
    Ok(Cart {
        version,
        lines,
        pieces,
        subtotal,
    })
}

/// At most 50 lines of 99 pieces of a million euros each: far below what an i64 holds.
fn sum(lines: &[Line]) -> Option<Money> {
    let currency = lines.first().map_or("EUR", |line| line.price.currency.as_str());
    let same = lines.iter().all(|line| line.price.currency == currency);
    let minor = lines
        .iter()
        .map(|line| line.price.minor.saturating_mul(line.quantity))
        .sum();
    same.then(|| Money::new(minor, currency))
}

/// One change more: a new version, which is returned.
pub(crate) async fn touch(writing: &mut Connection, owner: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "insert into cart values (?, 1, ?) on conflict (owner) do update set version = version + 1, \
         changed_at = excluded.changed_at returning version",
    )
    .bind(owner)
    .bind(service_kit::clock::now_ms())
    .fetch_one(writing)
    .await
}
