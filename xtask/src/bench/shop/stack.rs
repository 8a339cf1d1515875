//! The shop's processes, as in production but all on this machine: six services, the payment provider that is not one, and
//! PostgreSQL with the data of four of them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use servers::{Durable, Postgres};

use super::load::Connection;
use crate::bench::load::to_f64;

/// How long anything may take to start or to come to rest.
const START_MAX: Duration = Duration::from_secs(20);
const REST_MAX: Duration = Duration::from_mins(2);
/// Pieces of each product, more than can be bought.
const PIECES: u32 = 1_000_000;
/// Where administration is, above a service's port.
const ADMIN: u16 = 6000;

/// A service: its name, its port, and the database that it has on the server under its variable.
type Service = (&'static str, u16, Option<(&'static str, &'static str)>);

const SERVICES: [Service; 7] = [
    ("psp-sim", 3006, None),
    ("user-service", 3001, Some(("DATABASE_URL", "users"))),
    ("catalog-service", 3002, Some(("CATALOG_URL", "catalog"))),
    ("cart-service", 3003, Some(("CART_URL", "carts"))),
    ("order-service", 3004, Some(("DATABASE_URL", "orders"))),
    ("storefront", 3005, None),
    ("api-gateway", 3000, None),
];
/// It plays the provider, so it is no part of the shop.
const PROVIDER: &str = "psp-sim";

/// The processes and their data, which goes away with it.
pub(super) struct Stack {
    running: Vec<Process>,
    /// `None` where each service has a file.
    pub(super) postgres: Option<Postgres>,
    folder: tempfile::TempDir,
    programs: PathBuf,
    host: IpAddr,
}

struct Process {
    service: &'static str,
    child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stack {
    /// Starts PostgreSQL and writes schemas and products; `None` where it is not installed. No service runs yet.
    pub(super) fn on_postgres() -> Result<Option<Self>, String> {
        let databases: Vec<&str> = SERVICES
            .iter()
            .filter_map(|(.., database)| Some(database.as_ref()?.1))
            .chain([super::vendure::DATABASE])
            .collect();
        let Some(postgres) = Postgres::start_as(&databases, Durable::Disk)? else {
            return Ok(None);
        };
        Self::prepare(Some(postgres)).map(Some)
    }

    /// The same with a file for each service.
    pub(super) fn on_files() -> Result<Self, String> {
        Self::prepare(None)
    }

    fn prepare(postgres: Option<Postgres>) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let process = std::process::id().to_be_bytes();
        let stack = Self {
            running: Vec::new(),
            postgres,
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
            programs: own.parent().map(PathBuf::from).unwrap_or_default(),
            // An address of this run alone, so that the usual ports are free there.
            host: IpAddr::from([127, 80 + process[2] % 40, process[3], 10]),
        };
        for (service, ..) in SERVICES
            .iter()
            .filter(|(name, _, database)| database.is_some() || *name == PROVIDER)
        {
            let mut migrate = stack.command(service);
            let ended = migrate.args(["migrate", "expand"]).status();
            let ended = ended.map_err(|error| format!("{service}: {error}"))?;
            if !ended.success() {
                return Err(format!("{service} migrate expand: {ended}"));
            }
        }
        Ok(stack)
    }

    /// What the server says to a question about the orders' database; empty where there is none.
    pub(super) fn server_says(&self, question: &str) -> Result<String, String> {
        let server = self.postgres.as_ref();
        server.map_or(Ok(String::new()), |server| server.say("orders", question))
    }

    /// How long each service takes from its start until it says that it can serve, in milliseconds; several times, and alone.
    pub(super) fn ready_times(&mut self, times: usize) -> Result<Vec<(&'static str, Vec<f64>)>, String> {
        let ours = SERVICES.iter().filter(|(name, ..)| *name != PROVIDER);
        ours.map(|(service, port, _)| {
            let took = (0..times).map(|_| {
                let began = Instant::now();
                let _process = self.start(service)?;
                self.wait_ready(service, *port)?;
                Ok(began.elapsed().as_secs_f64() * 1e3)
            });
            Ok((*service, took.collect::<Result<_, String>>()?))
        })
        .collect()
    }

    /// Starts all and waits until all can serve.
    pub(super) fn start_all(&mut self) -> Result<(), String> {
        for (service, ..) in SERVICES {
            let process = self.start(service)?;
            self.running.push(process);
        }
        SERVICES
            .iter()
            .try_for_each(|(service, port, _)| self.wait_ready(service, *port))
    }

    /// Where customers come in.
    pub(super) fn gateway(&self) -> SocketAddr {
        SocketAddr::new(self.host, 3000)
    }

    /// Resident memory of the shop's services, and their share of what is shared, in MiB.
    pub(super) fn memory_mib(&self) -> Result<(f64, f64), String> {
        let (mut resident, mut proportional) = (0, 0);
        for process in self.running.iter().filter(|process| process.service != PROVIDER) {
            let path = format!("/proc/{}/smaps_rollup", process.child.id());
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            let kib = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                    .ok_or_else(|| format!("{path} says nothing of {name}"))
            };
            resident += kib("Rss:")?;
            proportional += kib("Pss:")?;
        }
        Ok((to_f64(resident) / 1024.0, to_f64(proportional) / 1024.0))
    }

    /// A folder for anybody's files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What our shop shows first.
    pub(super) fn products(&self) -> Result<Value, String> {
        let mut listed = ask(self.gateway(), "GET", "/api/v1/products?limit=100", None)?;
        Ok(listed["products"].take())
    }

    /// Enough of everything for a long day; says what is sold.
    pub(super) fn fill_shelves(&self) -> Result<Vec<String>, String> {
        let products = self.products()?;
        let products = products.as_array().map_or(&[][..], Vec::as_slice);
        let skus: Vec<String> = products
            .iter()
            .filter_map(|product| product["sku"].as_str().map(str::to_owned))
            .collect();
        for sku in &skus {
            self.stock(sku, PIECES)?;
        }
        if skus.is_empty() {
            return Err("the shop sells nothing".to_owned());
        }
        Ok(skus)
    }

    /// So many pieces of a product are there from now on.
    pub(super) fn stock(&self, sku: &str, pieces: u32) -> Result<(), String> {
        let level = json!({"on_hand": pieces});
        let path = format!("/stock/{sku}");
        ask(self.admin("order-service"), "PUT", &path, Some(&level)).map(drop)
    }

    /// How many promises were broken, once nothing is on its way any more.
    pub(super) fn verify(&self, acknowledged: &[String]) -> Result<f64, String> {
        let began = Instant::now();
        loop {
            let said = ask(self.admin("order-service"), "GET", "/verify", None)?;
            let waiting: i64 = ["orders_pending", "outbox_waiting", "refunds_waiting"]
                .iter()
                .map(|name| said["counts"][name].as_i64().unwrap_or(0))
                .sum();
            if waiting == 0 {
                break;
            }
            if began.elapsed() > REST_MAX {
                return Err(format!(
                    "after {REST_MAX:?} there is still work: {}",
                    said["counts"]
                ));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let file = self.folder.path().join("acknowledged");
        std::fs::write(&file, acknowledged.join("\n")).map_err(|error| error.to_string())?;
        let mut verify = Command::new(self.programs.join("shopload"));
        verify.arg("verify").arg("--acknowledged").arg(&file);
        for (option, service) in [
            ("--orders", "order-service"),
            ("--psp", PROVIDER),
            ("--catalog", "catalog-service"),
            ("--cart", "cart-service"),
        ] {
            verify.arg(option).arg(format!("http://{}", self.admin(service)));
        }
        let output = verify.output().map_err(|error| format!("shopload: {error}"))?;
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("shopload verify: {}", String::from_utf8_lossy(&output.stderr)))?;
        if said["orders"].as_u64() < Some(acknowledged.len() as u64) {
            return Err(format!("{} orders were acknowledged: {said}", acknowledged.len()));
        }
        Ok(to_f64(said["violations"].as_array().map_or(0, Vec::len) as u64))
    }

    fn start(&self, service: &'static str) -> Result<Process, String> {
        let child = self.command(service).spawn();
        let child = child.map_err(|error| format!("{service}: {error}"))?;
        Ok(Process { service, child })
    }

    fn command(&self, service: &str) -> Command {
        let mut command = Command::new(self.programs.join(service));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .env("SHOP_ENV", "production")
            .env("BIND", self.host.to_string())
            .env("LOG_LEVEL", "warn")
            .env("DATA_DIR", self.folder.path())
            .env("JWT_SECRET", "only-for-benchmarks-jwt")
            .env("PSP_SECRET", "only-for-benchmarks-psp")
            .env("CSRF_SECRET", "only-for-benchmarks-csrf");
        for (name, port, database) in SERVICES {
            let variable = match name {
                PROVIDER => "PSP_URL".to_owned(),
                "storefront" => "STOREFRONT_URL".to_owned(),
                _ => format!("{}_URL", name.to_uppercase().replace('-', "_")),
            };
            command.env(variable, format!("http://{}:{port}", self.host));
            if name == service {
                command.env("PORT", port.to_string());
                if let Some(((variable, database), server)) = database.zip(self.postgres.as_ref()) {
                    command.env(variable, server.url(database));
                }
            }
        }
        command
    }

    fn admin(&self, service: &str) -> SocketAddr {
        let known = SERVICES.iter().find(|(name, ..)| *name == service);
        SocketAddr::new(self.host, known.map_or(0, |(_, port, _)| port + ADMIN))
    }

    fn wait_ready(&self, service: &str, port: u16) -> Result<(), String> {
        let began = Instant::now();
        while !self.is_ready(port) {
            if began.elapsed() > START_MAX {
                return Err(format!("{service} is not ready within {START_MAX:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn is_ready(&self, port: u16) -> bool {
        use std::io::{Read as _, Write as _};
        let asked = std::net::TcpStream::connect((self.host, port + ADMIN)).and_then(|mut stream| {
            stream.write_all(b"GET /ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(status)
        });
        asked.is_ok_and(|status| status.ends_with(b" 200"))
    }
}

/// Where a peer may listen, on the usual loopback address: below the range of outgoing connections.
pub(super) fn peer_port() -> u16 {
    20_000 + u16::try_from(std::process::id() % 10_000).unwrap_or(0)
}

fn ask(to: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut connection = Connection::to(to);
        let answer = connection.ask(request.as_bytes()).await?;
        if answer.status == 200 {
            return serde_json::from_slice(answer.body).map_err(|error| error.to_string());
        }
        Err(format!("{method} {path}: {}: {}", answer.status, answer.text()))
    })
}
