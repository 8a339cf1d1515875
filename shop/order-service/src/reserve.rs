//! Phase two: hold the pieces and write the order, or learn that there are too few. One transaction.

use http::StatusCode;
use serde_json::{Value, json};
use service_kit::Problem;
use service_kit::clock::now_ms;
use service_kit::store::Connection;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::App;
use crate::claim::{self, Answer, LEASE_MS};
use crate::order::{Contact, Line, Order};
use crate::price::Priced;

/// What became of it.
#[derive(Debug)]
pub(crate) enum Reserved {
    /// The pieces are held, the order is `pending`.
    Order(Box<Order>),
    /// Too few pieces; the answer is stored.
    Short(Answer),
}

/// Holds the pieces for a claimed key.
pub(crate) async fn reserve(
    app: &App,
    owner: &str,
    key: &str,
    priced: Priced,
    contact: &Contact,
    from_cart: bool,
) -> Result<Reserved, Problem> {
    let mut writing = app.store.begin().await?;
    let short = hold(&mut writing, &priced.lines).await?;
    if !short.is_empty() {
        // Held pieces of other lines go back with the transaction; the answer needs one of its own.
        writing.rollback().await?;
        let detail = "Some products are no longer available in this quantity. Nothing was ordered.";
        let problem = Problem::new(StatusCode::CONFLICT, "out-of-stock", detail).with("short", short);
        let answer = Answer::problem(&problem);
        app.store.write(claim::answering(owner, key, &answer)).await?;
        app.numbers.out_of_stock.inc();
        return Ok(Reserved::Short(answer));
    }
    let order = Order {
        id: Uuid::now_v7(),
        owner: owner.to_owned(),
        status: "pending".to_owned(),
        placed_at: now_ms(),
        email: contact.email.clone(),
        address: serde_json::to_value(&contact.address).map_err(Problem::internal)?,
        currency: priced.currency,
        subtotal: priced.total,
        shipping: 0,
        tax: priced.tax,
        total: priced.total,
        from_cart,
        charge: None,
        lines: priced.lines,
    };
    write(&mut writing, key, &order).await?;
    app.store.commit(writing).await?;
    app.numbers.started.inc();
    Ok(Reserved::Order(Box::new(order)))
}

/// Holds pieces line by line, in SKU order: the same order for everybody, so that no two can wait for each other on a
/// database that locks rows. The condition and the change are one statement: nobody can come between.
async fn hold(writing: &mut Connection, lines: &[Line]) -> Result<Vec<Value>, sqlx::Error> {
    let mut short = Vec::new();
    for line in lines {
        let held = sqlx::query(
            "update stock set reserved = reserved + $1 where sku = $2 and on_hand - reserved >= $1",
        )
        .bind(line.quantity)
        .bind(&line.sku)
        .execute(&mut *writing)
        .await?;
        if held.rows_affected() == 0 {
            let available: Option<i64> =
                sqlx::query_scalar("select on_hand - reserved from stock where sku = $1")
                    .bind(&line.sku)
                    .fetch_optional(&mut *writing)
                    .await?;
            short.push(json!({"sku": line.sku, "available": available.unwrap_or(0)}));
        }
    }
    Ok(short)
}

async fn write(writing: &mut Connection, key: &str, order: &Order) -> Result<(), Problem> {
    sqlx::query("insert into orders values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, null)")
        .bind(order.id.to_string())
        .bind(&order.owner)
        .bind(key)
        .bind(&order.status)
        .bind(order.placed_at)
        .bind(&order.email)
        .bind(order.address.to_string())
        .bind(&order.currency)
        .bind(order.subtotal)
        .bind(order.shipping)
        .bind(order.tax)
        .bind(order.total)
        .bind(i64::from(order.from_cart))
        .execute(&mut *writing)
        .await?;
    let id = order.id.to_string();
    let mut query = sqlx::query(AssertSqlSafe(insert_lines(order.lines.len()))).bind(&id);
    for (line, place) in order.lines.iter().zip(0_i64..) {
        query = query
            .bind(place)
            .bind(&line.sku)
            .bind(&line.name)
            .bind(line.quantity)
            .bind(line.price.minor);
    }
    query.execute(&mut *writing).await?;
    // Whoever lost the claim in the meantime (a process that stood still for longer than the lease) must not go on.
    let ours = sqlx::query(
        "update checkout set order_id = $1, locked_until = $2 where owner = $3 and key = $4 and order_id is null and status is null",
    )
    .bind(&id)
    .bind(order.placed_at + LEASE_MS)
    .bind(&order.owner)
    .bind(key)
    .execute(writing)
    .await?
    .rows_affected();
    if ours == 0 {
        return Err(claim::in_progress());
    }
    Ok(())
}

/// All lines of an order in one statement: `$1` is the order, then five values for each line.
fn insert_lines(lines: usize) -> String {
    let row = |line: usize| {
        let [place, sku, name, quantity, minor] = [2, 3, 4, 5, 6].map(|value| value + 5 * line);
        format!("($1, ${place}, ${sku}, ${name}, ${quantity}, ${minor})")
    };
    let rows: Vec<String> = (0..lines).map(row).collect();
    format!("insert into order_line values {}", rows.join(", "))
}
