//! Vendure, a shop in TypeScript, as the peer: from npm, on the same PostgreSQL, with its own database and as many products.
//!
//! What differs is said by [`DIFFERENCES`] with each run. Where Node.js is missing or npm cannot fetch it, that is said too.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::customer::post;
use super::load::{Connection, Customer};
use super::stack::{Stack, peer_port};

/// The release that is measured, and its driver for PostgreSQL.
const PACKAGES: [&str; 2] = ["@vendure/core@3.7.3", "pg@8.23.1"];
/// Where it is kept, in the user's cache folder: another release gets another folder.
const FOLDER: &str = "windlass/vendure-3.7.3";
/// Its database.
pub(super) const DATABASE: &str = "vendure";
/// What it runs: this folder's `vendure.js`.
const PROGRAM: &str = include_str!("vendure.js");

/// What is not the same on both sides.
const DIFFERENCES: [&str; 5] = [
    "Vendure is one Node.js process with its job queue inside; our shop is seven processes, the payment provider among them",
    "its list is GraphQL `search` over its own index table, 24 products, its table read for each request as with ours",
    "its checkout is two GraphQL requests, as ours is two: one adds to the order, one sets customer, address, shipping and pays",
    "its payment handler approves within the process; ours asks a provider over HTTP that writes each charge to its disk",
    "it gives no idempotency keys, sends no events to other services, and keeps addresses, taxes and promotions that ours does not have",
];

/// A running server; killed when dropped.
pub(super) struct Vendure {
    address: SocketAddr,
    process: Child,
}

impl Drop for Vendure {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Vendure {
    /// Installs it when it is not there, fills its database and starts it. `None`, and a word about it, where that cannot be done.
    pub(super) fn start(stack: &Stack, say: &dyn Fn(&str)) -> Result<Option<Self>, String> {
        let folder = match installed(say) {
            Ok(folder) => folder,
            Err(why) => {
                say(&format!("Vendure is left out: {why}"));
                return Ok(None);
            }
        };
        let Some(database) = stack.postgres.as_ref().map(|server| server.url(DATABASE)) else {
            return Ok(None);
        };
        say("filling Vendure's database");
        let command = |verb: &str| {
            let mut node = Command::new("node");
            node.current_dir(&folder)
                .args(["--no-deprecation", "vendure.js", verb])
                .env("NODE_ENV", "production")
                .env("PORT", peer_port().to_string())
                .env("DATABASE_URL", &database)
                .env("FOLDER", stack.folder())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit());
            node
        };
        let mut fill = started(command("populate"))?;
        let products = stack.products()?.to_string();
        if let Some(mut input) = fill.stdin.take() {
            input
                .write_all(products.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        let ended = fill.wait_with_output().map_err(|error| error.to_string())?;
        if !ended.status.success() {
            return Err(format!("node vendure.js populate: {}", ended.status));
        }
        let mut vendure = Self {
            address: SocketAddr::from(([127, 0, 0, 1], peer_port())),
            process: started(command("serve"))?,
        };
        vendure.wait_ready()?;
        for difference in DIFFERENCES {
            say(&format!("beside Vendure: {difference}"));
        }
        Ok(Some(vendure))
    }

    /// It says so on its output.
    fn wait_ready(&mut self) -> Result<(), String> {
        let output = self.process.stdout.take().ok_or("vendure.js has no output")?;
        let said = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "ready");
        said.then_some(())
            .ok_or_else(|| "vendure.js serve ended before it was ready".to_owned())
    }

    pub(super) fn readers(&self, count: usize) -> Vec<Reader> {
        (0..count).map(|_| Reader(self.address)).collect()
    }

    pub(super) fn buyers(&self, count: usize) -> Vec<Buyer> {
        (0..count).map(|_| Buyer(self.address)).collect()
    }
}

/// Asks for a list of 24 products again and again.
pub(super) struct Reader(SocketAddr);

impl Customer for Reader {
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String> {
        let query = "{ search(input: {take: 24, groupByProduct: true, sort: {name: ASC}}) { totalItems items { sku productName \
             slug description currencyCode priceWithTax { ... on PriceRange { min max } } } } }";
        let answer = connection
            .ask(&post("/shop-api", "", &json!({ "query": query })))
            .await?;
        let said: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        if said["data"]["search"]["items"].as_array().map_or(0, Vec::len) == 24 {
            return Ok(());
        }
        Err(format!("{}: {}", answer.status, answer.text()))
    }

    fn address(&self) -> SocketAddr {
        self.0
    }
}

/// Buys one thing after another, each time as another guest.
pub(super) struct Buyer(SocketAddr);

impl Customer for Buyer {
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let variant = number * 31 % 90 + 1;
        let add = format!(
            "mutation {{ addItemToOrder(productVariantId: \"{variant}\", quantity: 1) {{ __typename ... on Order {{ code }} }} }}"
        );
        let answer = connection
            .ask(&post("/shop-api", "", &json!({ "query": add })))
            .await?;
        let Some(token) = answer.header("vendure-auth-token").map(str::to_owned) else {
            return Err(format!("{}: {}", answer.status, answer.text()));
        };
        let buy = format!(
            "mutation {{ setCustomerForOrder(input: {{firstName: \"Ada\", lastName: \"L\", emailAddress: \"customer-{number}@example.com\"}}) \
             {{ __typename }} setOrderShippingAddress(input: {{fullName: \"Ada\", streetLine1: \"Lane 1\", postalCode: \"12345\", \
             city: \"Town\", countryCode: \"DE\"}}) {{ __typename }} setOrderShippingMethod(shippingMethodId: [\"1\"]) {{ __typename }} \
             transitionOrderToState(state: \"ArrangingPayment\") {{ __typename }} \
             addPaymentToOrder(input: {{method: \"dummy\", metadata: {{}}}}) {{ __typename ... on Order {{ state }} }} }}"
        );
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let answer = connection
            .ask(&post("/shop-api", &authorization, &json!({ "query": buy })))
            .await?;
        let said: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        if said["data"]["addPaymentToOrder"]["state"] == "PaymentSettled" {
            return Ok(());
        }
        Err(format!("{}: {}", answer.status, answer.text()))
    }

    fn address(&self) -> SocketAddr {
        self.0
    }
}

fn started(mut command: Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("node: {error}"))
}

/// Where it is installed, after installing it if it was not. The error says what is missing.
fn installed(say: &dyn Fn(&str)) -> Result<PathBuf, String> {
    let folder = cache()?.join(FOLDER);
    // Written last, so that a broken installation is begun anew.
    let complete = folder.join("complete");
    if !complete.is_file() {
        say(&format!(
            "installing {} into {}",
            PACKAGES.join(" and "),
            folder.display()
        ));
        install(&folder)?;
        write(&complete, &PACKAGES.join("\n"))?;
    }
    write(&folder.join("vendure.js"), PROGRAM)?;
    Ok(folder)
}

fn install(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write(&folder.join("package.json"), "{\"private\": true}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder)
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .args(PACKAGES)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    match npm.status() {
        Ok(ended) if ended.success() => Ok(()),
        Ok(ended) => Err(format!("npm install: {ended}")),
        Err(error) => Err(format!("npm: {error} (Node.js 20 or newer is needed)")),
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn cache() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        return Ok(named);
    }
    let home = std::env::var_os("HOME").ok_or("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache"))
}
