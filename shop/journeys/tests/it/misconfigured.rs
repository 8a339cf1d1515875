//! Services that are told nonsense, or whose stores are not there: who is wrong and how it should be is said, and nothing is lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use journeys::wait_ready;
use serde_json::Value;
use service_kit::{Definition, Settings, StartError, run_with, start};

/// Everything that any service needs, on free ports.
fn complete(folder: &std::path::Path) -> BTreeMap<&'static str, String> {
    let mut all: BTreeMap<&'static str, String> = [
        ("BIND", "127.0.0.1"),
        ("PORT", "0"),
        ("JWT_SECRET", "only-for-tests-0123456789"),
        ("PSP_SECRET", "only-for-tests-9876543210"),
        ("CSRF_SECRET", "only-for-tests-0011223344"),
        ("SHUTDOWN_GRACE", "1s"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    for name in [
        "USER_SERVICE_URL",
        "CATALOG_SERVICE_URL",
        "CART_SERVICE_URL",
        "ORDER_SERVICE_URL",
        "STOREFRONT_URL",
        "PSP_URL",
    ] {
        all.insert(name, "http://127.0.0.1:9".to_owned());
    }
    all.insert("DATA_DIR", folder.display().to_string());
    all
}

/// What a service says to these settings, and the exit code of its process.
async fn refusal<D: Definition>(settings: &BTreeMap<&'static str, String>) -> String {
    let text = match start::<D>(Settings::of(settings.clone())).await {
        Err(StartError::Setting(error)) => error.to_string(),
        Err(other) => panic!("{} exits with 1: {other}", D::NAME),
        Ok(_) => panic!("{} starts with {settings:?}", D::NAME),
    };
    let settings = Settings::of(settings.clone());
    let code = tokio::task::spawn_blocking(move || run_with::<D>(&["serve"], settings))
        .await
        .unwrap();
    assert_eq!(format!("{code:?}"), "ExitCode(unix_exit_status(2))", "{text}");
    text
}

/// Takes each of these variables away, then gives each a value without the expected form.
async fn names_what_is_wrong<D: Definition>(needed: &[&'static str]) {
    let folder = tempfile::tempdir().unwrap();
    let complete = complete(folder.path());
    for name in needed {
        let mut settings = complete.clone();
        settings.remove(name);
        let text = refusal::<D>(&settings).await;
        assert!(
            text.starts_with(&format!("{name} is not set: expected ")),
            "{text}"
        );
        settings.insert(name, "short".to_owned());
        let text = refusal::<D>(&settings).await;
        assert!(text.starts_with(name) && text.contains(": expected "), "{text}");
        let secret = name.ends_with("_SECRET");
        assert_eq!(
            text.contains("`short`"),
            !secret,
            "a secret is not repeated: {text}"
        );
    }
    for (name, value) in [
        ("PORT", "http"),
        ("SHUTDOWN_GRACE", "20"),
        ("SHOP_ENV", "prod"),
        ("ADMIN_PORT", "70000"),
    ] {
        let mut settings = complete.clone();
        settings.insert(name, value.to_owned());
        let text = refusal::<D>(&settings).await;
        assert!(
            text.starts_with(&format!("{name} is `{value}`: expected ")),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named_with_the_form_that_they_need() {
    names_what_is_wrong::<user_service::Users>(&["JWT_SECRET"]).await;
    names_what_is_wrong::<catalog_service::Catalog>(&[]).await;
    names_what_is_wrong::<cart_service::Carts>(&["JWT_SECRET", "USER_SERVICE_URL", "CATALOG_SERVICE_URL"])
        .await;
    names_what_is_wrong::<order_service::Orders>(&[
        "JWT_SECRET",
        "PSP_SECRET",
        "USER_SERVICE_URL",
        "CATALOG_SERVICE_URL",
        "CART_SERVICE_URL",
        "PSP_URL",
    ])
    .await;
    names_what_is_wrong::<storefront::Storefront>(&[
        "CSRF_SECRET",
        "USER_SERVICE_URL",
        "CATALOG_SERVICE_URL",
        "CART_SERVICE_URL",
        "ORDER_SERVICE_URL",
    ])
    .await;
    names_what_is_wrong::<psp_sim::PspSim>(&["PSP_SECRET", "ORDER_SERVICE_URL"]).await;
    names_what_is_wrong::<api_gateway::Gateway>(&[
        "JWT_SECRET",
        "USER_SERVICE_URL",
        "CATALOG_SERVICE_URL",
        "CART_SERVICE_URL",
        "ORDER_SERVICE_URL",
        "STOREFRONT_URL",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_stores_are_refused_without_being_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &'static str, value: &str| {
        let mut settings = complete(folder.path());
        settings.insert(name, value.to_owned());
        settings
    };
    let refused = [
        refusal::<user_service::Users>(&with("DATABASE_URL", "mysql://root:hunter2@db/x")).await,
        refusal::<order_service::Orders>(&with("DATABASE_URL", "mongodb://root:hunter2@db/x")).await,
        refusal::<catalog_service::Catalog>(&with("CATALOG_URL", "redis://:hunter2@db")).await,
        // No database is named.
        refusal::<catalog_service::Catalog>(&with("CATALOG_URL", "mongodb://root:hunter2@db:27017")).await,
        refusal::<catalog_service::Catalog>(&with("CATALOG_URL", "mongodb://root:hunter2@")).await,
        refusal::<cart_service::Carts>(&with("CART_URL", "redis:hunter2")).await,
        refusal::<api_gateway::Gateway>(&with("REDIS_URL", "http://hunter2")).await,
    ];
    for text in refused {
        assert!(
            text.contains("_URL is `***`: expected ") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

/// A service whose store is not there lives, says so, and waits.
async fn waits_for<D: Definition>(variable: &'static str, url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = complete(folder.path());
    settings.insert(variable, url.to_owned());
    let running = start::<D>(Settings::of(settings)).await.unwrap();
    let admin = running.kit().upstream_at("admin", &running.admin_url()).unwrap();
    let began = Instant::now();
    let checks = loop {
        let reply = admin.get("/ready").send().await.unwrap();
        assert_eq!(reply.status.as_u16(), 503, "{url}");
        let document: Value = reply.json().unwrap();
        let checks = document["checks"].to_string();
        if checks.contains("does not answer") || checks.contains("no answer within") {
            break checks;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{url}: {document}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(!checks.contains("hunter2"), "{checks}");
    wait_ready(&admin, 503).await.unwrap();
    assert_eq!(admin.get("/health").send().await.unwrap().status.as_u16(), 200);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_waited_for() {
    waits_for::<user_service::Users>("DATABASE_URL", "postgres://shop:hunter2@127.0.0.1:9/users").await;
    waits_for::<order_service::Orders>("DATABASE_URL", "postgres://shop:hunter2@127.0.0.1:9/orders").await;
    waits_for::<catalog_service::Catalog>("CATALOG_URL", "mongodb://shop:hunter2@127.0.0.1:9/catalog").await;
    waits_for::<cart_service::Carts>("CART_URL", "redis://:hunter2@127.0.0.1:9/0").await;
}
