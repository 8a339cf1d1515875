//! A whole cart: shown with the catalogue's prices, dropped.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use service_kit::{Json, Money, Problem};

use crate::App;
use crate::kept::Change;

/// As customers see it.
#[derive(Debug, Serialize)]
pub(crate) struct Cart {
    version: i64,
    lines: Vec<Line>,
    pieces: i64,
    /// Absent while the catalogue does not answer.
    subtotal: Option<Money>,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    sku: String,
    name: String,
    quantity: i64,
    price: Money,
}

/// `GET /cart`
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Json<Cart>, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    present(&app, &owner).await.map(Json)
}

/// `DELETE /cart`
pub(crate) async fn drop_all(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let owner = app.sessions.caller(&headers)?.owner();
    app.kept.change(&owner, &Change::Drop, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The cart with today's prices. Products that the catalogue does not know any more are left out.
pub(crate) async fn present(app: &App, owner: &str) -> Result<Cart, Problem> {
    let content = app.kept.content(owner).await?;
    let mut lines: Vec<Line> = content
        .lines
        .into_iter()
        .map(|line| Line {
            sku: line.product.sku,
            name: line.product.name,
            quantity: line.quantity,
            price: line.product.price,
        })
        .collect();
    let known = {
        let skus: Vec<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
        app.catalogue.look_up(&skus).await
    };
    let subtotal = match known {
        Ok(known) => {
            lines.retain_mut(|line| {
                let Some(product) = known.get(&line.sku) else {
                    return false;
                };
                line.name.clone_from(&product.name);
                line.price = product.price.clone();
                true
            });
            sum(&lines)
        }
        Err(error) => {
            tracing::warn!(%error, "a cart is shown with the prices of yesterday");
            None
        }
    };
    let pieces = lines.iter().map(|line| line.quantity).sum();
    Ok(Cart {
        version: content.version,
        lines,
        pieces,
        subtotal,
    })
}

/// At most 50 lines of 99 pieces of a million euros each: far below what an i64 holds.
fn sum(lines: &[Line]) -> Option<Money> {
    let currency = lines.first().map_or("EUR", |line| line.price.currency.as_str());
    let same = lines.iter().all(|line| line.price.currency == currency);
    let minor = lines
        .iter()
        .map(|line| line.price.minor.saturating_mul(line.quantity))
        .sum();
    same.then(|| Money::new(minor, currency))
}
