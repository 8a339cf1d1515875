//! The lines of a cart: add, set, remove.

use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use service_kit::store::Connection;
use service_kit::{Json, Problem};
use sqlx::Row as _;

use crate::App;
use crate::cart::{Cart, present, touch};
use crate::catalogue::Product;

/// Lines of one cart.
pub(crate) const LINES_MAX: i64 = 50;
/// Pieces of one line.
pub(crate) const PIECES_MAX: i64 = 99;

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    sku: String,
    quantity: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Quantity {
    quantity: i64,
}

/// `POST /cart/items`
pub(crate) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    check(wanted.quantity, 1)?;
    let product = product(&app, &wanted.sku).await?;
    let mut writing = app.store.begin().await?;
    touch(&mut writing, &owner).await?;
    let there = quantity(&mut writing, &owner, &wanted.sku).await?;
    put(
        &mut writing,
        &owner,
        &product,
        there.saturating_add(wanted.quantity).min(PIECES_MAX),
    )
    .await?;
    app.store.commit(writing).await?;
    app.adds.inc();
    present(&app, &owner).await.map(Json)
}

/// `PUT /cart/items/{sku}`
pub(crate) async fn set(
    State(app): State<App>,
    headers: HeaderMap,
    Path(sku): Path<String>,
    Json(wanted): Json<Quantity>,
) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    check(wanted.quantity, 0)?;
    let expected = expected_version(&headers)?;
    let product = if wanted.quantity == 0 {
        None
    } else {
        Some(product(&app, &sku).await?)
    };
    let mut writing = app.store.begin().await?;
    if let Some(expected) = expected {
        let version: Option<i64> = sqlx::query_scalar("select version from cart where owner = ?")
            .bind(&owner)
            .fetch_optional(&mut *writing)
            .await?;
        if version.unwrap_or(0) != expected {
            let detail = "The cart has been changed in the meantime. Please look at it again.";
            return Err(Problem::new(StatusCode::CONFLICT, "changed", detail));
        }
    }
    touch(&mut writing, &owner).await?;
    match product {
        Some(product) => put(&mut writing, &owner, &product, wanted.quantity.min(PIECES_MAX)).await?,
        None => delete(&mut writing, &owner, &sku).await?,
    }
    app.store.commit(writing).await?;
    present(&app, &owner).await.map(Json)
}

/// `DELETE /cart/items/{sku}`
pub(crate) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path(sku): Path<String>,
) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    let mut writing = app.store.begin().await?;
    touch(&mut writing, &owner).await?;
    delete(&mut writing, &owner, &sku).await?;
    app.store.commit(writing).await?;
    present(&app, &owner).await.map(Json)
}

fn check(quantity: i64, least: i64) -> Result<(), Problem> {
    // More than a line may hold is cut, as the contract says; nonsense is refused.
    if (least..=1_000_000).contains(&quantity) {
        return Ok(());
    }
    Err(Problem::invalid(
        "quantity",
        format!("The quantity must be a number from {least} to {PIECES_MAX}."),
    ))
}

fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim_matches('"');
    text.parse()
        .map(Some)
        .map_err(|_| Problem::malformed("If-Match must be the version of the cart."))
}

async fn product(app: &App, sku: &str) -> Result<Product, Problem> {
    let found = app.catalogue.look_up(&[sku]).await?.remove(sku);
    found.ok_or_else(|| Problem::not_found("product"))
}

pub(crate) async fn quantity(writing: &mut Connection, owner: &str, sku: &str) -> Result<i64, sqlx::Error> {
    let query = sqlx::query("select quantity from line where owner = ? and sku = ?")
        .bind(owner)
        .bind(sku);
    Ok(query.fetch_optional(writing).await?.map_or(0, |row| row.get(0)))
}

/// Sets a line; refuses a new one when the cart is full.
pub(crate) async fn put(
    writing: &mut Connection,
    owner: &str,
    product: &Product,
    quantity: i64,
) -> Result<(), Problem> {
    let changed = sqlx::query(
        "update line set quantity = ?, name = ?, minor = ?, currency = ? where owner = ? and sku = ?",
    )
    .bind(quantity)
    .bind(&product.name)
    .bind(product.price.minor)
    .bind(&product.price.currency)
    .bind(owner)
    .bind(&product.sku)
    .execute(&mut *writing)
    .await?
    .rows_affected();
    if changed > 0 {
        return Ok(());
    }
    let added = sqlx::query(
        "insert into line select ?, ?, ?, ?, ?, ?, coalesce((select max(place) from line where owner = ?), 0) + 1 \
         where (select count(*) from line where owner = ?) < ?",
    )
    .bind(owner)
    .bind(&product.sku)
    .bind(quantity)
    .bind(&product.name)
    .bind(product.price.minor)
    .bind(&product.price.currency)
    .bind(owner)
    .bind(owner)
    .bind(LINES_MAX)
    .execute(&mut *writing)
    .await?
    .rows_affected();
    if added == 0 {
        return Err(Problem::invalid(
            "sku",
            format!("A cart holds at most {LINES_MAX} different products."),
        ));
    }
    Ok(())
}

async fn delete(writing: &mut Connection, owner: &str, sku: &str) -> Result<(), sqlx::Error> {
    sqlx::query("delete from line where owner = ? and sku = ?")
        .bind(owner)
        .bind(sku)
        .execute(writing)
        .await?;
    Ok(())
}
