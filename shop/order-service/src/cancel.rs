//! `POST /orders/{id}/cancel`: a pending order ends, a paid one is refunded and its pieces go back.

use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use service_kit::{Json, Problem};

use crate::order::owned;
use crate::{App, settle};

/// Repeating it gives the same answer.
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    let mut writing = app.store.begin().await?;
    let mut order = owned(&mut writing, &owner, &id).await?;
    match order.status.as_str() {
        "cancelled" => return Ok(Json(order.document())),
        "pending" => {
            // Settling takes its own transaction; if the charge comes in between, it is found paid there.
            drop(writing);
            let detail = "The order was cancelled. Nothing was charged.";
            order = settle::unpaid(&app, order.id, "cancelled", detail).await?.order;
            if order.status == "cancelled" {
                return Ok(Json(order.document()));
            }
            let detail = "The order has just been settled. Please look at it again.";
            return Err(Problem::new(StatusCode::CONFLICT, "not-possible", detail));
        }
        "paid" => {}
        _ => {
            let detail = "This order cannot be cancelled.";
            return Err(Problem::new(StatusCode::CONFLICT, "not-possible", detail));
        }
    }
    let ours = sqlx::query("update orders set status = 'cancelled' where id = $1 and status = 'paid'")
        .bind(order.id.to_string())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if ours == 0 {
        // Somebody else cancelled it between our look and now.
        return Ok(Json(owned(&mut writing, &owner, &id).await?.document()));
    }
    for line in settle::in_sku_order(&order) {
        sqlx::query("update stock set on_hand = on_hand + $1 where sku = $2")
            .bind(line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    "cancelled".clone_into(&mut order.status);
    if let Some(charge) = &order.charge {
        settle::give_back(&mut writing, order.id, charge).await?;
    }
    settle::tell(&mut writing, &order, "order.cancelled").await?;
    app.store.commit(writing).await?;
    Ok(Json(order.document()))
}
