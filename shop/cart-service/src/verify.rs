//! What the carts can prove: no line without a cart, none beyond the limits.

use axum::extract::State;
use serde_json::{Value, json};
use service_kit::{Json, Problem};
use sqlx::Row as _;

use crate::App;
use crate::item::LINES_MAX;

/// `GET /verify`
pub(crate) async fn own(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let rows = sqlx::query("select owner, count(*) from line group by owner having count(*) > ? limit 100")
        .bind(LINES_MAX)
        .fetch_all(app.store.read())
        .await?;
    let violations: Vec<Value> = rows
        .iter()
        // The owner is a key to the cart, so it is not shown whole.
        .map(|row| {
            let (owner, lines): (String, i64) = (row.get(0), row.get(1));
            let subject: String = owner.chars().take(10).collect();
            json!({"rule": "lines-max", "subject": subject, "detail": format!("{lines} lines")})
        })
        .collect();
    let carts: i64 = sqlx::query_scalar("select count(*) from cart")
        .fetch_one(app.store.read())
        .await?;
    let pieces: i64 = sqlx::query_scalar("select coalesce(sum(quantity), 0) from line")
        .fetch_one(app.store.read())
        .await?;
    let counts = json!({"carts": carts, "pieces": pieces});
    Ok(Json(
        json!({"service": "cart-service", "violations": violations, "counts": counts}),
    ))
}
