//! The OpenAPI documents against the running services: schemathesis makes requests up, good and bad ones, from each document,
//! and looks whether the answers are as it says. Its seed is fixed, so each run is the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use http::Method;
use journeys::{OrdersRun, Shop};
use serde_json::{Value, json};
use servers::SCHEMATHESIS;

use crate::{GUEST, sign_up, status};

/// Requests made up at random for each operation, besides those at the edges of what its schema allows.
const EXAMPLES: &str = "8";

/// What describes a service, where it is, and what its requests carry.
struct Service<'a> {
    document: PathBuf,
    url: String,
    headers: &'a [String],
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document_of(service: &str) -> PathBuf {
    root().join(format!("shop/{service}/openapi.json"))
}

/// Everything that schemathesis found wrong, as it says it.
fn findings(program: &Path, service: &Service<'_>, more: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(root().join("testing/schemathesis/schemathesis.toml"))
        .arg("run")
        .arg(&service.document)
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

/// A shop with something to sell, and what the requests of a customer carry.
async fn shop() -> (Shop, [String; 1]) {
    let shop = Shop::start(&[("RATE_LIMIT", "0")], OrdersRun::Inside)
        .await
        .unwrap();
    shop.stock("KIT-001", 100_000).await.unwrap();
    let token = sign_up(&shop, "ada@example.org").await;
    (shop, [format!("Authorization: Bearer {token}")])
}

/// All but what ends the session that the other requests use.
const STAYS: [&str; 2] = ["--exclude-operation-id", "logOut"];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_a_service_is_one_that_its_document_knows() {
    let Some(program) = SCHEMATHESIS.find().unwrap() else {
        return;
    };
    let (shop, customer) = shop().await;
    let guest = [format!("X-Cart-Id: {GUEST}")];
    let services = [
        ("user-service", shop.users.url(), &customer[..], STAYS),
        ("catalog-service", shop.catalog.url(), &[], STAYS),
        ("cart-service", shop.cart.url(), &guest, STAYS),
        ("order-service", shop.orders_url(), &customer, STAYS),
        (
            "user-service",
            shop.users.url(),
            &customer,
            ["--include-operation-id", "logOut"],
        ),
    ];
    let mut found = Vec::new();
    for (name, url, headers, more) in services {
        let document = document_of(name);
        let service = Service {
            document,
            url,
            headers,
        };
        found.extend(tokio::task::block_in_place(|| {
            findings(&program, &service, &more)
        }));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    let me = shop
        .call(Method::GET, "/users/me")
        .header("authorization", &customer[0]["Authorization: ".len()..]);
    assert_eq!(status(me).await, 401, "the session was ended");
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_through_the_edge_is_one_that_its_document_knows() {
    let Some(program) = SCHEMATHESIS.find().unwrap() else {
        return;
    };
    let (shop, customer) = shop().await;
    let edge = Service {
        document: document_of("api-gateway"),
        url: shop.gateway.url(),
        headers: &customer,
    };
    let found = tokio::task::block_in_place(|| findings(&program, &edge, &STAYS));
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

/// In a shop of its own: what is charged here belongs to no order, which the books would call a violation.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_payment_provider_is_one_that_its_document_knows() {
    let Some(program) = SCHEMATHESIS.find().unwrap() else {
        return;
    };
    let (shop, _) = shop().await;
    let provider = Service {
        document: document_of("psp-sim"),
        url: shop.psp.url(),
        headers: &[],
    };
    let found = tokio::task::block_in_place(|| findings(&program, &provider, &[]));
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_says_something_else_is_found_out() {
    let Some(program) = SCHEMATHESIS.find().unwrap() else {
        return;
    };
    let (shop, _) = shop().await;
    let document = std::fs::read_to_string(document_of("catalog-service")).unwrap();
    let mut document: Value = serde_json::from_str(&document).unwrap();
    let categories = &mut document["paths"]["/categories"]["get"]["responses"];
    categories["200"] =
        json!({"description": "Numbers.", "content": {"application/json": {"schema": {"type": "integer"}}}});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let catalog = Service {
        document: path,
        url: shop.catalog.url(),
        headers: &[],
    };
    let only = ["--include-operation-id", "categories"];
    let found = tokio::task::block_in_place(|| findings(&program, &catalog, &only));
    let found = found.expect("a finding");
    assert!(found.contains("Response violates schema"), "{found}");
}
