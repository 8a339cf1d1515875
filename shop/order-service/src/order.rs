//! An order: read, shown, listed. Only its owner ever sees it.

use axum::extract::{Path, State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::clock::rfc3339;
use service_kit::store::Connection;
use service_kit::store::Row;
use service_kit::{Json, Money, Problem, Query};
use sqlx::Row as _;
use uuid::Uuid;

use crate::App;
use crate::address::Address;

const LIMIT_DEFAULT: i64 = 20;
const LIMIT_MAX: i64 = 50;

/// One product of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price: Money,
}

/// As its owner sees it, with what only we need beside it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) status: String,
    pub(crate) placed_at: i64,
    pub(crate) email: String,
    pub(crate) address: Value,
    pub(crate) currency: String,
    pub(crate) subtotal: i64,
    pub(crate) shipping: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
    pub(crate) from_cart: bool,
    pub(crate) charge: Option<String>,
    pub(crate) lines: Vec<Line>,
}

/// What a new order needs beside its prices.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) email: String,
    pub(crate) address: Address,
}

/// The columns that [`read`] takes, in its order.
macro_rules! columns {
    () => {
        "id, owner, status, placed_at, email, address, currency, subtotal, shipping, tax, total, from_cart, charge"
    };
}

impl Order {
    pub(crate) fn document(&self) -> Value {
        let money = |minor| Money::new(minor, &self.currency);
        json!({
            "id": self.id,
            "status": self.status,
            "placed_at": rfc3339(self.placed_at),
            "lines": self.lines,
            "subtotal": money(self.subtotal),
            "shipping": money(self.shipping),
            "tax": money(self.tax),
            "total": money(self.total),
            "address": self.address,
            "email": self.email,
        })
    }
}

fn read(row: &Row) -> Result<Order, sqlx::Error> {
    let (id, address): (String, String) = (row.try_get(0)?, row.try_get(5)?);
    Ok(Order {
        id: Uuid::parse_str(&id).map_err(|cause| sqlx::Error::Decode(cause.into()))?,
        owner: row.try_get(1)?,
        status: row.try_get(2)?,
        placed_at: row.try_get(3)?,
        email: row.try_get(4)?,
        address: serde_json::from_str(&address).unwrap_or_default(),
        currency: row.try_get(6)?,
        subtotal: row.try_get(7)?,
        shipping: row.try_get(8)?,
        tax: row.try_get(9)?,
        total: row.try_get(10)?,
        from_cart: row.try_get::<i64, _>(11)? != 0,
        charge: row.try_get(12)?,
        lines: Vec::new(),
    })
}

/// An order with its lines.
pub(crate) async fn find(connection: &mut Connection, id: Uuid) -> Result<Option<Order>, sqlx::Error> {
    let query =
        sqlx::query(concat!("select ", columns!(), " from orders where id = $1")).bind(id.to_string());
    let Some(row) = query.fetch_optional(&mut *connection).await? else {
        return Ok(None);
    };
    let mut order = read(&row)?;
    add_lines(connection, &mut order).await?;
    Ok(Some(order))
}

async fn add_lines(connection: &mut Connection, order: &mut Order) -> Result<(), sqlx::Error> {
    let rows =
        sqlx::query("select sku, name, quantity, minor from order_line where order_id = $1 order by place")
            .bind(order.id.to_string())
            .fetch_all(connection)
            .await?;
    for row in rows {
        let price = Money::new(row.try_get(3)?, &order.currency);
        order.lines.push(Line {
            sku: row.try_get(0)?,
            name: row.try_get(1)?,
            quantity: row.try_get(2)?,
            price,
        });
    }
    Ok(())
}

/// `GET /orders/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    let mut reading = app.store.read_for_caller().acquire().await?;
    Ok(Json(owned(&mut reading, &owner, &id).await?.document()))
}

/// The order if it is this owner's; anything else does not exist for them.
pub(crate) async fn owned(connection: &mut Connection, owner: &str, id: &str) -> Result<Order, Problem> {
    let id = Uuid::parse_str(id).map_err(|_| Problem::not_found("order"))?;
    let found = find(connection, id).await?.filter(|order| order.owner == owner);
    found.ok_or_else(|| Problem::not_found("order"))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    limit: Option<i64>,
    #[serde(default)]
    cursor: String,
}

/// `GET /orders`
pub(crate) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(
            "limit",
            format!("The limit must be a number from 1 to {LIMIT_MAX}."),
        ));
    }
    // Ids grow with time; `~` is above all of them.
    let before = if page.cursor.is_empty() {
        "~"
    } else {
        page.cursor.as_str()
    };
    let mut reading = app.store.read_for_caller().acquire().await?;
    let query = sqlx::query(concat!(
        "select ",
        columns!(),
        " from orders where owner = $1 and id < $2 order by id desc limit $3"
    ));
    let rows = query
        .bind(&owner)
        .bind(before)
        .bind(limit + 1)
        .fetch_all(&mut *reading)
        .await?;
    let shown = usize::try_from(limit).unwrap_or(0);
    let mut orders = rows.iter().take(shown).map(read).collect::<Result<Vec<_>, _>>()?;
    for order in &mut orders {
        add_lines(&mut reading, order).await?;
    }
    let next = if rows.len() > shown {
        orders.last().map(|order| order.id)
    } else {
        None
    };
    let documents: Vec<Value> = orders.iter().map(Order::document).collect();
    Ok(Json(json!({"orders": documents, "next": next})))
}
