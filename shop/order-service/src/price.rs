//! What is bought and what it costs: always by the catalogue, never by the caller.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use service_kit::client::Reply;
use service_kit::{Money, Problem};

use crate::App;
use crate::order::Line;

/// Lines of an order.
pub(crate) const LINES_MAX: usize = 50;
/// Pieces of a line.
pub(crate) const PIECES_MAX: i64 = 99;
/// How long catalogue and cart may take, each.
const DEADLINE: Duration = Duration::from_millis(1500);
/// Prices contain this tax, in percent.
const TAX_PERCENT: i64 = 19;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) sku: String,
    #[serde(deserialize_with = "service_kit::whole")]
    pub(crate) quantity: i64,
}

/// Lines in SKU order, and their sum.
#[derive(Debug, Clone)]
pub(crate) struct Priced {
    pub(crate) lines: Vec<Line>,
    pub(crate) currency: String,
    pub(crate) total: i64,
    /// The part of the total that is tax.
    pub(crate) tax: i64,
}

#[derive(Debug, Deserialize)]
struct Products {
    products: Vec<Product>,
}

#[derive(Debug, Deserialize)]
struct Product {
    sku: String,
    name: String,
    price: Money,
}

#[derive(Debug, Deserialize)]
struct Cart {
    lines: Vec<Wanted>,
}

/// What the caller's cart holds.
pub(crate) async fn of_cart(app: &App, headers: &HeaderMap) -> Result<Vec<Wanted>, Problem> {
    let call = app
        .cart
        .get("/cart")
        .pass(headers, "authorization")
        .pass(headers, "x-cart-id")
        .deadline(DEADLINE);
    let reply = call
        .send()
        .await
        .and_then(Reply::success)
        .map_err(|error| away(&error))?;
    let cart: Cart = reply.json().map_err(|error| away(&error))?;
    if cart.lines.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "empty-cart",
            "The cart is empty.",
        ));
    }
    Ok(cart.lines)
}

/// One line for each product, whatever was asked twice; refuses nonsense.
pub(crate) fn merge(wanted: &[Wanted]) -> Result<BTreeMap<String, i64>, Problem> {
    if wanted.is_empty() {
        return Err(Problem::invalid("lines", "There must be at least one line."));
    }
    if wanted.len() > LINES_MAX {
        return Err(Problem::invalid(
            "lines",
            format!("An order has at most {LINES_MAX} lines."),
        ));
    }
    let mut merged = BTreeMap::new();
    for (place, line) in wanted.iter().enumerate() {
        let field = format!("lines[{place}].quantity");
        if !(1..=PIECES_MAX).contains(&line.quantity) {
            return Err(Problem::invalid(
                field,
                format!("The quantity must be a number from 1 to {PIECES_MAX}."),
            ));
        }
        let pieces: &mut i64 = merged.entry(line.sku.clone()).or_default();
        *pieces += line.quantity;
        if *pieces > PIECES_MAX {
            return Err(Problem::invalid(
                field,
                format!("At most {PIECES_MAX} pieces of one product."),
            ));
        }
    }
    Ok(merged)
}

/// Asks the catalogue for names and prices.
pub(crate) async fn price(app: &App, wanted: BTreeMap<String, i64>) -> Result<Priced, Problem> {
    let skus: Vec<&String> = wanted.keys().collect();
    let call = app
        .catalog
        .call(Method::POST, "/prices")
        .json(&json!({"skus": skus}))
        .repeatable()
        .deadline(DEADLINE);
    let answer: Products = call
        .send()
        .await
        .and_then(Reply::success)
        .map_err(|error| away(&error))?
        .json()
        .map_err(|error| away(&error))?;
    let mut known: HashMap<String, Product> = answer
        .products
        .into_iter()
        .map(|product| (product.sku.clone(), product))
        .collect();
    let mut lines = Vec::with_capacity(wanted.len());
    for (sku, quantity) in wanted {
        let Some(product) = known.remove(&sku) else {
            let detail = format!("The product {sku} is not sold any more.");
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-product", detail);
            return Err(problem.with("sku", sku));
        };
        lines.push(Line {
            sku,
            name: product.name,
            quantity,
            price: product.price,
        });
    }
    sum(lines)
}

fn sum(lines: Vec<Line>) -> Result<Priced, Problem> {
    let currency = lines
        .first()
        .map_or("EUR", |line| line.price.currency.as_str())
        .to_owned();
    if lines
        .iter()
        .any(|line| line.price.currency != currency || line.price.minor < 0)
    {
        return Err(Problem::internal(
            "the catalogue gave prices that cannot be added",
        ));
    }
    let total = lines
        .iter()
        .try_fold(0_i64, |sum, line| {
            sum.checked_add(line.price.minor.checked_mul(line.quantity)?)
        })
        .ok_or_else(|| Problem::internal("a total beyond all bounds"))?;
    if total == 0 {
        return Err(Problem::invalid("lines", "There is nothing to pay for."));
    }
    // Contained tax, rounded to the nearest cent.
    let hundred_more = 100 + TAX_PERCENT;
    let tax = (total.saturating_mul(TAX_PERCENT) + hundred_more / 2) / hundred_more;
    Ok(Priced {
        lines,
        currency,
        total,
        tax,
    })
}

/// Nothing has happened yet, so it is safe to send the same again.
fn away(error: &service_kit::client::CallError) -> Problem {
    tracing::warn!(%error, "a checkout cannot go on");
    Problem::unavailable("The shop is busy. Nothing was ordered; please try again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sku: &str, quantity: i64) -> Wanted {
        Wanted {
            sku: sku.to_owned(),
            quantity,
        }
    }

    #[test]
    fn lines_are_merged_sorted_and_bounded() {
        let merged = merge(&[line("B", 2), line("A", 1), line("B", 3)]).unwrap();
        assert_eq!(
            merged.into_iter().collect::<Vec<_>>(),
            [("A".to_owned(), 1), ("B".to_owned(), 5)]
        );
        let wrong = [
            vec![],
            vec![line("A", 0)],
            vec![line("A", -1)],
            vec![line("A", i64::MAX)],
        ];
        let twice = [vec![line("A", 60), line("A", 60)], vec![line("A", 1); 51]];
        for lines in wrong.iter().chain(&twice) {
            assert_eq!(merge(lines).unwrap_err().status.as_u16(), 422);
        }
    }

    #[test]
    fn totals_are_exact_and_contain_the_tax() {
        let line = |minor, quantity| Line {
            sku: "A".to_owned(),
            name: String::new(),
            quantity,
            price: Money::new(minor, "EUR"),
        };
        let priced = sum(vec![line(1990, 2), line(5, 1)]).unwrap();
        assert_eq!((priced.total, priced.tax), (3985, 636));
        assert!(sum(vec![line(i64::MAX, 2)]).is_err(), "an overflow is no price");
        assert!(sum(vec![line(0, 2)]).is_err());
    }
}
