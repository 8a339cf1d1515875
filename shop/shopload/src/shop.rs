//! The shop's API as a customer uses it: requests and what their answers mean. Sends nothing.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Ways to spell a card that is approved, and one that the bank declines.
const GOOD_CARD: &str = "4242424242424242";
const DECLINED_CARD: &str = "4000000000000002";

/// A guest: its cart is its only identity.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// At least 96 random bits.
    cart: String,
}

impl Guest {
    pub(crate) fn new(random: &mut StdRng) -> Self {
        Self {
            cart: format!("{:032x}", random.random::<u128>()),
        }
    }

    /// Pages that a browser asks for.
    pub(crate) fn page(&self, path: &str) -> Request<Full<Bytes>> {
        self.request(Method::GET, path, "text/html", None)
    }

    pub(crate) fn get(&self, path: &str) -> Request<Full<Bytes>> {
        self.request(Method::GET, path, "application/json", None)
    }

    pub(crate) fn add(&self, sku: &str, quantity: u32) -> Request<Full<Bytes>> {
        let body = json!({ "sku": sku, "quantity": quantity });
        self.request(
            Method::POST,
            "/api/v1/cart/items",
            "application/json",
            Some(&body),
        )
    }

    /// `key` makes repeating it harmless.
    pub(crate) fn checkout(&self, key: &str, payment: Payment) -> Request<Full<Bytes>> {
        let card = match payment {
            Payment::Good => GOOD_CARD,
            Payment::Declined => DECLINED_CARD,
        };
        let body = json!({
            "email": "customer@example.com",
            "address": {
                "name": "Erika Muster", "street": "Hafenstr. 7", "postcode": "20359", "city": "Hamburg", "country": "DE",
            },
            "payment": { "card": card },
        });
        let mut request = self.request(Method::POST, "/api/v1/checkout", "application/json", Some(&body));
        if let Ok(key) = header::HeaderValue::from_str(key) {
            request.headers_mut().insert("idempotency-key", key);
        }
        request
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<&Value>,
    ) -> Request<Full<Bytes>> {
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut builder = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, accept)
            .header("x-cart-id", &self.cart);
        if body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        builder.body(Full::new(bytes)).unwrap_or_default()
    }
}

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payment {
    /// With a card that is approved.
    Good,
    /// With one that the bank declines.
    Declined,
}

/// SKUs of a page of products.
pub(crate) fn skus(body: &[u8]) -> Vec<String> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let products = value.get("products").and_then(Value::as_array);
    products
        .into_iter()
        .flatten()
        .filter_map(|product| Some(product.get("sku")?.as_str()?.to_owned()))
        .collect()
}

/// Identifier and status of an order.
pub(crate) fn order(body: &[u8]) -> Option<(String, String)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
    Some((text("id")?, text("status").unwrap_or_default()))
}
