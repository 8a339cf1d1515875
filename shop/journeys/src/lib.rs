//! The whole shop inside one process, on free ports, for tests. The storefront comes when it is asked for.

mod proof;

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

/// Where order-service and its administration listen. Services that must know each other cannot all choose at their
/// start, so these are on the shop's own address and below the range that the kernel hands out.
const ORDER_PORTS: (u16, u16) = (23_004, 24_004);

/// Where the storefront would be: nobody is there, unless the test opens the pages.
const STOREFRONT_PORT: u16 = 23_005;

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
    stores: Stores,
    folder: tempfile::TempDir,
    settings: BTreeMap<&'static str, String>,
}

/// More variables for single services, such as the addresses of their stores.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    variables: Vec<(&'static str, &'static str, String)>,
}

impl Stores {
    /// With a variable of a service.
    #[must_use]
    pub fn with(mut self, service: &'static str, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((service, variable, value.into()));
        self
    }

    /// Those of one service.
    pub fn of(&self, service: &str) -> impl Iterator<Item = (&'static str, String)> {
        let mine = self.variables.iter().filter(move |(of, ..)| *of == service);
        mine.map(|(_, variable, value)| (*variable, value.clone()))
    }
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
        Self::start_on(&Stores::default(), more, orders_run).await
    }

    /// The same on other stores.
    pub async fn start_on(
        stores: &Stores,
        more: &[(&'static str, &str)],
        orders_run: OrdersRun,
    ) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(|cause| StartError::Failed(cause.to_string()))?;
        let host = own_host();
        let order_ports = ORDER_PORTS;
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

        let users = run::<user_service::Users>(&settings, stores).await?;
        settings.insert("USER_SERVICE_URL", users.url());
        let catalog = run::<catalog_service::Catalog>(&settings, stores).await?;
        settings.insert("CATALOG_SERVICE_URL", catalog.url());
        let cart = run::<cart_service::Carts>(&settings, stores).await?;
        settings.insert("CART_SERVICE_URL", cart.url());
        let psp = run::<psp_sim::PspSim>(&settings, stores).await?;
        settings.insert("PSP_URL", psp.url());
        settings.insert("STOREFRONT_URL", format!("http://{host}:{STOREFRONT_PORT}"));
        let gateway = run::<api_gateway::Gateway>(&settings, stores).await?;
        let mut shop = Self {
            users,
            catalog,
            cart,
            psp,
            orders: None,
            gateway,
            order_ports,
            host,
            stores: stores.clone(),
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

    /// Starts the storefront, which most tests do without.
    pub async fn open_pages(&self) -> Result<Running, StartError> {
        let mut settings = self.settings.clone();
        let port = self.settings["STOREFRONT_URL"]
            .rsplit(':')
            .next()
            .unwrap_or_default();
        settings.insert("PORT", port.to_owned());
        settings.insert("ADMIN_PORT", "0".to_owned());
        settings.insert("CSRF_SECRET", "only-for-tests-0011223344".to_owned());
        let pages = run::<storefront::Storefront>(&settings, &self.stores).await?;
        wait_ready(&self.at(&pages.admin_url()), 200).await?;
        Ok(pages)
    }

    /// The variables of order-service.
    pub fn order_settings(&self, more: &[(&'static str, &str)]) -> Settings {
        Settings::of(self.order_pairs(more))
    }

    /// The same as pairs, for a process of its own.
    pub fn order_pairs(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let mut settings = self.settings.clone();
        settings.extend(self.stores.of("order-service"));
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

    /// `http://host:port` of order-service.
    pub fn orders_url(&self) -> String {
        format!("http://{}:{}", self.host, self.order_ports.0)
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
}

async fn run<D: Definition>(
    settings: &BTreeMap<&'static str, String>,
    stores: &Stores,
) -> Result<Running, StartError> {
    let mut settings = settings.clone();
    settings.extend(stores.of(D::NAME));
    start::<D>(Settings::of(settings)).await
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
