//! One product, and the prices of several.

use axum::extract::{Path, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use service_kit::{Cached, Json, Money, Problem};

use crate::CACHE;
use crate::shelf::Shelf;

/// Products that can be asked for at once.
pub(crate) const PRICES_MAX: usize = 50;

/// A product as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) price: Money,
    pub(crate) facts: Vec<Fact>,
    pub(crate) revision: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// `GET /products/{sku}`
pub(crate) async fn one(
    State(shelf): State<Shelf>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let found = shelf
        .find(&sku)
        .await?
        .ok_or_else(|| Problem::not_found("product"))?;
    Cached::json(&headers, CACHE, &found)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    skus: Vec<String>,
}

/// `POST /prices`: those that exist, in the order asked.
pub(crate) async fn prices(
    State(shelf): State<Shelf>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Prices>, Problem> {
    if wanted.skus.len() > PRICES_MAX {
        return Err(Problem::invalid(
            "skus",
            format!("At most {PRICES_MAX} products at once."),
        ));
    }
    let found = shelf.several(&wanted.skus).await?;
    let asked = wanted.skus.iter();
    let products = asked
        .filter_map(|sku| found.iter().find(|product| product.sku == *sku).cloned())
        .collect();
    Ok(Json(Prices { products }))
}

#[derive(Debug, Serialize)]
pub(crate) struct Prices {
    products: Vec<Product>,
}
