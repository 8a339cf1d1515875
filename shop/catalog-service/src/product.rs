//! One product, and the prices of several.

use axum::extract::{Path, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::store::Row;
use service_kit::store::Store;
use service_kit::{Cached, Json, Money, Problem};
use sqlx::Row as _;

use crate::CACHE;

/// Products that can be asked for at once.
const PRICES_MAX: usize = 50;

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

/// The columns that [`read`] takes, in its order.
macro_rules! columns {
    () => {
        "sku, name, description, category, minor, currency, facts, revision"
    };
}
pub(crate) use columns;

pub(crate) fn read(row: &Row) -> Result<Product, sqlx::Error> {
    let facts: String = row.try_get(6)?;
    Ok(Product {
        sku: row.try_get(0)?,
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        category: row.try_get(3)?,
        price: Money {
            minor: row.try_get(4)?,
            currency: row.try_get(5)?,
        },
        facts: serde_json::from_str(&facts).unwrap_or_default(),
        revision: row.try_get(7)?,
    })
}

/// Whether it has the form of a SKU.
pub(crate) fn is_sku(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(fine)
}

pub(crate) async fn find(store: &Store, sku: &str) -> Result<Option<Product>, sqlx::Error> {
    let query = sqlx::query(concat!("select ", columns!(), " from product where sku = ?"));
    let row = query.bind(sku).fetch_optional(store.read()).await?;
    row.as_ref().map(read).transpose()
}

/// `GET /products/{sku}`
pub(crate) async fn one(
    State(store): State<Store>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let found = find(&store, &sku)
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
    State(store): State<Store>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Problem> {
    if wanted.skus.len() > PRICES_MAX {
        return Err(Problem::invalid(
            "skus",
            format!("At most {PRICES_MAX} products at once."),
        ));
    }
    let list = serde_json::to_string(&wanted.skus).map_err(Problem::internal)?;
    // One statement for all of them: json_each keeps the number of placeholders, and so of prepared statements, at one.
    let query = sqlx::query(concat!(
        "select ",
        "p.sku, p.name, p.description, p.category, p.minor, p.currency, p.facts, p.revision",
        " from json_each(?) as asked join product as p on p.sku = asked.value order by asked.key",
    ));
    let rows = query.bind(list).fetch_all(store.read()).await?;
    let products = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({"products": products})))
}
