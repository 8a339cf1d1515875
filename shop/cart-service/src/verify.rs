//! What the carts can prove: none is beyond the limits.

use axum::extract::State;
use serde_json::{Value, json};
use service_kit::{Json, Problem};

use crate::App;

/// `GET /verify`
pub(crate) async fn own(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let found = app.kept.verify().await?;
    let violations: Vec<Value> = found
        .wrong
        .iter()
        // The owner is a key to the cart, so it is not shown whole.
        .map(|(owner, lines)| {
            let subject: String = owner.chars().take(10).collect();
            json!({"rule": "lines-max", "subject": subject, "detail": format!("{lines} lines")})
        })
        .collect();
    let counts = json!({"carts": found.carts, "pieces": found.pieces});
    Ok(Json(
        json!({"service": "cart-service", "violations": violations, "counts": counts}),
    ))
}
