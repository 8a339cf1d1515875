//! Reading and writing the ledger's tables. One transaction writes an event, its actions and the snapshot.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use tokio::sync::Mutex;

use super::chain::seal;
use super::{Entry, FILE, Hash, Head, Ledger, LedgerError, Pending, Record, database};

/// Readers (status, dashboard, verify) beside the one writer.
const CONNECTIONS_MAX: u32 = 4;
/// Extension of the file that says where the chain ends.
const NOTE: &str = "head";
/// How long a connection waits for the writer's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS events (
    seq     INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    actions TEXT    NOT NULL,
    hash    BLOB    NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    seq    INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    action TEXT    NOT NULL,
    PRIMARY KEY (seq, place)
) STRICT;
CREATE TABLE IF NOT EXISTS snapshots (
    seq   INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    hash  BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS blobs (
    digest TEXT PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS terms (
    term INTEGER PRIMARY KEY
) STRICT;
";

/// Whoever opened the ledger last writes: on a volume that several machines share, a lock may be lost without a word.
const TERM: &str = "INSERT INTO terms (term) SELECT COALESCE(MAX(term), 0) + 1 FROM terms RETURNING term";

impl Ledger {
    pub(super) async fn connect(folder: &Path, lock: Option<File>) -> Result<Self, LedgerError> {
        let path = folder.join(FILE);
        let writes = lock.is_some();
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(writes)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let wrap = |source| database(&path, source);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(options)
            .await
            .map_err(wrap)?;
        let mut term = 0;
        if writes {
            sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(wrap)?;
            term = sqlx::query_scalar(TERM).fetch_one(&pool).await.map_err(wrap)?;
        }
        let head = head(&pool).await.map_err(wrap)?;
        Ok(Self {
            pool,
            path,
            head: Mutex::new(head),
            lock,
            term,
        })
    }

    /// Writes an event with what belongs to it in one transaction.
    ///
    /// Returns the event's sequence number. Nothing is written when it fails.
    pub async fn append(&self, entry: &Entry<'_>) -> Result<u64, LedgerError> {
        debug_assert!(self.lock.is_some(), "only the holder of the lock writes");
        let mut head = self.head.lock().await;
        let seq = head.seq + 1;
        let listed = format!("[{}]", entry.actions.join(","));
        let hash = head.hash.then(seq, entry.at_ms, entry.event, &listed);
        let written = self.write(seq, &listed, hash, entry).await;
        if !written.map_err(|e| self.database(e))? {
            return Err(LedgerError::Replaced {
                path: self.path.clone(),
            });
        }
        *head = Head { seq, hash };
        self.note(&head);
        Ok(seq)
    }

    /// Notes the end of the chain beside the database, after it is on the disk: what is noted must be found again.
    fn note(&self, head: &Head) {
        // One that is not written leaves the older one, which holds as well.
        let _ = std::fs::write(
            self.path.with_extension(NOTE),
            format!("{} {}", head.seq, head.hash),
        );
    }

    /// The end of the chain as it was noted; a note that is not whole counts for nothing.
    pub(super) fn noted(&self) -> Option<(u64, String)> {
        let text = std::fs::read_to_string(self.path.with_extension(NOTE)).ok()?;
        let (seq, hash) = text.split_once(' ')?;
        let whole = hash.len() == 2 * Hash::GENESIS.as_bytes().len();
        Some((seq.parse().ok()?, hash.to_owned())).filter(|_| whole)
    }

    /// False when somebody else opened the ledger since.
    async fn write(
        &self,
        seq: u64,
        listed: &str,
        hash: Hash,
        entry: &Entry<'_>,
    ) -> Result<bool, sqlx::Error> {
        let Entry {
            at_ms,
            event,
            actions,
            state,
            answers,
        } = *entry;
        let mut transaction = self.pool.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO events (seq, at_ms, event, actions, hash) SELECT ?, ?, ?, ?, ? WHERE ? = (SELECT MAX(term) FROM terms)",
        )
        .bind(signed(seq))
        .bind(at_ms)
        .bind(event)
        .bind(listed)
        .bind(hash.as_bytes())
        .bind(self.term)
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        for (place, action) in (0_i64..).zip(actions) {
            sqlx::query("INSERT INTO outbox (seq, place, action) VALUES (?, ?, ?)")
                .bind(signed(seq))
                .bind(place)
                .bind(action)
                .execute(&mut *transaction)
                .await?;
        }
        if let Some((seq, index)) = answers {
            sqlx::query("DELETE FROM outbox WHERE seq = ? AND place = ?")
                .bind(signed(seq))
                .bind(i64::from(index))
                .execute(&mut *transaction)
                .await?;
        }
        if let Some(state) = state {
            sqlx::query("DELETE FROM snapshots")
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT INTO snapshots (seq, state, hash) VALUES (?, ?, ?)")
                .bind(signed(seq))
                .bind(state)
                .bind(seal(seq, state).as_slice())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Actions whose outcome is not known, oldest first: what to send again after a crash.
    pub async fn pending(&self) -> Result<Vec<Pending>, LedgerError> {
        let rows = sqlx::query("SELECT seq, place, action FROM outbox ORDER BY seq, place")
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.database(e))?;
        rows.iter()
            .map(|row| {
                let index = u32::try_from(row.try_get::<i64, _>("place")?).unwrap_or(u32::MAX);
                Ok(Pending {
                    seq: unsigned(row.try_get("seq")?),
                    index,
                    action: row.try_get("action")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|e| self.database(e))
    }

    /// The action was done; it is not sent again.
    pub async fn acknowledge(&self, seq: u64, index: u32) -> Result<(), LedgerError> {
        sqlx::query("DELETE FROM outbox WHERE seq = ? AND place = ? AND ? = (SELECT MAX(term) FROM terms)")
            .bind(signed(seq))
            .bind(i64::from(index))
            .bind(self.term)
            .execute(&self.pool)
            .await
            .map_err(|e| self.database(e))?;
        Ok(())
    }

    /// Up to `limit` records after `seq`, oldest first.
    pub async fn after(&self, seq: u64, limit: u32) -> Result<Vec<Record>, LedgerError> {
        let rows = sqlx::query(
            "SELECT seq, at_ms, event, actions, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(signed(seq))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.database(e))?;
        rows.iter()
            .map(record)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|e| self.database(e))
    }

    /// The newest snapshot whose hash is right, with the sequence number it was taken at.
    pub async fn snapshot(&self) -> Result<Option<(u64, String)>, LedgerError> {
        let row = sqlx::query("SELECT seq, state, hash FROM snapshots ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.database(e))?;
        let Some(row) = row else { return Ok(None) };
        let read = || -> Result<_, sqlx::Error> {
            let state: String = row.try_get("state")?;
            let hash: Vec<u8> = row.try_get("hash")?;
            Ok((unsigned(row.try_get("seq")?), state, hash))
        };
        let (seq, state, hash) = read().map_err(|e| self.database(e))?;
        // A damaged snapshot costs a replay from the first event, never a wrong state.
        Ok((seal(seq, &state).as_slice() == hash).then_some((seq, state)))
    }

    /// Stores bytes under their digest (`sha256:<hex>`), which it returns. Storing the same again changes nothing.
    pub async fn put(&self, bytes: &[u8]) -> Result<String, LedgerError> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(bytes)));
        sqlx::query("INSERT INTO blobs (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(&digest)
            .bind(bytes)
            .execute(&self.pool)
            .await
            .map_err(|e| self.database(e))?;
        Ok(digest)
    }

    /// The bytes of a digest.
    pub async fn get(&self, digest: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let row = sqlx::query("SELECT bytes FROM blobs WHERE digest = ?")
            .bind(digest)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.database(e))?;
        row.map(|row| row.try_get("bytes"))
            .transpose()
            .map_err(|e| self.database(e))
    }

    /// The sequence number of the last event, 0 when there is none.
    pub async fn last_seq(&self) -> u64 {
        self.head.lock().await.seq
    }
}

async fn head(pool: &sqlx::SqlitePool) -> Result<Head, sqlx::Error> {
    let row = sqlx::query("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else {
        return Ok(Head {
            seq: 0,
            hash: Hash::GENESIS,
        });
    };
    Ok(Head {
        seq: unsigned(row.try_get("seq")?),
        hash: hash_of(&row)?,
    })
}

pub(super) fn record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        seq: unsigned(row.try_get("seq")?),
        at_ms: row.try_get("at_ms")?,
        event: row.try_get("event")?,
        actions: row.try_get("actions")?,
        hash: hash_of(row)?,
    })
}

fn hash_of(row: &SqliteRow) -> Result<Hash, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get("hash")?;
    Hash::from_bytes(&bytes).ok_or_else(|| sqlx::Error::Decode("a hash has 32 bytes".into()))
}

/// SQLite has signed integers only; sequence numbers stay far below the sign.
fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
