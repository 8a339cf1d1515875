//! Each index is there for a statement. Customers use the shop while the server logs what the services send; then the tables
//! are filled, and each index must be in the plan of one of these statements, which without it costs at least three times as much.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use journeys::{OrdersRun, Shop, Stores, wait_ready};
use serde_json::json;
use servers::Postgres;
use service_kit::{Settings, start};
use sqlx::Row as _;

use crate::{GOOD, GUEST, document, sign_up, status};

const DATABASES: [&str; 4] = ["users", "orders", "catalog", "carts"];

/// How many times more a statement costs without the index that it needs.
const NEEDS: f64 = 3.0;

/// Parts of statements that read a whole large table, and may.
const WHOLE: [&str; 4] = [
    // At the start, before demo products are put in.
    "select count(*) from product",
    // Words anywhere in a text: no index of a column finds these, and the edge keeps the answers.
    "words like",
    // Once a minute, of what is kept for an hour.
    "delete from login_failure where at <",
    // Delivered events, which are kept for a week.
    "delete from outbox where",
];

/// Rows that make a difference, of a shop that has been there for a while.
const FILLED: [(&str, &str); 4] = [
    (
        "users",
        "insert into users select 'u' || i, 'u' || i || '@example.org', 'Ada', 'x', 0 from generate_series(1, 20000) i; \
         insert into session select 's' || i, 'u' || (1 + i % 20000), 0, 4000000000000 from generate_series(1, 40000) i; \
         insert into ended (sid, expires_at) select 'e' || i, 4000000000000 from generate_series(1, 20000) i; \
         insert into login_failure select 'u' || i % 20000 || '@example.org', 4000000000000 from generate_series(1, 40000) i; \
         insert into address select 'a' || i, 'u' || (1 + i % 20000), 'A', 'S', '1', 'C', 'DE' from generate_series(1, 40000) i",
    ),
    (
        "orders",
        "insert into orders select '0-' || i, 'owner-' || i % 5000, 'k' || i, 'paid', i, 'a@example.org', '{}', 'EUR', 1, 0, 0, 1, 0, \
         'c' || i from generate_series(1, 50000) i; \
         insert into orders select '0-p' || i, (select owner from orders where id not like '0-%' limit 1), 'p' || i, 'paid', i, \
         'a@example.org', '{}', 'EUR', 1, 0, 0, 1, 0, 'd' || i from generate_series(1, 100) i; \
         insert into order_line select '0-' || i, 0, 'KIT-001', 'Mug', 1, 1 from generate_series(1, 50000) i; \
         insert into checkout select 'owner-' || i % 5000, 'k' || i, 't', '0-' || i, i, 201, '{}', i from generate_series(1, 50000) i; \
         insert into outbox (event_id, order_id, kind, body, due_at, catalog_has_it, cart_has_it, done_at) \
         select 'e' || i, '0-' || i, 'order.paid', '{}', i, 1, 1, 4000000000000 from generate_series(1, 50000) i; \
         insert into refund select 'c' || i, '0-' || i, 1, i, i from generate_series(1, 20000) i",
    ),
    (
        "catalog",
        "insert into product select 'GEN-' || i, 'Thing ' || i * 7919 % 100003, 'A thing.', \
         (select array_agg(slug order by slug) from category)[1 + i % 12], i * 7919 % 100003, 'EUR', '[]', 1000 + i, i * 31 % 997, \
         'thing ' || i from generate_series(1, 30000) i; \
         insert into change (sku) select 'GEN-' || i from generate_series(1, 30000) i",
    ),
    (
        "carts",
        "insert into cart select 'owner-' || i, 1, 0 from generate_series(1, 20000) i; \
         insert into line select 'owner-' || i % 20000 + 1, 'GEN-' || i, 1, 'Thing', 1, 'EUR', i from generate_series(1, 60000) i",
    ),
];

/// The psp-sim's own, which is always a file: what it sends, and the source that must say the same.
const PROVIDER: [(&str, &str); 2] = [
    (
        "select id, reference, status, minor, currency, reason from authorization where reference = ? order by id limit ?",
        include_str!("../../../psp-sim/src/authorization.rs"),
    ),
    (
        "select number, body, attempts from notification where due_at <= ? order by due_at, number limit ?",
        include_str!("../../../psp-sim/src/webhook.rs"),
    ),
];

/// Texts of statements with the values of the last time, as the log has them.
type Statements = BTreeMap<String, String>;

fn statements(log: &str) -> Statements {
    let mut found = Statements::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, text)) = line
            .split_once("LOG:  execute ")
            .and_then(|(_, rest)| rest.split_once(": "))
        else {
            continue;
        };
        let values = lines
            .peek()
            .and_then(|next| next.split_once("DETAIL:  parameters: "));
        let values = values.map_or(String::new(), |(_, values)| only_values(values));
        let verb = text.split(' ').next().unwrap_or_default();
        if ["select", "insert", "update", "delete"].contains(&verb) {
            found.insert(text.to_owned(), values);
        }
    }
    found
}

/// `'a', NULL` of `$1 = 'a', $2 = NULL`.
fn only_values(parameters: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    let mut rest = parameters;
    while let Some(character) = rest.chars().next() {
        inside ^= character == '\'';
        let name = rest
            .strip_prefix('$')
            .filter(|_| !inside)
            .and_then(|rest| rest.split_once(" = "));
        if let Some((_, after)) = name {
            rest = after;
            continue;
        }
        out.push(character);
        rest = &rest[character.len_utf8()..];
    }
    out
}

/// Everything that customers do, so that every statement is sent.
async fn everything(shop: &Shop) {
    for sort in ["newest", "price", "-price", "name", "popular"] {
        let page = document(shop.get(&format!("/products?sort={sort}&limit=5"))).await;
        let next = page["next"].as_str().unwrap();
        let path = format!("/products?sort={sort}&limit=5&cursor={next}");
        assert_eq!(status(shop.get(&path)).await, 200);
    }
    for path in [
        "/products?category=kitchen&limit=5",
        "/products?q=nordic",
        "/products/KIT-001",
        "/products/KIT-001/related",
        "/categories",
        "/changes?after=470",
    ] {
        assert_eq!(status(shop.get(path)).await, 200, "{path}");
    }
    let add = shop.call(Method::POST, "/cart/items").header("x-cart-id", GUEST);
    let add = add.json(&json!({"sku": "KIT-001", "quantity": 2}));
    assert_eq!(status(add).await, 200);
    accounts(shop).await;
    let order = document(shop.checkout(GUEST, "key-00000001", GOOD, None)).await;
    // One that waits for its payment, which recovery looks for.
    let silent = shop.checkout(GUEST, "key-00000002", "4000000000000291", Some(&[("KIT-001", 1)]));
    assert_eq!(status(silent).await, 202);
    let orders = document(shop.get("/orders?limit=1").header("x-cart-id", GUEST)).await;
    let next = orders["next"].as_str().unwrap();
    let more = shop.get(&format!("/orders?limit=1&cursor={next}"));
    assert_eq!(status(more.header("x-cart-id", GUEST)).await, 200);
    let cancel = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancel = shop.call(Method::POST, &cancel).header("x-cart-id", GUEST);
    assert_eq!(document(cancel).await["status"], "cancelled");
    // One round of everything that goes on by itself.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn accounts(shop: &Shop) {
    let token = format!("Bearer {}", sign_up(shop, "ada@example.org").await);
    let with = |method, path: &str| shop.call(method, path).header("authorization", &token);
    let merge = with(Method::POST, "/cart/merge").json(&json!({"from": "guest-of-another-day-0"}));
    assert_eq!(status(merge).await, 200);
    let log_in = shop.call(Method::POST, "/sessions");
    let log_in = log_in.json(&json!({"email": "ada@example.org", "password": "a wrong password"}));
    assert_eq!(status(log_in).await, 401);
    let address = json!({"name": "A", "street": "S", "postcode": "1", "city": "C", "country": "DE"});
    let add = with(Method::POST, "/users/me/addresses").json(&address);
    assert_eq!(status(add).await, 201);
    assert_eq!(status(with(Method::GET, "/users/me/addresses")).await, 200);
    let change = json!({"current": "correct horse battery", "new": "another long password"});
    let change = with(Method::POST, "/users/me/password").json(&change);
    assert_eq!(status(change).await, 204);
    assert_eq!(status(with(Method::DELETE, "/sessions/current")).await, 204);
}

/// The plan of a statement, and what it costs, without an index where one is named; `None` where its tables are not.
fn plan(
    server: &Postgres,
    database: &str,
    (text, values): (&str, &str),
    without: &str,
) -> Option<(f64, String)> {
    let drop = match without {
        "" => String::new(),
        index => format!("drop index {index};"),
    };
    let values = match values {
        "" => String::new(),
        values => format!("({values})"),
    };
    // Nothing of it stays: the connection ends with the transaction open.
    let said = server.say(
        database,
        &format!(
            "begin; {drop} set local plan_cache_mode = force_custom_plan; prepare asked as {text}; \
             explain execute asked{values}"
        ),
    );
    let said = said.ok()?;
    let cost = said.split_once("..")?.1;
    let cost = cost.split(' ').next()?.parse().ok()?;
    Some((cost, said))
}

/// Names of all indexes that are there for speed alone.
fn indexes(server: &Postgres, database: &str) -> Vec<String> {
    let named = server.say(
        database,
        "select c.relname from pg_index as i join pg_class as c on c.oid = i.indexrelid \
         join pg_namespace as n on n.oid = c.relnamespace where n.nspname = 'public' and not i.indisunique order by 1",
    );
    named.unwrap().lines().map(str::to_owned).collect()
}

/// What is wrong with the indexes of a database, and with the statements of customers that should use them.
fn faults(server: &Postgres, database: &str, (customers, sent): &(Statements, Statements)) -> Vec<String> {
    let plans: Vec<_> = sent
        .iter()
        .map(|(text, values)| (text.as_str(), values.as_str()))
        .filter_map(|statement| Some((statement, plan(server, database, statement, "")?)))
        .collect();
    assert!(plans.len() > 5, "{database}: {plans:?}");
    let mut found = Vec::new();
    for index in indexes(server, database) {
        let uses = |steps: &str| steps.split([' ', '\n']).any(|word| word == index);
        let times = plans
            .iter()
            .filter(|(_, (_, steps))| uses(steps))
            .map(|(statement, (cost, _))| plan(server, database, *statement, &index).unwrap().0 / cost)
            .fold(0.0, f64::max);
        if times < NEEDS {
            found.push(format!(
                "{index} saves nothing: without it {times:.1} times the cost"
            ));
        }
    }
    for ((text, _), (_, plan)) in &plans {
        if customers.contains_key(*text)
            && plan.contains("Seq Scan")
            && is_large(server, database, plan)
            && !WHOLE.iter().any(|part| text.contains(part))
        {
            found.push(format!("{text}\nreads a whole table:\n{plan}"));
        }
    }
    found
}

/// Whether one of the tables that are read as a whole has many rows.
fn is_large(server: &Postgres, database: &str, plan: &str) -> bool {
    plan.split("Seq Scan on ").skip(1).any(|rest| {
        let table = rest.split(' ').next().unwrap();
        let rows = server.say(
            database,
            &format!("select reltuples::bigint from pg_class where relname = '{table}'"),
        );
        rows.unwrap().parse::<i64>().is_ok_and(|rows| rows > 1000)
    })
}

/// What the services send to PostgreSQL while customers use the shop, and then with what proves that all is right.
async fn sent(server: &Postgres) -> (Statements, Statements) {
    server
        .say("postgres", "alter system set log_statement = 'all'")
        .unwrap();
    server.say("postgres", "select pg_reload_conf()").unwrap();
    let stores = Stores::default()
        .with("user-service", "DATABASE_URL", server.url("users"))
        .with("order-service", "DATABASE_URL", server.url("orders"))
        .with("catalog-service", "CATALOG_URL", server.url("catalog"))
        .with("cart-service", "CART_URL", server.url("carts"));
    let shop = Shop::start_on(&stores, &[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    everything(&shop).await;
    // At its start, on a database that is complete, it takes away what has expired.
    let mut settings = shop.settings().clone();
    settings.insert("DATABASE_URL", server.url("users"));
    let again = start::<user_service::Users>(Settings::of(settings))
        .await
        .unwrap();
    wait_ready(&shop.at(&again.admin_url()), 200).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let customers = statements(&server.logged().unwrap());
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    (customers, statements(&server.logged().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_index_is_in_the_plan_of_a_statement_that_needs_it() {
    let Some(server) = Postgres::start(&DATABASES).unwrap() else {
        return;
    };
    let sent = sent(&server).await;
    let mut found = Vec::new();
    for (database, rows) in FILLED {
        server.say(database, rows).unwrap();
        server.say(database, "vacuum analyze").unwrap();
        found.extend(faults(&server, database, &sent));
    }
    assert_eq!(found, Vec::<String>::new(), "{}", found.join("\n"));
    in_files_too(&sent.1).await;
}

/// The same statements on the files of a shop without servers.
async fn in_files_too(sent: &Statements) {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    for service in ["user-service", "order-service", "catalog-service", "psp-sim"] {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(shop.database(service));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let named = "select name from sqlite_master where type = 'index' and sql is not null";
        let named = sqlx::query(named).fetch_all(&pool).await.unwrap();
        let mut unused: BTreeSet<String> = named.iter().map(|row| row.get(0)).collect();
        assert!(!unused.is_empty(), "{service}");
        let provider = PROVIDER.iter().map(|(text, source)| {
            assert!(source.contains(text), "psp-sim says something else: {text}");
            *text
        });
        for text in sent.keys().map(String::as_str).chain(provider) {
            let explain = format!("explain query plan {text}");
            let Ok(steps) = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(&pool).await else {
                continue;
            };
            for step in steps {
                let step: String = step.get("detail");
                unused.retain(|index| !step.split(' ').any(|word| word == index));
            }
        }
        assert_eq!(unused, BTreeSet::new(), "{service}: no statement uses these");
    }
}

#[test]
fn values_are_read_as_the_server_writes_them() {
    assert_eq!(
        only_values("$1 = 'it''s $2 = ''x''', $2 = NULL, $10 = '5'"),
        "'it''s $2 = ''x''', NULL, '5'"
    );
}
