//! The database of a service: a SQLite file, or PostgreSQL.
//!
//! Statements are written once, in what both understand: `$1` for values, whole numbers and texts. On SQLite both versions of a
//! rollout use the same file, so every write is one short transaction that takes the write lock at its beginning (`BEGIN
//! IMMEDIATE`): it waits for the other process there, and never fails half way because of it. On PostgreSQL rows are
//! locked instead, so a change and its condition are one statement, and several rows are changed in one order by all.

mod problem;
mod replica;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Row as _};

use crate::clock::now_ms;
use crate::migration::{Migration, Phase, Schema};
use crate::settings::{SettingError, Settings, wrong};
use crate::store::replica::Replica;

/// A connection, or a transaction on one.
pub type Connection = sqlx::AnyConnection;
/// A row. Numbers are `i64`, also those that mean yes or no.
pub type Row = sqlx::any::AnyRow;
/// A statement with its values.
pub type Statement<'a> = sqlx::query::Query<'a, Any, sqlx::any::AnyArguments>;
/// A transaction that holds the write lock.
pub type Transaction = sqlx::Transaction<'static, Any>;

/// Connections that read at the same time, and that write.
const SQLITE: (u32, u32) = (4, 1);
const POSTGRES: (u32, u32) = (8, 16);
/// How long a transaction waits for the write lock of the other process, in milliseconds.
const BUSY_MS_MAX: u32 = 5000;
/// The same for a probe, which must not wait long.
const PROBE_MS_MAX: u32 = 150;
/// How long a request waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(3);
/// A commit within this time proves that the database can be written; the probe then takes no lock.
const PROOF_MS: i64 = 300;
/// All who number rows by their order of commits wait here for each other.
const IN_ORDER: &str = "select pg_advisory_xact_lock(7237502)";

/// Which kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file of our own.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database. A clone uses the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    read: AnyPool,
    write: AnyPool,
    probe: AnyPool,
    replica: Option<Replica>,
    migrations: &'static [Migration],
    written_at: Arc<AtomicI64>,
}

impl Store {
    /// Names the database and its options; nothing is opened yet.
    pub fn open(service: &str, schema: Schema, settings: &Settings) -> Result<Self, SettingError> {
        install_drivers();
        // Not shown in messages: it may carry a password.
        let refused = || wrong(schema.variable, "***", &schema.forms());
        let given = settings.get(schema.variable);
        let (engine, url) = match given {
            Some(url) if is_postgres(url) => {
                let known = schema.knows_postgres().then(|| url.to_owned());
                (Engine::Postgres, known.ok_or_else(refused)?)
            }
            Some(url) => {
                let path = url.strip_prefix("sqlite:").ok_or_else(refused)?;
                (
                    Engine::Sqlite,
                    file_url(&PathBuf::from(path.trim_start_matches("//"))),
                )
            }
            None => {
                let folder = PathBuf::from(settings.text("DATA_DIR", "./data"));
                (Engine::Sqlite, file_url(&folder.join(format!("{service}.db"))))
            }
        };
        let options: AnyConnectOptions = url.parse().map_err(|_| refused())?;
        let (readers, writers) = match engine {
            Engine::Sqlite => SQLITE,
            Engine::Postgres => POSTGRES,
        };
        let pool = |connections: u32, busy_ms: u32| {
            let pool = match engine {
                Engine::Sqlite => with_pragmas(pool_of(connections), busy_ms, schema.synchronous),
                Engine::Postgres => pool_of(connections).idle_timeout(Duration::from_mins(5)),
            };
            pool.connect_lazy_with(options.clone())
        };
        let replica = Replica::of(schema, settings, engine)?;
        Ok(Self {
            engine,
            read: pool(readers, BUSY_MS_MAX),
            write: pool(writers, BUSY_MS_MAX),
            probe: pool(1, PROBE_MS_MAX),
            replica,
            migrations: schema.migrations,
            written_at: Arc::default(),
        })
    }

    /// Which kind it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// For queries that must see everything.
    pub fn read(&self) -> &AnyPool {
        &self.read
    }

    /// For queries that must see at least what the caller of the request at hand wrote: a replica if it has come that far.
    pub fn read_for_caller(&self) -> &AnyPool {
        let replica = self.replica.as_ref();
        replica
            .and_then(|replica| replica.pool_at(crate::context::written()))
            .unwrap_or(&self.read)
    }

    /// Keeps an eye on the replica, for ever; ends at once when there is none.
    pub(crate) async fn follow_replica(self) {
        if let Some(replica) = &self.replica {
            replica.follow(&self.read).await;
        }
    }

    /// Begins a transaction that holds the write lock. Keep it short, and wait for nothing but the database in it.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_on(&self.write).await
    }

    async fn begin_on(&self, pool: &AnyPool) -> Result<Transaction, sqlx::Error> {
        match self.engine {
            Engine::Sqlite => pool.begin_with("BEGIN IMMEDIATE").await,
            Engine::Postgres => pool.begin().await,
        }
    }

    /// Ends it for good.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), sqlx::Error> {
        transaction.commit().await?;
        self.note_written().await;
        Ok(())
    }

    /// One statement that is a transaction by itself: it spares beginning and end, which cost as much as the statement. Says
    /// how many rows it changed.
    pub async fn write(&self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        let done = statement.execute(&self.write).await?;
        self.note_written().await;
        Ok(done.rows_affected())
    }

    async fn note_written(&self) {
        self.written_at.store(now_ms(), Ordering::Relaxed);
        if self.replica.is_some() {
            replica::note_written(&self.write).await;
        }
    }

    /// From here to the end of the transaction nobody else is past this line, so numbers that it takes from a sequence become
    /// visible in their order. SQLite has one writer at a time anyway.
    pub async fn in_order(&self, transaction: &mut Connection) -> Result<(), sqlx::Error> {
        if self.engine == Engine::Postgres {
            sqlx::query(IN_ORDER).execute(transaction).await?;
        }
        Ok(())
    }

    /// Whether it can be read and written: the schema that is found, and the oldest version that it supports.
    pub(crate) async fn probe(&self) -> Result<(i64, i64), String> {
        let told = |cause: sqlx::Error| format!("the database does not answer: {cause}");
        if now_ms() - self.written_at.load(Ordering::Relaxed) > PROOF_MS {
            let transaction = self.begin_on(&self.probe).await.map_err(told)?;
            transaction.rollback().await.map_err(told)?;
        }
        self.found(&self.probe).await.map_err(told)
    }

    /// Runs all changes of phases up to and including this one that have not run. Says the schema's number afterwards.
    pub async fn migrate(&self, phase: Phase) -> Result<i64, sqlx::Error> {
        let mut transaction = self.begin().await?;
        // Two jobs at once: the second waits here, and then finds everything done.
        let table = "create table if not exists schema_change (number bigint primary key, phase text not null, \
             name text not null, floor bigint not null, applied_at bigint not null)";
        match self.engine {
            Engine::Sqlite => sqlx::raw_sql(table).execute(&mut *transaction).await?,
            Engine::Postgres => {
                let lock = "select pg_advisory_xact_lock(7237501)";
                sqlx::raw_sql(lock).execute(&mut *transaction).await?;
                sqlx::raw_sql(table).execute(&mut *transaction).await?
            }
        };
        for change in self.migrations.iter().filter(|change| change.phase <= phase) {
            let known = sqlx::query("select 1 from schema_change where number = $1").bind(change.number);
            if known.fetch_optional(&mut *transaction).await?.is_some() {
                continue;
            }
            let sql = match self.engine {
                Engine::Sqlite => change.sql,
                Engine::Postgres => change.postgres.unwrap_or_default(),
            };
            sqlx::raw_sql(sql).execute(&mut *transaction).await?;
            sqlx::query("insert into schema_change values ($1, $2, $3, $4, $5)")
                .bind(change.number)
                .bind(change.phase.word())
                .bind(change.name)
                .bind(change.floor)
                .bind(now_ms())
                .execute(&mut *transaction)
                .await?;
        }
        self.commit(transaction).await?;
        Ok(self.found(&self.write).await?.0)
    }

    async fn found(&self, pool: &AnyPool) -> Result<(i64, i64), sqlx::Error> {
        let there = match self.engine {
            Engine::Sqlite => "select 1 from sqlite_master where name = 'schema_change'",
            Engine::Postgres => "select 1 from pg_tables where tablename = 'schema_change'",
        };
        if sqlx::query(there).fetch_optional(pool).await?.is_none() {
            return Ok((0, 0));
        }
        let row = sqlx::query("select coalesce(max(number), 0), coalesce(max(floor), 0) from schema_change")
            .fetch_one(pool)
            .await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.probe.close().await;
        self.write.close().await;
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }
}

/// Each program does it once.
fn install_drivers() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        #[cfg(feature = "postgres")]
        let drivers = &[sqlx::sqlite::any::DRIVER, sqlx::postgres::any::DRIVER];
        #[cfg(not(feature = "postgres"))]
        let drivers = &[sqlx::sqlite::any::DRIVER];
        // It only fails when somebody else was first, and then they are there too.
        let _ = sqlx::any::install_drivers(drivers);
    });
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

fn pool_of(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_MAX)
        // The ping would cost a turn with each statement; broken connections are noticed when they are given back.
        .test_before_acquire(false)
}

/// The folder may not be there yet, or never; the probe says so.
fn file_url(file: &std::path::Path) -> String {
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let path = file.display().to_string();
    let path = path
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
        .replace(' ', "%20");
    format!("sqlite://{path}?mode=rwc")
}

fn with_pragmas(pool: AnyPoolOptions, busy_ms: u32, synchronous: bool) -> AnyPoolOptions {
    let level = if synchronous { "full" } else { "normal" };
    let pragmas = Arc::new(format!(
        "pragma busy_timeout = {busy_ms}; pragma journal_mode = wal; pragma synchronous = {level}; pragma foreign_keys = on"
    ));
    // A file does not go stale as a network connection does.
    pool.idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let pragmas = Arc::clone(&pragmas);
            Box::pin(async move {
                sqlx::raw_sql(sqlx::AssertSqlSafe(pragmas.as_str().to_owned()))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
}
