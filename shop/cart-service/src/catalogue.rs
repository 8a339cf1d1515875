//! What the catalogue says about products, remembered for a few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use serde::Deserialize;
use serde_json::json;
use service_kit::Money;
use service_kit::client::{CallError, Reply, Upstream};

/// How old an answer may be. What is charged is asked for anew at checkout.
const FRESH: Duration = Duration::from_secs(5);
/// Products that are remembered.
const KEPT_MAX: usize = 10_000;

/// The part of a product that a cart shows.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) price: Money,
}

#[derive(Debug, Deserialize)]
struct Answer {
    products: Vec<Product>,
}

#[derive(Clone)]
pub(crate) struct Catalogue {
    upstream: Upstream,
    kept: Arc<Mutex<HashMap<String, (Instant, Product)>>>,
}

impl Catalogue {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            kept: Arc::default(),
        }
    }

    /// Those of the products that exist.
    pub(crate) async fn look_up(&self, skus: &[&str]) -> Result<HashMap<String, Product>, CallError> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for sku in skus {
                match kept.get(*sku) {
                    Some((at, product)) if at.elapsed() < FRESH => {
                        found.insert((*sku).to_owned(), product.clone());
                    }
                    _ => missing.push(*sku),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let call = self
            .upstream
            .call(Method::POST, "/prices")
            .json(&json!({"skus": missing}))
            .repeatable();
        let answer: Answer = call.send().await.and_then(Reply::success)?.json()?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() > KEPT_MAX {
            kept.clear();
        }
        for product in answer.products {
            kept.insert(product.sku.clone(), (Instant::now(), product.clone()));
            found.insert(product.sku.clone(), product);
        }
        Ok(found)
    }
}
