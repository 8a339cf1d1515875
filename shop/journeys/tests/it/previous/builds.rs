//! The previous build's programs as processes, and both builds behind one face.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use journeys::{Shop, Stores, wait_ready};
use service_kit::client::Upstream;
use service_kit::{Definition, Kit, Parts, Running, Settings, StartError, read_body, start};

/// Where the programs are.
pub(crate) struct Build(PathBuf);

/// The services of one build.
pub(crate) struct Sides {
    pub(crate) users: Upstream,
    pub(crate) carts: Upstream,
    pub(crate) orders: Upstream,
    pub(crate) gateway: Upstream,
}

/// The previous build beside a shop, on its data.
pub(crate) struct Beside {
    pub(crate) sides: Sides,
    pub(crate) catalog_url: String,
    pub(crate) carts_url: String,
    _processes: Vec<Process>,
}

/// One program of it, which is killed when it is dropped.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The previous build; `None`, said on standard error, where there is none. With `CI=true` that is a failure.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
pub(crate) fn previous() -> Option<Build> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    let named = std::fs::read_to_string(target.join("previous")).unwrap_or_default();
    let folder = PathBuf::from(named.trim());
    if folder.join("order-service").is_file() {
        return Some(Build(folder));
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(
        !ci,
        "the previous build is not there, and with CI=true no test is left out\nhint: cargo xtask previous build"
    );
    eprintln!("left out: there is no previous build (cargo xtask previous build)");
    None
}

/// This build, which runs inside the test.
pub(crate) fn this(shop: &Shop) -> Sides {
    Sides {
        users: shop.at(&shop.users.url()),
        carts: shop.at(&shop.cart.url()),
        orders: shop.at(&format!("http://{}:{}", shop.host(), shop.order_ports.0)),
        gateway: shop.at(&shop.gateway.url()),
    }
}

/// Each service with data, and the port that its previous build gets on a shop's own address.
const PORTS: [(&str, u16); 5] = [
    ("user-service", 26_001),
    ("catalog-service", 26_002),
    ("cart-service", 26_003),
    ("order-service", 26_004),
    ("api-gateway", 26_000),
];
const PAGES_PORT: u16 = 26_005;

impl Build {
    /// The previous build alone, before there is a shop.
    pub(crate) fn alone<'a>(&'a self, stores: &'a Stores, data: &'a str) -> Alone<'a> {
        Alone {
            build: self,
            stores,
            data,
        }
    }

    /// All services of it on the data of a shop, ready.
    pub(crate) async fn beside(&self, shop: &Shop, stores: &Stores) -> Beside {
        let url = |port: u16| format!("http://{}:{port}", shop.host());
        let mut processes = Vec::new();
        for (service, port) in PORTS {
            let mut command = self.command(service, shop, port);
            command.envs(stores.of(service));
            processes.push(run(shop, command, port).await);
        }
        Beside {
            sides: Sides {
                users: shop.at(&url(26_001)),
                carts: shop.at(&url(26_003)),
                orders: shop.at(&url(26_004)),
                gateway: shop.at(&url(26_000)),
            },
            catalog_url: url(26_002),
            carts_url: url(26_003),
            _processes: processes,
        }
    }

    /// Order-service of either build, where the shop expects it.
    pub(crate) async fn orders(&self, shop: &Shop, previous: bool, more: &[(&'static str, &str)]) -> Orders {
        if !previous {
            let settings = shop.order_settings(more);
            let running = start::<order_service::Orders>(settings).await.unwrap();
            wait_ready(&shop.at(&shop.orders_admin_url()), 200).await.unwrap();
            return Orders::This(Box::new(running));
        }
        let mut command = Command::new(self.0.join("order-service"));
        command.envs(shop.order_pairs(more)).env("LOG_LEVEL", "error");
        let child = command.spawn().unwrap();
        let process = Process(child);
        wait_ready(&shop.at(&shop.orders_admin_url()), 200).await.unwrap();
        Orders::Previous(process)
    }

    /// The previous storefront.
    pub(crate) async fn pages(&self, shop: &Shop) -> Pages {
        let mut command = self.command("storefront", shop, PAGES_PORT);
        command.env("CSRF_SECRET", "only-for-tests-0011223344");
        Pages {
            _process: run(shop, command, PAGES_PORT).await,
            at: shop.at(&format!("http://{}:{PAGES_PORT}", shop.host())),
        }
    }

    fn command(&self, service: &str, shop: &Shop, port: u16) -> Command {
        let mut command = Command::new(self.0.join(service));
        command
            .envs(shop.settings())
            .env("APP_VERSION", "previous")
            .env("LOG_LEVEL", "error")
            .env("PORT", port.to_string())
            .stdin(Stdio::null());
        command
    }
}

/// The previous storefront's process.
pub(crate) struct Pages {
    pub(crate) at: Upstream,
    _process: Process,
}

async fn run(shop: &Shop, mut command: Command, port: u16) -> Process {
    let process = Process(command.spawn().unwrap());
    let admin = shop.at(&format!("http://{}:{}", shop.host(), port + 6000));
    wait_ready(&admin, 200).await.unwrap();
    process
}

/// The previous build where nothing runs yet.
pub(crate) struct Alone<'a> {
    build: &'a Build,
    stores: &'a Stores,
    data: &'a str,
}

impl Alone<'_> {
    /// Writes its schemas, and what it fills them with.
    pub(crate) fn migrate(&self) {
        for service in [
            "user-service",
            "catalog-service",
            "cart-service",
            "order-service",
            "psp-sim",
        ] {
            let mut command = Command::new(self.build.0.join(service));
            command
                .args(["migrate", "expand"])
                .env("DATA_DIR", self.data)
                .env("LOG_LEVEL", "error")
                .envs(self.stores.of(service));
            assert!(command.status().unwrap().success(), "{service}");
        }
    }
}

/// Order-service of one of the builds.
pub(crate) enum Orders {
    This(Box<Running>),
    Previous(Process),
}

impl Orders {
    /// Ends it, and waits for that.
    pub(crate) async fn stop(self) {
        match self {
            Self::This(running) => running.stop().await,
            Self::Previous(process) => drop(process),
        }
    }
}

/// A way to the catalogue that lets everything through but events; they are refused. It lives as long as the test.
pub(crate) async fn refuses_events(catalog: &str) -> String {
    let settings = Settings::of([
        ("BIND", "127.0.0.1".to_owned()),
        ("PORT", "0".to_owned()),
        ("CATALOG_SERVICE_URL", catalog.to_owned()),
    ]);
    let running = start::<Deaf>(settings).await.unwrap();
    let url = running.url();
    std::mem::forget(running);
    url
}

struct Deaf;

impl Definition for Deaf {
    const NAME: &'static str = "deaf";
    const PORT: u16 = 0;

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let catalog = kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?;
        Ok(Parts::of(Router::new().fallback(pass).with_state(catalog)))
    }
}

async fn pass(State(catalog): State<Upstream>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if head.method == Method::POST && head.uri.path().starts_with("/internal/") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let body = read_body(body, 1 << 20).await.unwrap();
    let call = catalog.call(head.method, head.uri.to_string()).raw(body);
    let reply = call
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    (reply.status, reply.headers, reply.body).into_response()
}
