//! Pieces that were bought leave the cart. What was added in the meantime stays.

use axum::extract::State;
use service_kit::clock::now_ms;
use service_kit::event::{Event, SCHEMA};
use service_kit::{Json, Problem};

use crate::App;
use crate::cart::touch;

/// `POST /internal/events`
pub(crate) async fn event(State(app): State<App>, Json(event): Json<Event>) -> Result<(), Problem> {
    if event.schema > SCHEMA {
        return Err(Problem::invalid(
            "schema",
            format!("Events up to schema {SCHEMA} are known."),
        ));
    }
    if event.kind != "order.paid" || !event.order.from_cart {
        return Ok(());
    }
    let mut writing = app.store.begin().await?;
    let new = sqlx::query("insert into inbox values (?, ?) on conflict do nothing")
        .bind(event.id.to_string())
        .bind(now_ms())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if new == 0 {
        return Ok(());
    }
    let owner = &event.order.owner;
    touch(&mut writing, owner).await?;
    for line in &event.order.lines {
        sqlx::query("delete from line where owner = ? and sku = ? and quantity <= ?")
            .bind(owner)
            .bind(&line.sku)
            .bind(line.quantity)
            .execute(&mut *writing)
            .await?;
        sqlx::query("update line set quantity = quantity - ? where owner = ? and sku = ?")
            .bind(line.quantity)
            .bind(owner)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    app.store.commit(writing).await?;
    Ok(())
}
