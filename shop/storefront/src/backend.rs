//! The other services as the pages use them, in the customer's name.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::client::{Call, Reply, Upstream};
use service_kit::{Kit, Money, Problem, StartError};
use std::time::Duration;

use crate::visitor::Visitor;

/// A checkout waits for the bank.
const CHECKOUT_DEADLINE: Duration = Duration::from_secs(15);

/// Addresses of the other services.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    users: Upstream,
    catalogue: Upstream,
    carts: Upstream,
    orders: Upstream,
}

/// A product as shown.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) category: String,
    pub(crate) price: Money,
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
}

/// Something worth knowing about a product.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A page of products.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Products {
    pub(crate) products: Vec<Product>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// A category.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Category {
    pub(crate) slug: String,
    pub(crate) name: String,
}

/// A cart or an order's lines.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: u32,
    #[serde(default)]
    pub(crate) price: Option<Money>,
}

/// A cart.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Cart {
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) pieces: u32,
    #[serde(default)]
    pub(crate) subtotal: Option<Money>,
}

/// An order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) placed_at: String,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    pub(crate) total: Money,
    #[serde(default)]
    pub(crate) tax: Option<Money>,
}

/// Where an order goes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Address {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) street: String,
    #[serde(default)]
    pub(crate) postcode: String,
    #[serde(default)]
    pub(crate) city: String,
    #[serde(default)]
    pub(crate) country: String,
}

/// Who is signed in.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) token: String,
}

/// A customer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Backend {
    pub(crate) fn of(kit: &Kit) -> Result<Self, StartError> {
        Ok(Self {
            users: kit.upstream("user-service", "USER_SERVICE_URL")?,
            catalogue: kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?,
            carts: kit.upstream("cart-service", "CART_SERVICE_URL")?,
            orders: kit.upstream("order-service", "ORDER_SERVICE_URL")?,
        })
    }

    pub(crate) async fn products(&self, query: &str) -> Result<Products, Problem> {
        read(self.catalogue.get(format!("/products?{query}"))).await
    }

    pub(crate) async fn product(&self, sku: &str) -> Result<Product, Problem> {
        read(self.catalogue.get(format!("/products/{sku}"))).await
    }

    /// Nice to have: a page without them is still a page.
    pub(crate) async fn related(&self, sku: &str) -> Vec<Product> {
        let found: Result<Products, _> = read(self.catalogue.get(format!("/products/{sku}/related"))).await;
        found.map(|found| found.products).unwrap_or_default()
    }

    /// Nice to have.
    pub(crate) async fn categories(&self) -> Vec<Category> {
        #[derive(Deserialize)]
        struct Categories {
            categories: Vec<Category>,
        }
        let found: Result<Categories, _> = read(self.catalogue.get("/categories")).await;
        found.map(|found| found.categories).unwrap_or_default()
    }

    /// Pieces that can be bought now; `None` when nobody can tell.
    pub(crate) async fn available(&self, sku: &str) -> Option<i64> {
        let found: Value = read(self.orders.get(format!("/inventory?sku={sku}")))
            .await
            .ok()?;
        found["stock"].as_array()?.first()?["available"].as_i64()
    }

    pub(crate) async fn cart(&self, visitor: &Visitor) -> Result<Cart, Problem> {
        read(named(self.carts.get("/cart"), visitor)).await
    }

    pub(crate) async fn add(&self, visitor: &Visitor, sku: &str, quantity: u32) -> Result<(), Problem> {
        let body = serde_json::json!({ "sku": sku, "quantity": quantity });
        let call = self.carts.call(Method::POST, "/cart/items").json(&body);
        sent(named(call, visitor)).await.map(|_| ())
    }

    pub(crate) async fn set(&self, visitor: &Visitor, sku: &str, quantity: u32) -> Result<(), Problem> {
        let body = serde_json::json!({ "quantity": quantity });
        let call = self
            .carts
            .call(Method::PUT, format!("/cart/items/{sku}"))
            .json(&body);
        sent(named(call, visitor)).await.map(|_| ())
    }

    /// What a guest has in the cart becomes the customer's.
    pub(crate) async fn merge(&self, token: &str, guest: &str) -> Result<(), Problem> {
        let body = serde_json::json!({ "from": guest });
        let call = self.carts.call(Method::POST, "/cart/merge").json(&body);
        sent(call.header("authorization", &format!("Bearer {token}")))
            .await
            .map(|_| ())
    }

    /// The answer as it is: a declined payment is no failure of the shop.
    pub(crate) async fn checkout(
        &self,
        visitor: &Visitor,
        key: &str,
        body: &Value,
    ) -> Result<Reply, Problem> {
        let call = self.orders.call(Method::POST, "/checkout").json(body);
        let call = named(call, visitor)
            .header("idempotency-key", key)
            .deadline(CHECKOUT_DEADLINE);
        Ok(call.send().await?)
    }

    pub(crate) async fn order(&self, visitor: &Visitor, id: &str) -> Result<Order, Problem> {
        read(named(self.orders.get(format!("/orders/{id}")), visitor)).await
    }

    pub(crate) async fn orders(&self, visitor: &Visitor) -> Result<Vec<Order>, Problem> {
        #[derive(Deserialize)]
        struct Orders {
            orders: Vec<Order>,
        }
        let found: Orders = read(named(self.orders.get("/orders?limit=20"), visitor)).await?;
        Ok(found.orders)
    }

    pub(crate) async fn me(&self, visitor: &Visitor) -> Result<User, Problem> {
        read(named(self.users.get("/users/me"), visitor)).await
    }

    /// The answer as it is: wrong credentials are shown in the form.
    pub(crate) async fn sign_up(&self, body: &Value) -> Result<Reply, Problem> {
        Ok(self.users.call(Method::POST, "/users").json(body).send().await?)
    }

    /// As above.
    pub(crate) async fn log_in(&self, body: &Value) -> Result<Reply, Problem> {
        Ok(self
            .users
            .call(Method::POST, "/sessions")
            .json(body)
            .send()
            .await?)
    }

    pub(crate) async fn log_out(&self, visitor: &Visitor) {
        let call = named(self.users.call(Method::DELETE, "/sessions/current"), visitor);
        if let Err(cause) = call.send().await {
            tracing::warn!(%cause, "a session could not be ended");
        }
    }
}

fn named(call: Call, visitor: &Visitor) -> Call {
    let call = call.header("x-cart-id", visitor.cart());
    match visitor.token() {
        Some(token) => call.header("authorization", &format!("Bearer {token}")),
        None => call,
    }
}

async fn sent(call: Call) -> Result<Reply, Problem> {
    let reply = call.send().await?;
    if reply.status.is_success() {
        return Ok(reply);
    }
    Err(passed_on(&reply))
}

async fn read<T: serde::de::DeserializeOwned>(call: Call) -> Result<T, Problem> {
    Ok(sent(call).await?.json()?)
}

/// What another service said, in its words, when they are for customers.
fn passed_on(reply: &Reply) -> Problem {
    if reply.status == StatusCode::NOT_FOUND {
        return Problem::not_found("page");
    }
    let document: Value = reply.json().unwrap_or_default();
    let detail = document["detail"]
        .as_str()
        .unwrap_or("A part of the shop does not answer. Please try again.");
    if reply.status.is_client_error() {
        return Problem::new(reply.status, "refused", detail);
    }
    Problem::unavailable("A part of the shop does not answer. Please try again.")
}
