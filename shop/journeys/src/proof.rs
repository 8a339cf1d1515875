//! What can be proved about a whole shop: within each service, and between two of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use service_kit::client::{CallError, Upstream};

use crate::{READY_MAX, Shop};

impl Shop {
    /// Every violation of what can be proved, within and across services, once nothing is waiting any more.
    pub async fn violations(&self) -> Result<Vec<String>, CallError> {
        let (orders, psp, catalog) = (
            self.at(&self.orders_admin_url()),
            self.at(&self.psp.admin_url()),
            self.at(&self.catalog.admin_url()),
        );
        let began = Instant::now();
        loop {
            let document: Value = orders.get("/verify").send().await?.json()?;
            let counts = &document["counts"];
            let pending = counts["orders_pending"].as_i64().unwrap_or(0);
            if pending + number(counts, "outbox_waiting") + number(counts, "refunds_waiting") == 0 {
                break;
            }
            if began.elapsed() > READY_MAX {
                return Ok(vec![format!("still waiting: {counts}")]);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut found = Vec::new();
        for service in [&orders, &psp, &catalog, &self.at(&self.cart.admin_url())] {
            let document: Value = service.get("/verify").send().await?.json()?;
            found.extend(
                document["violations"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string),
            );
        }
        let sold: Value = orders.get("/verify/sold").send().await?.json()?;
        let counted: Value = catalog.get("/verify/sold").send().await?.json()?;
        if sold != counted {
            found.push(format!("sold {sold}, the catalogue counted {counted}"));
        }
        found.extend(charges_that_do_not_fit(&orders, &psp).await?);
        Ok(found)
    }
}

/// Each paid order has exactly its charge, and nobody else was charged.
async fn charges_that_do_not_fit(orders: &Upstream, psp: &Upstream) -> Result<Vec<String>, CallError> {
    let mut wanted = BTreeMap::new();
    for order in pages(orders, "/verify/orders", "orders").await? {
        if order["status"] == "paid" {
            wanted.insert(
                order["id"].to_string(),
                (order["charge"].clone(), order["total"].clone()),
            );
        }
    }
    let mut found = Vec::new();
    for charge in pages(psp, "/verify/charges", "charges").await? {
        if charge["status"] != "approved" {
            continue;
        }
        match wanted.remove(&charge["reference"].to_string()) {
            Some(pair) if pair == (charge["id"].clone(), charge["amount"].clone()) => {}
            other => found.push(format!("charge {charge} does not fit {other:?}")),
        }
    }
    found.extend(
        wanted
            .into_keys()
            .map(|id| format!("order {id} is paid without a charge")),
    );
    Ok(found)
}

async fn pages(of: &Upstream, path: &str, list: &str) -> Result<Vec<Value>, CallError> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = of
            .get(format!("{path}?after={after}&limit=1000"))
            .send()
            .await?
            .json()?;
        all.extend(page[list].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(all),
        }
    }
}

fn number(counts: &Value, name: &str) -> i64 {
    counts[name].as_i64().unwrap_or(i64::MAX / 4)
}
