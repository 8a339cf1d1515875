//! The services as the pages need them: typed answers, and refusals with their kind. It knows nothing of HTML.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service_kit::client::{Call, CallError, Reply, Upstream};
use service_kit::{Kit, Money, SettingError};

use crate::shelf::Shelf;
use crate::visitor::Visitor;

/// A checkout waits for cart, catalogue, provider and database; a little less than the edge waits for us.
const CHECKOUT_TIME_MAX: Duration = Duration::from_secs(10);

/// SKUs that the catalogue takes in one question.
const PRICES_MAX: usize = 50;
/// A password is hashed on purpose slowly, and others may wait in line before it.
const PASSWORD_TIME_MAX: Duration = Duration::from_secs(6);

/// An answer that is no success.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The last part of `urn:shop:<kind>`.
    pub(crate) kind: String,
    /// May be shown.
    pub(crate) detail: String,
    pub(crate) field: Option<String>,
    /// The whole problem.
    pub(crate) document: Value,
}

/// Why there is no answer to show.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    Call(CallError),
    Refused(Refusal),
}

impl From<CallError> for Trouble {
    fn from(cause: CallError) -> Self {
        Self::Call(cause)
    }
}

/// As the catalogue shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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

/// One line of a product's details.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Product {
    /// The value of a fact, or nothing.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let found = self.facts.iter().find(|fact| fact.name == name);
        found.map_or("", |fact| &fact.value)
    }
}

/// A part of the assortment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Category {
    pub(crate) slug: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) products: u64,
}

/// Some products, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Listing {
    pub(crate) products: Vec<Product>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Categories {
    categories: Vec<Category>,
}

/// A cart, of a guest or a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Cart {
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) pieces: u64,
    #[serde(default)]
    pub(crate) subtotal: Option<Money>,
}

/// So many of a product, in a cart or an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price: Money,
}

impl Line {
    /// What all its pieces cost.
    pub(crate) fn sum(&self) -> Money {
        Money::new(
            self.price.minor.saturating_mul(self.quantity),
            &self.price.currency,
        )
    }
}

/// Where something goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Address {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) street: String,
    pub(crate) postcode: String,
    pub(crate) city: String,
    pub(crate) country: String,
}

#[derive(Debug, Deserialize)]
struct Addresses {
    addresses: Vec<Address>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    /// `pending`, `paid`, `failed`, `cancelled`, or something newer.
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) placed_at: String,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) subtotal: Option<Money>,
    #[serde(default)]
    pub(crate) tax: Option<Money>,
    pub(crate) total: Money,
    #[serde(default)]
    pub(crate) address: Option<Address>,
    #[serde(default)]
    pub(crate) email: Option<String>,
}

/// Some orders, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Orders {
    pub(crate) orders: Vec<Order>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// A sign-in that went well.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) token: String,
}

#[derive(Debug, Deserialize)]
struct Stock {
    stock: Vec<StockOf>,
}

#[derive(Debug, Deserialize)]
struct StockOf {
    sku: String,
    available: i64,
}

/// All services that pages ask.
pub(crate) struct Backend {
    users: Upstream,
    catalog: Upstream,
    carts: Upstream,
    orders: Upstream,
    shelf: Shelf,
}

impl Backend {
    pub(crate) fn of(kit: &Kit) -> Result<Self, SettingError> {
        let catalog = kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?;
        Ok(Self {
            users: kit.upstream("user-service", "USER_SERVICE_URL")?,
            carts: kit.upstream("cart-service", "CART_SERVICE_URL")?,
            orders: kit.upstream("order-service", "ORDER_SERVICE_URL")?,
            shelf: Shelf::new(catalog.clone()),
            catalog,
        })
    }

    /// `query` as the catalogue takes it, without `?`.
    pub(crate) async fn products(&self, query: &str) -> Result<Listing, Trouble> {
        self.shelf.get(&format!("/products?{query}")).await
    }

    pub(crate) async fn product(&self, sku: &str) -> Result<Product, Trouble> {
        self.shelf.get(&format!("/products/{}", escape(sku))).await
    }

    pub(crate) async fn related(&self, sku: &str) -> Result<Listing, Trouble> {
        self.shelf
            .get(&format!("/products/{}/related", escape(sku)))
            .await
    }

    pub(crate) async fn categories(&self) -> Result<Vec<Category>, Trouble> {
        let list: Categories = self.shelf.get("/categories").await?;
        Ok(list.categories)
    }

    /// The products of some lines, for their pictures; without those that the catalogue cannot tell at the moment.
    pub(crate) async fn products_of(&self, lines: &[Line]) -> Vec<Product> {
        let skus: BTreeSet<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
        let skus: Vec<&str> = skus.into_iter().take(PRICES_MAX).collect();
        if skus.is_empty() {
            return Vec::new();
        }
        let call = self
            .catalog
            .call(Method::POST, "/prices")
            .json(&json!({"skus": skus}));
        let listing: Result<Listing, Trouble> = read(call).await;
        listing.map(|listing| listing.products).unwrap_or_default()
    }

    /// Pieces that can be had; `None` when that is not known at the moment.
    pub(crate) async fn available(&self, sku: &str) -> Option<i64> {
        let path = format!("/inventory?sku={}", escape(sku));
        let stock: Stock = read(self.orders.get(path)).await.ok()?;
        let found = stock.stock.into_iter().find(|stock| stock.sku == sku)?;
        Some(found.available)
    }

    pub(crate) async fn cart(&self, who: &Visitor) -> Result<Cart, Trouble> {
        read(who.asks(self.carts.get("/cart"))).await
    }

    pub(crate) async fn add(&self, who: &Visitor, sku: &str, quantity: i64) -> Result<Cart, Trouble> {
        let call = self.carts.call(Method::POST, "/cart/items");
        read(who.asks(call).json(&json!({"sku": sku, "quantity": quantity}))).await
    }

    pub(crate) async fn set_quantity(
        &self,
        who: &Visitor,
        sku: &str,
        quantity: i64,
    ) -> Result<Cart, Trouble> {
        let path = format!("/cart/items/{}", escape(sku));
        let call = self.carts.call(Method::PUT, path);
        read(who.asks(call).json(&json!({"quantity": quantity}))).await
    }

    /// The guest's pieces become the customer's.
    pub(crate) async fn merge_cart(&self, token: &str, guest: &str) -> Result<(), Trouble> {
        let call = self
            .carts
            .call(Method::POST, "/cart/merge")
            .header("authorization", &format!("Bearer {token}"))
            .json(&json!({"from": guest}));
        done(call).await
    }

    /// Any answer of the checkout is one; the page decides what it means.
    pub(crate) async fn checkout(&self, who: &Visitor, key: &str, body: &Value) -> Result<Reply, CallError> {
        let call = self
            .orders
            .call(Method::POST, "/checkout")
            .header("idempotency-key", key)
            .json(body)
            .deadline(CHECKOUT_TIME_MAX)
            .repeatable();
        who.asks(call).send().await
    }

    pub(crate) async fn order(&self, who: &Visitor, id: &str) -> Result<Order, Trouble> {
        read(who.asks(self.orders.get(format!("/orders/{}", escape(id))))).await
    }

    pub(crate) async fn orders(&self, who: &Visitor, cursor: &str) -> Result<Orders, Trouble> {
        let path = format!("/orders?limit=20&cursor={}", escape(cursor));
        read(who.asks(self.orders.get(path))).await
    }

    pub(crate) async fn cancel(&self, who: &Visitor, id: &str) -> Result<(), Trouble> {
        let path = format!("/orders/{}/cancel", escape(id));
        done(who.asks(self.orders.call(Method::POST, path))).await
    }

    pub(crate) async fn sign_up(&self, name: &str, email: &str, password: &str) -> Result<Session, Trouble> {
        let body = json!({"name": name, "email": email, "password": password});
        let call = self.users.call(Method::POST, "/users").json(&body);
        read(call.deadline(PASSWORD_TIME_MAX)).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Session, Trouble> {
        let body = json!({"email": email, "password": password});
        let call = self.users.call(Method::POST, "/sessions").json(&body);
        read(call.deadline(PASSWORD_TIME_MAX)).await
    }

    pub(crate) async fn sign_out(&self, who: &Visitor) -> Result<(), Trouble> {
        done(who.asks(self.users.call(Method::DELETE, "/sessions/current"))).await
    }

    pub(crate) async fn me(&self, who: &Visitor) -> Result<User, Trouble> {
        read(who.asks(self.users.get("/users/me"))).await
    }

    pub(crate) async fn rename(&self, who: &Visitor, name: &str) -> Result<(), Trouble> {
        let call = self.users.call(Method::PATCH, "/users/me");
        done(who.asks(call).json(&json!({"name": name}))).await
    }

    pub(crate) async fn change_password(
        &self,
        who: &Visitor,
        current: &str,
        new: &str,
    ) -> Result<(), Trouble> {
        let call = self
            .users
            .call(Method::POST, "/users/me/password")
            .deadline(PASSWORD_TIME_MAX);
        done(who.asks(call).json(&json!({"current": current, "new": new}))).await
    }

    pub(crate) async fn addresses(&self, who: &Visitor) -> Result<Vec<Address>, Trouble> {
        let list: Addresses = read(who.asks(self.users.get("/users/me/addresses"))).await?;
        Ok(list.addresses)
    }

    pub(crate) async fn add_address(&self, who: &Visitor, address: &Value) -> Result<(), Trouble> {
        let call = self.users.call(Method::POST, "/users/me/addresses");
        done(who.asks(call).json(address)).await
    }

    pub(crate) async fn remove_address(&self, who: &Visitor, id: &str) -> Result<(), Trouble> {
        let path = format!("/users/me/addresses/{}", escape(id));
        done(who.asks(self.users.call(Method::DELETE, path))).await
    }
}

/// Sends and reads what a success says.
pub(crate) async fn read<T: DeserializeOwned>(call: Call) -> Result<T, Trouble> {
    let reply = call.send().await?;
    if reply.status.is_success() {
        return Ok(reply.json()?);
    }
    Err(Trouble::Refused(refusal(&reply)))
}

async fn done(call: Call) -> Result<(), Trouble> {
    let reply = call.send().await?;
    if reply.status.is_success() {
        return Ok(());
    }
    Err(Trouble::Refused(refusal(&reply)))
}

/// What an answer that is no success says.
pub(crate) fn refusal(reply: &Reply) -> Refusal {
    let document: Value = reply.json().unwrap_or_default();
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    Refusal {
        status: reply.status,
        kind: reply.problem_kind().unwrap_or_default(),
        detail: text("detail").unwrap_or_else(|| "That did not work.".to_owned()),
        field: text("field"),
        document,
    }
}

/// Text as a part of a path or a value of a query.
pub(crate) fn escape(text: &str) -> String {
    // A plus is a space only in queries; here it has to be a space in both.
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
