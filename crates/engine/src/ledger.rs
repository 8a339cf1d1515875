//! The ledger: an append-only, hash-chained log of events with the outbox of the actions they caused, on SQLite.
//!
//! It stores text and hashes; it knows neither what an event means nor how an action is done.

mod chain;
mod store;
#[cfg(test)]
mod tests;
mod verify;

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqlitePool;
use tokio::sync::Mutex;

pub use chain::Hash;
pub use verify::{Damage, Verified};

/// The database inside the state folder.
const FILE: &str = "ledger.db";
/// Held for as long as a controller may write.
const LOCK: &str = "ledger.lock";

/// The log of one platform. Cheap reads; one writer at a time.
#[derive(Debug)]
pub struct Ledger {
    pool: SqlitePool,
    path: PathBuf,
    /// The last sequence number and hash. Taken for the whole of an append, so that the chain has no forks.
    head: Mutex<Head>,
    /// The lock of the one controller; `None` when opened to read.
    lock: Option<File>,
    /// Grows with each controller that opens it; an older one writes nothing any more.
    term: i64,
}

/// Where the chain ends.
#[derive(Debug, Clone, Copy)]
struct Head {
    seq: u64,
    hash: Hash,
}

/// What one append writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry<'a> {
    /// When it happened, milliseconds since the epoch.
    pub at_ms: i64,
    /// The event, JSON.
    pub event: &'a str,
    /// The actions it caused, each JSON; they go into the outbox.
    pub actions: &'a [String],
    /// The state after the event, JSON, where a snapshot is due.
    pub state: Option<&'a str>,
    /// The action (event and place) whose outcome this event is; it leaves the outbox.
    pub answers: Option<(u64, u32)>,
}

/// One event as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Position in the log, from 1 without gaps.
    pub seq: u64,
    /// When it was written, milliseconds since the epoch.
    pub at_ms: i64,
    /// The event, JSON.
    pub event: String,
    /// The actions it caused, a JSON array.
    pub actions: String,
    /// Hash of this record and, through its predecessor, of all before it.
    pub hash: Hash,
}

/// An action that was written with its event and whose outcome is not yet known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The event that caused it.
    pub seq: u64,
    /// Its place among the actions of that event.
    pub index: u32,
    /// The action, JSON.
    pub action: String,
}

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A second controller.
    #[error("another controller is working on {}\nhint: `windlass status` talks to the one that runs, `windlass down` stops it", .folder.display())]
    InUse {
        /// The state folder.
        folder: PathBuf,
    },
    /// Another controller opened it since.
    #[error("another controller has taken over {}\nhint: this one ends; `windlass status` talks to the one that acts", .path.display())]
    Replaced {
        /// The database file.
        path: PathBuf,
    },
    /// A folder or file could not be made or opened.
    #[error("cannot open the ledger in {}: {source}\nhint: the folder must be writable and its disk must have room", .folder.display())]
    Open {
        /// The state folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No ledger where one was expected.
    #[error("there is no ledger in {}\nhint: `windlass up` starts one; `--state` names another folder", .folder.display())]
    Missing {
        /// The state folder.
        folder: PathBuf,
    },
    /// The database refused.
    #[error("the ledger {} cannot be used: {source}\nhint: {hint}", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// A record does not match its hash.
    #[error("the ledger {} is damaged: {damage}\nhint: keep the file as it is, restore a backup or an export (`windlass ledger export`) into a new state folder", .path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// Where and how.
        damage: Damage,
    },
}

impl Ledger {
    /// Opens (or starts) the ledger of a state folder for the one controller that may write.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let open = |source| LedgerError::Open {
            folder: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(open)?;
        let lock = File::create(folder.join(LOCK)).map_err(open)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(LedgerError::InUse {
                    folder: folder.to_owned(),
                });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(open(source)),
        }
        Self::connect(folder, Some(lock)).await
    }

    /// Opens an existing ledger to read beside the controller that writes.
    pub async fn read(folder: &Path) -> Result<Self, LedgerError> {
        if !folder.join(FILE).is_file() {
            return Err(LedgerError::Missing {
                folder: folder.to_owned(),
            });
        }
        Self::connect(folder, None).await
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn database(&self, source: sqlx::Error) -> LedgerError {
        database(&self.path, source)
    }
}

/// Wraps what SQLite said with a hint that fits it.
fn database(path: &Path, source: sqlx::Error) -> LedgerError {
    let text = source.to_string();
    let hint = if text.contains("full") {
        "the disk is full: free some space; nothing that was acknowledged is lost"
    } else if text.contains("malformed") || text.contains("not a database") {
        "the file is corrupted: `windlass ledger verify` says where; restore it from a backup"
    } else if text.contains("readonly") || text.contains("unable to open") {
        "the file must be writable for the user that runs the controller"
    } else {
        "`windlass ledger verify` checks the file; `windlass doctor` checks the machine"
    };
    LedgerError::Database {
        path: path.to_owned(),
        source,
        hint,
    }
}
