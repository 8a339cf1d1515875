//! The database of a service: SQLite in WAL mode, many readers, one writer.
//!
//! Both versions of a rollout use the same file, so every write is one short transaction that takes the write lock at its
//! beginning (`BEGIN IMMEDIATE`): it waits for the other process there, and never fails half way because of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, Transaction};

use crate::Problem;
use crate::clock::now_ms;
use crate::migration::{Migration, Phase, Schema};
use crate::settings::{SettingError, Settings, wrong};

/// Connections that read at the same time.
const READERS_MAX: u32 = 4;
/// How long a transaction waits for the write lock of the other process.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(3);
/// A commit within this time proves that the database can be written; the probe then takes no lock.
const PROOF_MS: i64 = 300;

/// A database. A clone uses the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    read: SqlitePool,
    write: SqlitePool,
    /// Its lock time is short, so that a probe never waits long.
    probe: SqlitePool,
    migrations: &'static [Migration],
    written_at: Arc<AtomicI64>,
}

impl Store {
    /// Names the file and its options; nothing is opened yet.
    pub fn open(service: &str, schema: Schema, settings: &Settings) -> Result<Self, SettingError> {
        let expected = "sqlite:/path/file.db";
        let file = match settings.get(schema.variable) {
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => PathBuf::from(path.trim_start_matches("//")),
                // Not shown: it may carry a password.
                None => return Err(wrong(schema.variable, "***", expected)),
            },
            None => PathBuf::from(settings.text("DATA_DIR", "./data")).join(format!("{service}.db")),
        };
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if schema.synchronous {
                SqliteSynchronous::Full
            } else {
                SqliteSynchronous::Normal
            })
            .foreign_keys(true)
            .statement_cache_capacity(200)
            .busy_timeout(BUSY_MAX);
        let pool = |connections: u32, options: SqliteConnectOptions| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_MAX)
                // A file does not go stale as a network connection does; the ping would cost a turn of a thread.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(options)
        };
        // The folder may not be there yet, or never; the probe says so.
        if let Some(folder) = file.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        Ok(Self {
            read: pool(READERS_MAX, options.clone()),
            write: pool(1, options.clone()),
            probe: pool(1, options.busy_timeout(Duration::from_millis(150))),
            migrations: schema.migrations,
            written_at: Arc::default(),
        })
    }

    /// For queries.
    pub fn read(&self) -> &SqlitePool {
        &self.read
    }

    /// Begins a transaction that holds the write lock. Keep it short, and wait for nothing but the database in it.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.write.begin_with("BEGIN IMMEDIATE").await
    }

    /// Ends it for good.
    pub async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), sqlx::Error> {
        transaction.commit().await?;
        self.written_at.store(now_ms(), Ordering::Relaxed);
        Ok(())
    }

    /// Whether it can be read and written: the schema that is found, and the oldest version that it supports.
    pub(crate) async fn probe(&self) -> Result<(i64, i64), String> {
        let told = |cause: sqlx::Error| format!("the database does not answer: {cause}");
        if now_ms() - self.written_at.load(Ordering::Relaxed) > PROOF_MS {
            let transaction = self.probe.begin_with("BEGIN IMMEDIATE").await.map_err(told)?;
            transaction.rollback().await.map_err(told)?;
        }
        found(&self.probe).await.map_err(told)
    }

    /// Runs all changes of phases up to and including this one that have not run. Says the schema's number afterwards.
    pub async fn migrate(&self, phase: Phase) -> Result<i64, sqlx::Error> {
        let mut transaction = self.begin().await?;
        sqlx::raw_sql(
            "create table if not exists schema_change (number integer primary key, phase text not null, \
             name text not null, floor integer not null, applied_at integer not null)",
        )
        .execute(&mut *transaction)
        .await?;
        for change in self.migrations.iter().filter(|change| change.phase <= phase) {
            let known = sqlx::query("select 1 from schema_change where number = ?").bind(change.number);
            if known.fetch_optional(&mut *transaction).await?.is_some() {
                continue;
            }
            sqlx::raw_sql(change.sql).execute(&mut *transaction).await?;
            sqlx::query("insert into schema_change values (?, ?, ?, ?, ?)")
                .bind(change.number)
                .bind(change.phase.word())
                .bind(change.name)
                .bind(change.floor)
                .bind(now_ms())
                .execute(&mut *transaction)
                .await?;
        }
        self.commit(transaction).await?;
        Ok(found(&self.write).await?.0)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.probe.close().await;
        self.write.close().await;
    }
}

async fn found(pool: &SqlitePool) -> Result<(i64, i64), sqlx::Error> {
    let there = sqlx::query("select 1 from sqlite_master where name = 'schema_change'")
        .fetch_optional(pool)
        .await?;
    if there.is_none() {
        return Ok((0, 0));
    }
    let row = sqlx::query("select coalesce(max(number), 0), coalesce(max(floor), 0) from schema_change")
        .fetch_one(pool)
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CANTOPEN, with their extended codes in the upper bytes.
        let code = error
            .as_database_error()
            .and_then(|database| database.code()?.parse::<i32>().ok());
        let passing = matches!(
            error,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)
        );
        if passing || code.is_some_and(|code| matches!(code & 0xff, 5 | 6 | 14)) {
            tracing::warn!(%error, request_id = crate::request_id(), "the database is not available");
            return Self::unavailable("The shop is busy. Please try again in a moment.");
        }
        Self::internal(error)
    }
}
