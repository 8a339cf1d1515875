//! What clients send that want no good: requests that are read as two, headers without end, operators instead of values,
//! fields that are not theirs, other people's keys; and what passwords and logs must not give away.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use http::Method;
use journeys::{OrdersRun, Shop, wait_ready};
use serde_json::{Value, json};
use service_kit::{Settings, run_with};

use crate::{GOOD, GUEST, document, kind, sign_up, status};

const PASSWORD: &str = "correct horse battery";

/// What a server answers to these bytes until it closes the connection, or is silent for a while.
fn raw(url: &str, bytes: &[u8]) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // It may close while we still write.
    let _ = stream.write_all(bytes);
    let (mut answer, mut part) = (Vec::new(), [0_u8; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// How often a route of the catalogue was asked for.
async fn asked(shop: &Shop, route: &str) -> u64 {
    let metrics = shop
        .at(&shop.catalog.admin_url())
        .get("/metrics")
        .send()
        .await
        .unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    let counts = metrics.lines().filter(|line| {
        line.starts_with("shop_http_requests_total") && line.contains(&format!("route=\"{route}\""))
    });
    counts
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_never_read_as_two() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let hidden = "GET /api/v1/products/HIDDEN HTTP/1.1\r\nHost: shop\r\n\r\n";
    let head = |more: &str| {
        format!("POST /api/v1/prices HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n{more}\r\n")
    };
    let ambiguous = [
        // Whoever believes the length sees one request, whoever believes the chunks two.
        head(&format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
            5 + hidden.len()
        )) + "0\r\n\r\n"
            + hidden,
        head(&format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
            5 + hidden.len()
        )) + "0\r\n\r\n"
            + hidden,
        head(&format!(
            "Content-Length: 0\r\nContent-Length: {}\r\n",
            hidden.len()
        )) + hidden,
        head(&format!("Content-Length: 0, {}\r\n", hidden.len())) + hidden,
        head("Content-Length: +0\r\n") + hidden,
        head("Content-Length : 0\r\n") + hidden,
        head("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n" + hidden,
        head("Transfer-Encoding: chunked, identity\r\n") + "0\r\n\r\n" + hidden,
        head("Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n" + hidden,
    ];
    for request in ambiguous {
        let url = shop.gateway.url();
        let sent = request.clone();
        let answer = tokio::task::spawn_blocking(move || raw(&url, sent.as_bytes()))
            .await
            .unwrap();
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{request}\n{answer}");
    }
    assert_eq!(
        asked(&shop, "/products/{sku}").await,
        0,
        "what was hidden came through"
    );
    let endless = format!(
        "GET /api/v1/categories HTTP/1.1\r\nHost: shop\r\nX-Long: {}\r\n\r\n",
        "x".repeat(80_000)
    );
    let url = shop.gateway.url();
    let answer = tokio::task::spawn_blocking(move || raw(&url, endless.as_bytes()))
        .await
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(),
        "{answer}"
    );
    assert_eq!(status(shop.get("/categories")).await, 200, "and it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_and_foreign_fields_are_only_values() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let post = |path: &str, body: &Value| shop.call(Method::POST, path).json(body);
    let refused = [
        (
            "/sessions",
            json!({"email": {"$gt": ""}, "password": {"$gt": ""}}),
        ),
        ("/prices", json!({"skus": [{"$ne": null}]})),
        ("/prices", json!({"skus": {"$ne": null}})),
        (
            "/users",
            json!({"name": ["Ada"], "email": "a@example.org", "password": PASSWORD}),
        ),
        ("/cart/items", json!({"sku": {"$regex": "."}, "quantity": 1})),
    ];
    for (path, body) in refused {
        assert_eq!(
            status(post(path, &body).header("x-cart-id", GUEST)).await,
            422,
            "{path} {body}"
        );
    }
    let all = document(shop.get("/products?limit=3")).await;
    for query in [
        "/products?limit=3&category[$ne]=kitchen",
        "/products?limit=3&sku[$ne]=x",
    ] {
        assert_eq!(document(shop.get(query)).await, all, "{query}");
    }
    for nothing in [
        "/products?q=%27%20or%201%3D1%20--",
        "/products?category=%7B%22%24ne%22%3A1%7D",
        "/products?q=.%2A",
    ] {
        assert_eq!(
            document(shop.get(nothing)).await["products"],
            json!([]),
            "{nothing}"
        );
    }
    assert_eq!(
        kind(shop.get("/products/%7B%22%24ne%22%3Anull%7D")).await,
        "not-found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_is_its_maker_does_not_say() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let post = |path: &str, body: &Value| shop.call(Method::POST, path).json(body);
    let greedy = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD, "role": "admin",
        "id": "01900000-0000-7000-8000-000000000001", "created_at": "1970-01-01T00:00:00Z"});
    let session = document(post("/users", &greedy)).await;
    let user = session["user"].clone();
    assert_ne!(
        (&user["id"], &user["created_at"]),
        (&greedy["id"], &greedy["created_at"])
    );
    assert!(
        user.get("role").is_none() && user.get("password").is_none(),
        "{user}"
    );
    let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
    let change =
        json!({"name": "Eve", "email": "eve@example.org", "id": "x", "password": "another long password"});
    let changed = shop
        .call(Method::PATCH, "/users/me")
        .json(&change)
        .header("authorization", &bearer);
    let changed = document(changed).await;
    assert_eq!(
        (&changed["name"], &changed["email"], &changed["id"]),
        (&json!("Eve"), &user["email"], &user["id"])
    );
    let log_in = post(
        "/sessions",
        &json!({"email": "ada@example.org", "password": PASSWORD}),
    );
    assert_eq!(status(log_in).await, 201, "the password is the old one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_key_opens_no_customers_cart_and_no_other_site_is_answered() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    let token = sign_up(&shop, "ada@example.org").await;
    let bearer = format!("Bearer {token}");
    let add = shop
        .call(Method::POST, "/cart/items")
        .header("authorization", &bearer)
        .json(&json!({"sku": "KIT-001", "quantity": 3}));
    assert_eq!(document(add).await["pieces"], 3);
    let me = document(shop.get("/users/me").header("authorization", &bearer)).await;
    let id = me["id"].as_str().unwrap().to_owned();
    let eve = format!("Bearer {}", sign_up(&shop, "eve@example.org").await);
    let own = document(shop.get("/cart").header("x-cart-id", &id)).await;
    assert_eq!(own["pieces"], 0, "a customer's id is no key");
    let takes = shop
        .call(Method::POST, "/cart/merge")
        .json(&json!({"from": id}))
        .header("authorization", &eve);
    assert_eq!(document(takes).await["pieces"], 0);
    for from in [
        format!("user:{id}"),
        "guest:0123456789abcdef".to_owned(),
        "*".repeat(20),
    ] {
        let takes = shop
            .call(Method::POST, "/cart/merge")
            .json(&json!({"from": from}))
            .header("authorization", &eve);
        assert_eq!(kind(takes).await, "invalid", "{from}");
    }
    let cart = document(shop.get("/cart").header("authorization", &bearer)).await;
    assert_eq!(cart["pieces"], 3);

    // Stock and prices are changed on a port that the edge does not have.
    for path in ["/stock/KIT-001", "/products/KIT-001"] {
        let change = shop
            .call(Method::PUT, path)
            .json(&json!({"on_hand": 0}))
            .header("authorization", &bearer);
        let answer = status(change).await;
        assert!(matches!(answer, 404 | 405), "{path}: {answer}");
        let event = shop.call(Method::POST, "/internal/events").json(&json!({}));
        assert_eq!(status(event).await, 404);
    }
    for (method, path) in [
        (Method::GET, "/users/me"),
        (Method::OPTIONS, "/users/me"),
        (Method::GET, "/products"),
    ] {
        let reply = shop
            .call(method, path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "PATCH")
            .header("authorization", &bearer)
            .send()
            .await
            .unwrap();
        let names = reply.headers.keys().map(http::HeaderName::as_str);
        assert!(
            names.into_iter().all(|name| !name.starts_with("access-control")),
            "{path}"
        );
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_costs_as_much_time_as_a_wrong_password() {
    // Enough work that it is what a login takes.
    let shop = Shop::start(&[("PASSWORD_COST", "2048,2,1")], OrdersRun::Elsewhere)
        .await
        .unwrap();
    let emails: Vec<String> = (0..3).map(|number| format!("ada{number}@example.org")).collect();
    for email in &emails {
        sign_up(&shop, email).await;
    }
    let tries = async |email: &str| {
        let call = shop
            .call(Method::POST, "/sessions")
            .json(&json!({"email": email, "password": "a wrong password"}));
        let began = Instant::now();
        assert_eq!(kind(call).await, "wrong-credentials");
        began.elapsed()
    };
    // One beside the other, so that what else the machine does falls on both.
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..21 {
        known.push(tries(&emails[number % 3]).await);
        unknown.push(tries(&format!("nobody{number}@example.org")).await);
    }
    known.sort_unstable();
    unknown.sort_unstable();
    let ratio = unknown[10].as_secs_f64() / known[10].as_secs_f64();
    // Without the same work it is a tenth or less.
    assert!(
        (0.5..2.0).contains(&ratio),
        "{ratio}: {:?} and {:?}",
        unknown[10],
        known[10]
    );
}

/// Says to this test program which service it is.
const CHILD: &str = "SHOP_TEST_TALKATIVE";

/// Not a test by itself: a service that logs everything it can.
#[test]
fn talkative_process() {
    let settings = Settings::from_environment;
    let service = std::env::var(CHILD).unwrap_or_default();
    if service == "user-service" {
        run_with::<user_service::Users>(&["serve"], settings());
    } else if service == "order-service" {
        run_with::<order_service::Orders>(&["serve"], settings());
    }
}

/// A service in a process of its own, which says everything into a file.
struct Talkative {
    child: Child,
    said: tempfile::NamedTempFile,
}

impl Drop for Talkative {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Talkative {
    fn said(self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.said.path()).unwrap()).into_owned()
    }
}

fn talkative(service: &str, settings: &[(&'static str, String)]) -> Talkative {
    let said = tempfile::NamedTempFile::new().unwrap();
    let end = || {
        std::fs::OpenOptions::new()
            .append(true)
            .open(said.path())
            .unwrap()
    };
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::talkative_process", "--nocapture"])
        .envs(settings.iter().cloned())
        .env(CHILD, service)
        .env("LOG_LEVEL", "trace")
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    Talkative { child, said }
}

/// Fails when a log says one of these, or hardly anything at all.
fn keeps_to_itself(log: &str, secrets: &[&str]) {
    let answers = log.matches("\"answered\"").count();
    assert!(answers >= 2, "it logs nothing:\n{log}");
    for secret in secrets {
        assert!(!log.contains(secret), "it logs {secret}");
    }
}

/// The files of a database, as they are.
fn database(folder: &Path, service: &str) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(service));
    let bytes: Vec<u8> = files
        .flat_map(|file| std::fs::read(file.path()).unwrap())
        .collect();
    assert!(!bytes.is_empty(), "{service} has no database");
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_logs_nor_orders_hold_cards() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let orders = talkative("order-service", &shop.order_pairs(&[]));
    wait_ready(&shop.at(&shop.orders_admin_url()), 200).await.unwrap();
    shop.stock("KIT-001", 5).await.unwrap();
    for (key, card, expected) in [
        ("key-00000001", GOOD, 201),
        ("key-00000002", "4000 0000 0000 0002", 402),
    ] {
        let bought = shop.checkout(GUEST, key, card, Some(&[("KIT-001", 1)]));
        assert_eq!(status(bought).await, expected);
    }
    let cards = [
        "4242 4242 4242 4242",
        "4242424242424242",
        "4000000000000002",
        "4000 0000 0000 0002",
    ];
    keeps_to_itself(&orders.said(), &cards);
    let kept = database(shop.folder(), "order-service");
    assert!(holds(&kept, "KIT-001"));
    for card in cards {
        assert!(!holds(&kept, card), "{card}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_logs_nor_accounts_hold_passwords_or_tokens() {
    let shop = Shop::start(&[], OrdersRun::Elsewhere).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = shop.settings().clone();
    settings.insert("PORT", shop.order_ports.0.to_string());
    settings.insert("ADMIN_PORT", shop.order_ports.1.to_string());
    settings.insert("DATA_DIR", folder.path().display().to_string());
    // So that a password is stored as in earnest.
    settings.remove("PASSWORD_COST");
    let settings: Vec<_> = settings.into_iter().collect();
    let users = talkative("user-service", &settings);
    wait_ready(&shop.at(&shop.orders_admin_url()), 200).await.unwrap();

    let at = shop.at(&format!("http://{}:{}", shop.host(), shop.order_ports.0));
    let post = |path: &str, body: &Value| {
        let call = at.call(Method::POST, path).json(body);
        call.deadline(Duration::from_secs(20))
    };
    let new = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD});
    let session = document(post("/users", &new)).await;
    let wrong = json!({"email": "ada@example.org", "password": "a wrong password"});
    assert_eq!(status(post("/sessions", &wrong)).await, 401);
    let token = session["token"].as_str().unwrap();
    let me = at.get("/users/me");
    let me = me.header("authorization", &format!("Bearer {token}"));
    assert_eq!(status(me).await, 200);

    let secrets = [PASSWORD, "a wrong password", token, "only-for-tests"];
    keeps_to_itself(&users.said(), &secrets);
    let kept = database(folder.path(), "user-service");
    assert!(
        holds(&kept, "$argon2id$v=19$m=12288,t=3,p=1$"),
        "passwords are kept as argon2id of a size that OWASP names"
    );
    assert!(!holds(&kept, PASSWORD) && !holds(&kept, token));
}
