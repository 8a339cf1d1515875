//! The whole shop inside one process, on free ports, for tests. The storefront is not part of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use service_kit::client::{Call, CallError, Reply, Upstream};
use service_kit::{Definition, Running, Settings, StartError, start};

/// How long services may take until they are ready.
const READY_MAX: Duration = Duration::from_secs(20);

/// A running shop with its data in a folder that goes away with it.
pub struct Shop {
    /// Accounts.
    pub users: Running,
    /// Products.
    pub catalog: Running,
    /// Carts.
    pub cart: Running,
    /// Payments.
    pub psp: Running,
    /// Orders, unless they run in a process of their own.
    pub orders: Option<Running>,
    /// The edge.
    pub gateway: Running,
    /// Port of order-service, and of its administration.
    pub order_ports: (u16, u16),
    host: String,
    databases: Databases,
    folder: tempfile::TempDir,
    settings: BTreeMap<&'static str, String>,
}

/// Databases elsewhere, by their addresses.
#[derive(Debug, Clone, Default)]
pub struct Databases {
    /// Of user-service.
    pub users: Option<String>,
    /// Of order-service.
    pub orders: Option<String>,
}

/// Where order-service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrdersRun {
    /// With everything else.
    Inside,
    /// Nowhere yet; the test starts it.
    Elsewhere,
}

impl Shop {
    /// Starts all services on SQLite, with more variables for all of them.
    pub async fn start(more: &[(&'static str, &str)], orders_run: OrdersRun) -> Result<Self, StartError> {
        Self::start_on(&Databases::default(), more, orders_run).await
    }

    /// The same on other databases.
    pub async fn start_on(
        databases: &Databases,
        more: &[(&'static str, &str)],
        orders_run: OrdersRun,
    ) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(|cause| StartError::Failed(cause.to_string()))?;
        let host = own_host();
        let order_ports = (free_port(&host)?, free_port(&host)?);
        let mut settings: BTreeMap<&'static str, String> = [
            ("BIND", host.as_str()),
            ("PORT", "0"),
            ("JWT_SECRET", "only-for-tests-0123456789"),
            ("PSP_SECRET", "only-for-tests-9876543210"),
            ("PASSWORD_COST", "64,1,1"),
            ("SHUTDOWN_GRACE", "4s"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
        settings.insert("DATA_DIR", folder.path().display().to_string());
        settings.insert("ORDER_SERVICE_URL", format!("http://{host}:{}", order_ports.0));
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));

        let mut for_users = settings.clone();
        for_users.extend(databases.users.clone().map(|url| ("DATABASE_URL", url)));
        let users = run::<user_service::Users>(&for_users).await?;
        settings.insert("USER_SERVICE_URL", users.url());
        let catalog = run::<catalog_service::Catalog>(&settings).await?;
        settings.insert("CATALOG_SERVICE_URL", catalog.url());
        let cart = run::<cart_service::Carts>(&settings).await?;
        settings.insert("CART_SERVICE_URL", cart.url());
        let psp = run::<psp_sim::PspSim>(&settings).await?;
        settings.insert("PSP_URL", psp.url());
        // Nobody is there; pages are not part of these tests.
        settings.insert("STOREFRONT_URL", format!("http://{host}:{}", free_port(&host)?));
        let gateway = run::<api_gateway::Gateway>(&settings).await?;
        let mut shop = Self {
            users,
            catalog,
            cart,
            psp,
            orders: None,
            gateway,
            order_ports,
            host,
            databases: databases.clone(),
            folder,
            settings,
        };
        shop.wait_until_ready().await?;
        if orders_run == OrdersRun::Inside {
            shop.orders = Some(start::<order_service::Orders>(shop.order_settings(&[])).await?);
            wait_ready(&shop.at(&shop.orders_admin_url()), 200).await?;
        }
        Ok(shop)
    }

    /// The variables of order-service.
    pub fn order_settings(&self, more: &[(&'static str, &str)]) -> Settings {
        Settings::of(self.order_pairs(more))
    }

    /// The same as pairs, for a process of its own.
    pub fn order_pairs(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let mut settings = self.settings.clone();
        settings.extend(self.databases.orders.clone().map(|url| ("DATABASE_URL", url)));
        settings.insert("PORT", self.order_ports.0.to_string());
        settings.insert("ADMIN_PORT", self.order_ports.1.to_string());
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        settings.into_iter().collect()
    }

    /// The variables that all services have; for a second version of one.
    pub fn settings(&self) -> &BTreeMap<&'static str, String> {
        &self.settings
    }

    /// The address that all of this shop listens on.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where the data is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A copy of a service's database can be looked at there.
    pub fn database(&self, service: &str) -> PathBuf {
        self.folder.path().join(format!("{service}.db"))
    }

    /// Waits for `/ready` of all but order-service.
    async fn wait_until_ready(&self) -> Result<(), StartError> {
        for running in [&self.users, &self.catalog, &self.cart, &self.psp] {
            wait_ready(&self.at(&running.admin_url()), 200).await?;
        }
        Ok(())
    }

    /// `http://host:port` of order-service's administration.
    pub fn orders_admin_url(&self) -> String {
        format!("http://{}:{}", self.host, self.order_ports.1)
    }

    /// A caller of any address.
    pub fn at(&self, url: &str) -> Upstream {
        // The addresses are ours, so they have the right form.
        self.gateway
            .kit()
            .upstream_at("test", url)
            .unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// A call through the gateway; `path` without `/api/v1`.
    pub fn call(&self, method: Method, path: &str) -> Call {
        self.at(&self.gateway.url())
            .call(method, format!("/api/v1{path}"))
            .deadline(Duration::from_secs(15))
    }

    /// `GET` through the gateway.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A checkout of some pieces by a guest.
    pub fn checkout(&self, guest: &str, key: &str, card: &str, lines: Option<&[(&str, i64)]>) -> Call {
        let mut body = json!({
            "email": "ada@example.org",
            "address": {"name": "Ada", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "DE"},
            "payment": {"card": card},
        });
        if let Some(lines) = lines {
            let lines: Vec<Value> = lines
                .iter()
                .map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}))
                .collect();
            body["lines"] = Value::Array(lines);
        }
        self.call(Method::POST, "/checkout")
            .header("x-cart-id", guest)
            .header("idempotency-key", key)
            .json(&body)
            .deadline(Duration::from_secs(30))
    }

    /// Sets how many pieces are there.
    pub async fn stock(&self, sku: &str, on_hand: i64) -> Result<(), CallError> {
        let call = self
            .at(&self.orders_admin_url())
            .call(Method::PUT, format!("/stock/{sku}"));
        call.json(&json!({"on_hand": on_hand}))
            .send()
            .await
            .and_then(Reply::success)
            .map(drop)
    }

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

async fn run<D: Definition>(settings: &BTreeMap<&'static str, String>) -> Result<Running, StartError> {
    start::<D>(Settings::of(
        settings.iter().map(|(name, value)| (*name, value.clone())),
    ))
    .await
}

/// Waits until `/ready` has this status.
pub async fn wait_ready(admin: &Upstream, status: u16) -> Result<(), StartError> {
    let began = Instant::now();
    loop {
        let reply = admin.get("/ready").send().await;
        if reply.as_ref().is_ok_and(|reply| reply.status.as_u16() == status) {
            return Ok(());
        }
        if began.elapsed() > READY_MAX {
            return Err(StartError::Failed(format!("not {status} in time: {reply:?}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A loopback address of this shop alone, so that no other test, in this process or another, can take its ports.
fn own_host() -> String {
    static SHOPS: AtomicU32 = AtomicU32::new(0);
    let (process, shop) = (std::process::id(), SHOPS.fetch_add(1, Ordering::Relaxed));
    format!(
        "127.{}.{}.{}",
        1 + process / 250 % 250,
        1 + process % 250,
        1 + shop % 250
    )
}

/// A port that is free; services that must know each other's cannot all choose at their start.
fn free_port(host: &str) -> Result<u16, StartError> {
    let listener = std::net::TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.port())
        .map_err(|cause| StartError::Failed(cause.to_string()))
}
