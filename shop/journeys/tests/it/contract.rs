//! The OpenAPI documents against the running services: schemathesis makes requests up, good and bad ones, from each document,
//! and looks whether the answers are as it says. Its seed is fixed, so each run is the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use http::Method;
use journeys::{OrdersRun, Shop};
use servers::SCHEMATHESIS;

use crate::{GUEST, sign_up, status};

/// Requests made up for each operation.
const EXAMPLES: &str = "25";

/// A service, where it is, and what its requests carry.
struct Service<'a> {
    name: &'a str,
    url: String,
    headers: &'a [String],
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Everything that schemathesis found wrong, as it says it.
fn findings(program: &Path, service: &Service<'_>, more: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(root().join("testing/schemathesis/schemathesis.toml"))
        .arg("run")
        .arg(root().join(format!("shop/{}/openapi.json", service.name)))
        .args(["--url", &service.url, "--max-examples", EXAMPLES])
        .args(more)
        .current_dir(folder.path())
        // Its own, so that nobody's settings for requests or colours change what it does.
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for header in service.headers {
        command.args(["--header", header]);
    }
    let output = command.output().unwrap();
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (!output.status.success()).then_some(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_that_the_documents_know() {
    let Some(program) = SCHEMATHESIS.find().unwrap() else {
        return;
    };
    let shop = Shop::start(&[("RATE_LIMIT", "0")], OrdersRun::Inside)
        .await
        .unwrap();
    shop.stock("KIT-001", 100_000).await.unwrap();
    let token = sign_up(&shop, "ada@example.org").await;
    let customer = [format!("Authorization: Bearer {token}")];
    let guest = [format!("X-Cart-Id: {GUEST}")];
    let services = [
        ("user-service", shop.users.url(), &customer[..]),
        ("catalog-service", shop.catalog.url(), &[]),
        ("cart-service", shop.cart.url(), &customer),
        ("cart-service", shop.cart.url(), &guest),
        (
            "order-service",
            format!("http://{}:{}", shop.host(), shop.order_ports.0),
            &customer,
        ),
        ("psp-sim", shop.psp.url(), &[]),
        ("api-gateway", shop.gateway.url(), &customer),
    ];
    let mut found = Vec::new();
    for (name, url, headers) in services {
        let service = Service { name, url, headers };
        // What ends the session that all others use comes last.
        let more = ["--exclude-operation-id", "logOut"];
        found.extend(tokio::task::block_in_place(|| {
            findings(&program, &service, &more)
        }));
    }
    let leaving = Service {
        name: "user-service",
        url: shop.users.url(),
        headers: &customer,
    };
    let more = ["--include-operation-id", "logOut"];
    found.extend(tokio::task::block_in_place(|| {
        findings(&program, &leaving, &more)
    }));
    assert!(found.is_empty(), "{}", found.join("\n"));
    let me = shop
        .call(Method::GET, "/users/me")
        .header("authorization", &customer[0]["Authorization: ".len()..]);
    assert_eq!(status(me).await, 401, "the session was ended");
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}
