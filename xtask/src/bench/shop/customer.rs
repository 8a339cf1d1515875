//! What customers of our shop do, as bytes: look at a page again and again, or buy one thing after another.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::load::{Connection, Customer};
use super::order;

/// Guests and keys differ between all buyers of a run.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Asks for one thing; a list can be another one each time.
pub(super) struct Page {
    address: SocketAddr,
    request: Request,
    turns: u64,
}

enum Request {
    Same(Vec<u8>),
    /// The same list under ever new names, so that no cache has it: what comes before and after the number.
    New(String),
}

impl Page {
    /// A product through the API.
    pub(super) fn product(address: SocketAddr, sku: &str) -> Self {
        Self::same(address, &format!("/api/v1/products/{sku}"), "")
    }

    /// The same by a client that takes brotli.
    pub(super) fn product_packed(address: SocketAddr, sku: &str) -> Self {
        let accepts = "Accept-Encoding: gzip, br\r\n";
        Self::same(address, &format!("/api/v1/products/{sku}"), accepts)
    }

    /// The product's web page, which the storefront makes for each visitor.
    pub(super) fn html(address: SocketAddr, sku: &str) -> Self {
        Self::same(address, &format!("/products/{sku}"), "")
    }

    /// A list that is in no cache.
    pub(super) fn list_missed(address: SocketAddr, round: usize, reader: usize) -> Self {
        Self {
            address,
            request: Request::New(format!("/api/v1/products?limit=24&_={round}.{reader}.")),
            turns: 0,
        }
    }

    fn same(address: SocketAddr, path: &str, more: &str) -> Self {
        Self {
            address,
            request: Request::Same(get(path, more)),
            turns: 0,
        }
    }
}

impl Customer for Page {
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String> {
        self.turns += 1;
        let answer = match &self.request {
            Request::Same(request) => connection.ask(request).await?,
            Request::New(path) => connection.ask(&get(&format!("{path}{}", self.turns), "")).await?,
        };
        if answer.status == 200 && answer.body.len() > 100 {
            return Ok(());
        }
        Err(format!("{}: {}", answer.status, answer.text()))
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Puts one piece into a cart of its own and buys it; each time as another guest.
pub(super) struct Buyer {
    address: SocketAddr,
    skus: Vec<String>,
    paid: Vec<String>,
}

impl Buyer {
    pub(super) fn new(address: SocketAddr, skus: &[String]) -> Self {
        Self {
            address,
            skus: skus.to_vec(),
            paid: Vec::new(),
        }
    }
}

impl Customer for Buyer {
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let guest = format!("X-Cart-Id: guest-{number:020}\r\n");
        // Neighbours in the row buy different things, and each thing is bought by many.
        let place = usize::try_from(number.wrapping_mul(31)).unwrap_or(0) % self.skus.len();
        let wanted = json!({"sku": self.skus[place], "quantity": 1});
        let put = connection
            .ask(&post("/api/v1/cart/items", &guest, &wanted))
            .await?;
        if put.status != 200 {
            return Err(format!("cart: {}: {}", put.status, put.text()));
        }
        let key = format!("{guest}Idempotency-Key: key-{number:020}\r\n");
        let bought = connection
            .ask(&post("/api/v1/checkout", &key, &order::checkout()))
            .await?;
        let paid = order::paid(bought.body);
        match paid {
            Some(id) if bought.status == 201 => self.paid.push(id),
            _ => return Err(format!("checkout: {}: {}", bought.status, bought.text())),
        }
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn acknowledged(self) -> Vec<String> {
        self.paid
    }
}

/// Tries to buy the same pieces as everybody else, each time as another guest.
pub(super) struct Rusher {
    address: SocketAddr,
    /// What is wanted, in this order or the other way round.
    skus: [String; 2],
    paid: Vec<String>,
}

impl Rusher {
    pub(super) fn new(address: SocketAddr, one: &str, other: &str) -> Self {
        Self {
            address,
            skus: [one.to_owned(), other.to_owned()],
            paid: Vec::new(),
        }
    }
}

impl Customer for Rusher {
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.skus.reverse();
        let more = format!("X-Cart-Id: guest-{number:020}\r\nIdempotency-Key: key-{number:020}\r\n");
        let mut wish = order::checkout();
        let lines = self.skus.each_ref().map(|sku| json!({"sku": sku, "quantity": 1}));
        wish["lines"] = json!(lines);
        let answer = connection.ask(&post("/api/v1/checkout", &more, &wish)).await?;
        match (answer.status, order::paid(answer.body)) {
            (201, Some(id)) => self.paid.push(id),
            (409, None) if answer.text().contains("urn:shop:out-of-stock") => {}
            (status, _) => return Err(format!("checkout: {status}: {}", answer.text())),
        }
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn acknowledged(self) -> Vec<String> {
        self.paid
    }
}

fn get(path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n{more}\r\n")
        .into_bytes()
}

/// A request with a JSON body.
pub(super) fn post(path: &str, more: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{more}\r\n{body}",
        body.len()
    )
    .into_bytes()
}
