//! Proof after a run: each service says what it can prove about its own data, and what two of them say must agree.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use http::Request;
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::{Connections, Habit};
use crate::run::authority;

/// Rows of one page.
const PAGE: usize = 1_000;
/// Pages of one listing.
const PAGES_MAX: usize = 10_000;

/// Ask the services' administration ports for what they can prove.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Administration address of order-service, for example http://127.0.0.1:9004
    #[arg(long)]
    orders: String,
    /// Administration address of psp-sim
    #[arg(long)]
    psp: String,
    /// Administration address of catalog-service
    #[arg(long)]
    catalog: Option<String>,
    /// Administration address of cart-service
    #[arg(long)]
    cart: Option<String>,
    /// Orders that were answered as paid, one a line: none of them may be missing
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Violation {
    rule: String,
    subject: String,
    detail: String,
}

impl Verify {
    /// Prints one document; `false` when a promise was broken.
    #[expect(clippy::print_stdout, reason = "the document is its result")]
    pub(crate) async fn run(self) -> Result<bool> {
        let mut violations = Vec::new();
        let mut counts = BTreeMap::new();
        let services = [
            Some(&self.orders),
            Some(&self.psp),
            self.catalog.as_ref(),
            self.cart.as_ref(),
        ];
        for url in services.into_iter().flatten() {
            let said = get(url, "/verify").await?;
            let service = said["service"].as_str().unwrap_or(url).to_owned();
            violations.extend(own(&service, &said));
            counts.insert(service, said["counts"].clone());
        }
        let orders = pages(&self.orders, "/verify/orders", "orders").await?;
        let charges = pages(&self.psp, "/verify/charges", "charges").await?;
        violations.extend(charges_fit(&orders, &charges));
        if let Some(path) = &self.acknowledged {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            violations.extend(acknowledged_are_there(&orders, text.lines()));
        }
        if let Some(catalog) = &self.catalog {
            let (sold, counted) = (
                get(&self.orders, "/verify/sold").await?,
                get(catalog, "/verify/sold").await?,
            );
            if sold["sold"] != counted["sold"] {
                violations.push(Violation {
                    rule: "every event is applied once".to_owned(),
                    subject: "catalog-service".to_owned(),
                    detail: "what it counts as sold is not what order-service sold".to_owned(),
                });
            }
        }
        let holds = violations.is_empty();
        println!(
            "{}",
            json!({ "holds": holds, "violations": violations, "orders": orders.len(), "charges": charges.len(), "counts": counts })
        );
        Ok(holds)
    }
}

fn own(service: &str, said: &Value) -> Vec<Violation> {
    let listed = said["violations"].as_array();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    listed
        .into_iter()
        .flatten()
        .map(|one| Violation {
            rule: text(&one["rule"]),
            subject: format!("{service} {}", text(&one["subject"])),
            detail: text(&one["detail"]),
        })
        .collect()
}

/// One charge per paid order, of its amount; none for an order that was not paid.
fn charges_fit(orders: &[Value], charges: &[Value]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut by_order: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge["status"] == "approved") {
        by_order
            .entry(charge["reference"].as_str().unwrap_or_default())
            .or_default()
            .push(charge);
    }
    let mut keys = BTreeMap::new();
    for order in orders {
        let id = order["id"].as_str().unwrap_or_default();
        let mut wrong = |rule: &str, detail: String| {
            found.push(Violation {
                rule: rule.to_owned(),
                subject: format!("order {id}"),
                detail,
            });
        };
        let charged = by_order.remove(id).unwrap_or_default();
        let expected = usize::from(order["status"] == "paid");
        // A pending order may or may not be charged yet.
        if order["status"] != "pending" && charged.len() != expected {
            wrong(
                "one charge per order",
                format!("{} charges, status {}", charged.len(), order["status"]),
            );
        }
        for charge in charged {
            if expected == 1 && minor(&charge["amount"]) != minor(&order["total"]) {
                wrong(
                    "the charge is the total",
                    format!("{} instead of {}", charge["amount"], order["total"]),
                );
            }
        }
        if let Some(other) = order["key"].as_str().and_then(|key| keys.insert(key, id)) {
            wrong("one order per key", format!("{other} has the same key"));
        }
    }
    for reference in by_order.keys() {
        found.push(Violation {
            rule: "no charge without an order".to_owned(),
            subject: format!("charge of {reference}"),
            detail: "there is no such order".to_owned(),
        });
    }
    found
}

/// An amount as the services write it: money, or its minor units alone.
fn minor(amount: &Value) -> Option<i64> {
    amount.as_i64().or_else(|| amount["minor"].as_i64())
}

fn acknowledged_are_there<'a>(
    orders: &[Value],
    acknowledged: impl Iterator<Item = &'a str>,
) -> Vec<Violation> {
    let known: BTreeMap<&str, &Value> = orders
        .iter()
        .filter_map(|order| Some((order["id"].as_str()?, &order["status"])))
        .collect();
    acknowledged
        .filter(|id| !id.is_empty())
        .filter(|id| known.get(id).is_none_or(|status| **status == "failed"))
        .map(|id| Violation {
            rule: "no acknowledged order is lost".to_owned(),
            subject: format!("order {id}"),
            detail: "it was answered as paid and is not there as such".to_owned(),
        })
        .collect()
}

async fn pages(url: &str, path: &str, key: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut after = String::new();
    for _ in 0..PAGES_MAX {
        let mut page = get(url, &format!("{path}?after={after}&limit={PAGE}")).await?;
        if let Value::Array(items) = page[key].take() {
            all.extend(items);
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(all),
        }
    }
    bail!("{url}{path} has more than {} rows", PAGES_MAX * PAGE)
}

async fn get(url: &str, path: &str) -> Result<Value> {
    let connections = Connections::to(&authority(url)?);
    let request = Request::builder().uri(path).body(Full::default())?;
    let answer = connections
        .send(request, Habit::New)
        .await
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("{url}{path}"))?;
    if answer.status != 200 {
        bail!("{url}{path} answers {}", answer.status);
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("{url}{path} is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_promise_is_found() {
        let order = |id: &str, key: &str, status: &str| json!({ "id": id, "key": key, "status": status, "total": { "minor": 500, "currency": "EUR" } });
        let charge = |reference: &str, minor: i64, status: &str| json!({ "reference": reference, "amount": { "minor": minor, "currency": "EUR" }, "status": status });
        let orders = [
            order("a", "1", "paid"),
            order("b", "2", "failed"),
            order("c", "3", "pending"),
        ];
        let fine = [charge("a", 500, "approved"), charge("b", 500, "declined")];
        assert_eq!(charges_fit(&orders, &fine), []);
        assert_eq!(acknowledged_are_there(&orders, ["a", ""].into_iter()), []);
        let rules = |orders: &[Value], charges: &[Value]| -> Vec<String> {
            charges_fit(orders, charges)
                .into_iter()
                .map(|one| one.rule)
                .collect()
        };
        assert_eq!(rules(&orders, &[]), ["one charge per order"]);
        let twice = [charge("a", 500, "approved"), charge("a", 500, "approved")];
        assert_eq!(rules(&orders, &twice), ["one charge per order"]);
        assert_eq!(
            rules(&orders, &[charge("a", 501, "approved")]),
            ["the charge is the total"]
        );
        let stray = [charge("a", 500, "approved"), charge("z", 1, "approved")];
        assert_eq!(rules(&orders, &stray), ["no charge without an order"]);
        let same_key = [order("a", "1", "failed"), order("b", "1", "failed")];
        assert_eq!(rules(&same_key, &[]), ["one order per key"]);
        let lost = acknowledged_are_there(&orders, ["b", "x"].into_iter());
        assert_eq!(lost.len(), 2);
    }
}
