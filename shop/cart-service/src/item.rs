//! The lines of a cart: add, set, remove.

use axum::extract::{Path, State};
use http::{HeaderMap, header};
use serde::Deserialize;
use service_kit::{Json, Problem, is_sku};

use crate::App;
use crate::cart::{Cart, present};
use crate::catalogue::Product;
use crate::kept::Change;

/// Lines of one cart.
pub(crate) const LINES_MAX: i64 = 50;
/// Pieces of one line.
pub(crate) const PIECES_MAX: i64 = 99;

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    sku: String,
    #[serde(deserialize_with = "service_kit::whole")]
    quantity: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Quantity {
    #[serde(deserialize_with = "service_kit::whole")]
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
    let change = Change::Add(product(&app, &wanted.sku).await?, wanted.quantity);
    app.kept.change(&owner, &change, None).await?;
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
    check_sku(&sku)?;
    check(wanted.quantity, 0)?;
    let expected = expected_version(&headers)?;
    let change = if wanted.quantity == 0 {
        Change::Remove(sku)
    } else {
        Change::Set(product(&app, &sku).await?, wanted.quantity)
    };
    app.kept.change(&owner, &change, expected).await?;
    present(&app, &owner).await.map(Json)
}

/// `DELETE /cart/items/{sku}`
pub(crate) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path(sku): Path<String>,
) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    check_sku(&sku)?;
    app.kept.change(&owner, &Change::Remove(sku), None).await?;
    present(&app, &owner).await.map(Json)
}

fn check_sku(sku: &str) -> Result<(), Problem> {
    if is_sku(sku) {
        return Ok(());
    }
    Err(Problem::invalid(
        "sku",
        "A SKU has 1 to 32 of A-Z, 0-9 and dashes.",
    ))
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
