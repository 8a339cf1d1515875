//! The kit as a service uses it: a small service with data, started on free ports.

#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::routing::{get, post};
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::store::Store;
use service_kit::{
    Definition, Json, Kit, Parts, Problem, Running, SchemaRange, Settings, StartError, request_id, run_with,
    start,
};

struct Notes;

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "notes",
    sql: "create table note (text text not null) strict",
    postgres: None,
    floor: 0,
}];

impl Definition for Notes {
    const NAME: &'static str = "notes";
    const PORT: u16 = 0;
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "DATABASE_URL",
        elsewhere: &[],
        synchronous: false,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let _ = kit.store()?;
        let routes = kit
            .router()
            .route("/notes", post(add))
            .route("/id", get(async || request_id()))
            .route(
                "/panic",
                get(async || -> String { std::hint::black_box(None).expect("a broken handler") }),
            )
            .route(
                "/slow",
                get(async || tokio::time::sleep(Duration::from_millis(300)).await),
            )
            .with_state(kit);
        Ok(Parts::of(routes))
    }
}

async fn add(State(kit): State<Kit>, Json(text): Json<String>) -> Result<(), Problem> {
    let store = kit.store().map_err(Problem::internal)?;
    let mut writing = store.begin().await?;
    sqlx::query("insert into note values (?)")
        .bind(text)
        .execute(&mut *writing)
        .await?;
    store.commit(writing).await?;
    Ok(())
}

async fn service(folder: &std::path::Path, more: &[(&'static str, &str)]) -> Running {
    let mut pairs = vec![
        ("PORT", "0".to_owned()),
        ("BIND", "127.0.0.1".to_owned()),
        ("SHUTDOWN_GRACE", "2s".to_owned()),
        ("DATA_DIR", folder.display().to_string()),
    ];
    pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    start::<Notes>(Settings::of(pairs)).await.unwrap()
}

/// A caller with its own connections.
fn caller(of: &Running) -> (service_kit::client::Upstream, service_kit::client::Upstream) {
    let kit = of.kit();
    (
        kit.upstream_at("public", &of.url()).unwrap(),
        kit.upstream_at("admin", &of.admin_url()).unwrap(),
    )
}

/// Waits until `/ready` has this status; says how long it took.
async fn ready(admin: &service_kit::client::Upstream, status: u16, most: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let reply = admin.get("/ready").send().await.unwrap();
        if reply.status.as_u16() == status {
            return began.elapsed();
        }
        assert!(began.elapsed() < most, "still {}: {:?}", reply.status, reply.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_with_ids_names_and_problems() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path(), &[("APP_VERSION", "v7")]).await;
    let (public, admin) = caller(&running);
    ready(&admin, 200, Duration::from_secs(5)).await;

    let reply = public
        .get("/id")
        .header("x-request-id", "abcdefgh-1")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (&reply.body[..], &reply.headers["x-served-by"]),
        (&b"abcdefgh-1"[..], &"notes/v7".parse().unwrap())
    );
    let made_up = public
        .get("/id")
        .header("x-request-id", "no spaces!")
        .send()
        .await
        .unwrap();
    assert_eq!(made_up.body.len(), 36);

    let large = "x".repeat(70_000);
    let cases = [
        (public.get("/nothing"), 404, "not-found"),
        (public.get("/notes"), 405, "method-not-allowed"),
        (public.get("/panic"), 500, "internal"),
        (
            public.call(http::Method::POST, "/notes").json(&large),
            413,
            "too-large",
        ),
        (public.call(http::Method::POST, "/notes").json(&1), 422, "invalid"),
        (
            public.call(http::Method::POST, "/notes"),
            415,
            "unsupported-media-type",
        ),
        (public.get("/metrics"), 404, "not-found"),
    ];
    for (call, status, kind) in cases {
        let reply = call.send().await.unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.problem_kind().as_deref()),
            (status, Some(kind))
        );
    }
    let metrics = admin.get("/metrics").send().await.unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(
        metrics.contains(r#"shop_build_info{service="notes",version="v7"} 1"#),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"shop_http_requests_total{route="/notes",method="POST",status="413"} 1"#),
        "{metrics}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_makes_it_unready_and_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path(), &[]).await;
    let (public, admin) = caller(&running);
    ready(&admin, 200, Duration::from_secs(5)).await;

    let file = folder.path().join("notes.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let lock = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let held = lock.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let took = ready(&admin, 503, Duration::from_secs(3)).await;
    assert!(took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(public.get("/health").send().await.unwrap().status.as_u16(), 200);
    held.rollback().await.unwrap();
    ready(&admin, 200, Duration::from_secs(3)).await;
    assert!(
        public
            .call(http::Method::POST, "/notes")
            .json(&"kept")
            .send()
            .await
            .unwrap()
            .status
            .is_success()
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_development_it_waits_for_the_migration() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path(), &[("SHOP_ENV", "staging")]).await;
    let (_, admin) = caller(&running);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let reply = admin.get("/ready").send().await.unwrap();
    let document: serde_json::Value = reply.json().unwrap();
    assert_eq!(
        document["checks"][0]["detail"], "schema 0, needs 1: run `migrate expand`",
        "{document}"
    );

    let settings = Settings::of([("DATA_DIR", folder.path().display().to_string())]);
    let store = Store::open("notes", Notes::SCHEMA.unwrap(), &settings).unwrap();
    assert_eq!(store.migrate(Phase::Expand).await.unwrap(), 1);
    assert_eq!(
        store.migrate(Phase::Expand).await.unwrap(),
        1,
        "a second run changes nothing"
    );
    ready(&admin, 200, Duration::from_secs(3)).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_end_and_new_ones_are_asked_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path(), &[]).await;
    let (public, admin) = caller(&running);
    ready(&admin, 200, Duration::from_secs(5)).await;
    let slow = tokio::spawn(public.get("/slow").send());
    let load = tokio::spawn({
        let public = public.clone();
        async move {
            let mut answers = Vec::new();
            // Until the first answer that asks to go, as a client that keeps to the protocol does.
            loop {
                let reply = public.get("/id").send().await.unwrap();
                answers.push(reply.status.as_u16());
                if reply
                    .headers
                    .get("connection")
                    .is_some_and(|value| value == "close")
                {
                    return answers;
                }
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopping = tokio::spawn(running.stop());
    assert!(load.await.unwrap().iter().all(|status| *status == 200));
    assert_eq!(admin.get("/ready").send().await.unwrap().status.as_u16(), 503);
    assert_eq!(slow.await.unwrap().unwrap().status.as_u16(), 200);
    stopping.await.unwrap();
    assert!(
        public.get("/id").send().await.is_err(),
        "the port is closed at the end"
    );
}

/// A column that is replaced in three phases.
const RENAMED: &[Migration] = &[
    step(
        1,
        Phase::Expand,
        0,
        "create table note (text text not null) strict",
    ),
    step(2, Phase::Expand, 0, "alter table note add column words text"),
    step(
        3,
        Phase::Backfill,
        0,
        "update note set words = lower(text) where words is null",
    ),
    // No version that knows less than 2 works without the old column.
    step(4, Phase::Contract, 2, "alter table note drop column text"),
];

const fn step(number: i64, phase: Phase, floor: i64, sql: &'static str) -> Migration {
    Migration {
        number,
        phase,
        name: "notes",
        sql,
        postgres: None,
        floor,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_phase_of_a_migration_runs_when_it_is_told_to_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let old = service(folder.path(), &[]).await;
    let (public, admin) = caller(&old);
    ready(&admin, 200, Duration::from_secs(5)).await;
    let schema = Schema {
        range: SchemaRange { min: 2, max: 2 },
        migrations: RENAMED,
        ..Notes::SCHEMA.unwrap()
    };
    let settings = Settings::of([("DATA_DIR", folder.path().display().to_string())]);
    let store = Store::open("notes", schema, &settings).unwrap();
    let add = public.call(http::Method::POST, "/notes").json(&"OLD");
    assert!(add.send().await.unwrap().status.is_success());
    let filled = async || {
        let count = sqlx::query_scalar("select count(*) from note where words = 'old'");
        count.fetch_one(store.read()).await.unwrap_or(-1_i64)
    };

    assert_eq!(store.migrate(Phase::Expand).await.unwrap(), 2);
    assert_eq!(
        old.kit().store().unwrap().migrate(Phase::Expand).await.unwrap(),
        2,
        "the old job changes nothing"
    );
    ready(&admin, 200, Duration::from_secs(3)).await;
    let began = Instant::now();
    loop {
        let reply = admin.get("/ready").send().await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "the old version goes on");
        let document: serde_json::Value = reply.json().unwrap();
        if document["schema"] == serde_json::json!({"found": 2, "min": 1, "max": 1}) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{document}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(filled().await, 0);
    let (one, other) = tokio::join!(store.migrate(Phase::Backfill), store.migrate(Phase::Backfill));
    assert_eq!((one.unwrap(), other.unwrap()), (3, 3), "two jobs at once");
    assert_eq!(filled().await, 1);
    ready(&admin, 200, Duration::from_secs(3)).await;

    assert_eq!(store.migrate(Phase::Contract).await.unwrap(), 4);
    ready(&admin, 503, Duration::from_secs(3)).await;
    let reply = admin.get("/ready").send().await.unwrap();
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(
        said.contains("schema 4 supports versions from 2 on, this one knows 1"),
        "{said}"
    );
    store.close().await;
    old.stop().await;
}

/// The exit code of the service's program, called with these words.
async fn exit(words: &'static [&'static str], settings: &[(&'static str, String)]) -> String {
    let settings = Settings::of(settings.to_vec());
    let code = tokio::task::spawn_blocking(move || run_with::<Notes>(words, settings));
    format!("{:?}", code.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_checks_its_own_service_without_any_other_program() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path(), &[]).await;
    let at = [
        ("BIND", "127.0.0.1".to_owned()),
        ("PORT", running.public.port().to_string()),
        ("DATA_DIR", folder.path().display().to_string()),
    ];
    let code = |number: u8| format!("ExitCode(unix_exit_status({number}))");
    assert_eq!(exit(&["healthcheck"], &at).await, code(0));
    // All addresses are this machine's too.
    let mut anywhere = at.clone();
    anywhere[0].1 = "0.0.0.0".to_owned();
    assert_eq!(exit(&["healthcheck"], &anywhere).await, code(0));
    running.stop().await;
    assert_eq!(exit(&["healthcheck"], &at).await, code(1));
    assert_eq!(exit(&["migrate", "expand"], &at).await, code(0));
    for wrong in [&["migrate", "everything"][..], &["migrate"], &["dance"]] {
        assert_eq!(exit(wrong, &at).await, code(2), "{wrong:?}");
    }
}
