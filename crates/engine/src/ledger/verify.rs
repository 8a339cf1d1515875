//! Proof that the ledger is what was written: chain, outbox, snapshot, blobs and the database file itself.

use std::fmt;

use sha2::{Digest, Sha256};
use sqlx::Row;

use super::chain::seal;
use super::{Hash, Ledger, LedgerError, Record, store};

/// Records read at once.
const PAGE: u32 = 500;

/// What a sound ledger holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Events in the chain.
    pub events: u64,
    /// Stored plans, objects and evidence.
    pub blobs: u64,
    /// Hash of the last event, hexadecimal: note it elsewhere to prove later that nothing was cut off.
    pub head: String,
}

/// The first damage found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The content of an event, its time or its actions is not what was hashed.
    Event {
        /// Which one.
        seq: u64,
    },
    /// A sequence number is missing.
    Gap {
        /// The one that was expected.
        expected: u64,
        /// The one that was found.
        found: u64,
    },
    /// Events at the end are gone: SQLite leaves out what it cannot read of its journal without a word.
    CutOff {
        /// The last event that was written.
        noted: u64,
        /// The last one that is there.
        found: u64,
    },
    /// An outbox row is not among the actions of its event.
    Outbox {
        /// The event it claims to belong to.
        seq: u64,
        /// Its place there.
        index: u32,
    },
    /// The snapshot is not what was written.
    Snapshot,
    /// Stored bytes do not match their digest.
    Blob {
        /// The digest they are stored under.
        digest: String,
    },
    /// SQLite finds its own file damaged.
    File {
        /// What it says.
        message: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { seq } => write!(f, "event {seq} does not match its hash"),
            Self::Gap { expected, found } => {
                write!(f, "event {expected} is missing, {found} follows instead")
            }
            Self::CutOff { noted, found } => {
                write!(
                    f,
                    "event {noted} was written and is gone: the ledger ends at {found}"
                )
            }
            Self::Outbox { seq, index } => {
                write!(f, "action {index} in the outbox is not one of event {seq}")
            }
            Self::Snapshot => f.write_str("the snapshot does not match its hash"),
            Self::Blob { digest } => write!(f, "the bytes stored as {digest} have another digest"),
            Self::File { message } => write!(f, "the database file: {message}"),
        }
    }
}

impl Ledger {
    /// Checks everything; the first damage is an error that says where.
    pub async fn verify(&self) -> Result<Verified, LedgerError> {
        let damaged = |damage| LedgerError::Damaged {
            path: self.path.clone(),
            damage,
        };
        // Before the chain is read: a controller may write meanwhile, and notes what it has written.
        let noted = self.noted();
        // The chain first: its answer names the event. SQLite's own check may only name a page.
        let chained = self.verify_chain().await;
        let (events, head) = match chained {
            Ok(found) => found.map_err(damaged)?,
            Err(error) => {
                return Err(damaged(Damage::File {
                    message: error.to_string(),
                }));
            }
        };
        if let Some((seq, noted)) = noted {
            if seq > events {
                return Err(damaged(Damage::CutOff {
                    noted: seq,
                    found: events,
                }));
            }
            if seq == events && noted != head.to_string() {
                return Err(damaged(Damage::Event { seq }));
            }
        }
        match self.verify_rest().await {
            Ok(Ok(blobs)) => Ok(Verified {
                events,
                blobs,
                head: head.to_string(),
            }),
            Ok(Err(damage)) => Err(damaged(damage)),
            Err(error) => Err(damaged(Damage::File {
                message: error.to_string(),
            })),
        }
    }

    async fn verify_chain(&self) -> Result<Result<(u64, Hash), Damage>, sqlx::Error> {
        let (mut seq, mut hash) = (0, Hash::GENESIS);
        loop {
            let rows = sqlx::query(
                "SELECT seq, at_ms, event, actions, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            )
            .bind(i64::try_from(seq).unwrap_or(i64::MAX))
            .bind(i64::from(PAGE))
            .fetch_all(&self.pool)
            .await?;
            if rows.is_empty() {
                return Ok(Ok((seq, hash)));
            }
            for row in &rows {
                let Ok(record) = store::record(row) else {
                    return Ok(Err(Damage::Event { seq: seq + 1 }));
                };
                if let Err(damage) = follows(seq, hash, &record) {
                    return Ok(Err(damage));
                }
                (seq, hash) = (record.seq, record.hash);
            }
        }
    }

    async fn verify_rest(&self) -> Result<Result<u64, Damage>, sqlx::Error> {
        for row in sqlx::query("SELECT seq, place, action FROM outbox")
            .fetch_all(&self.pool)
            .await?
        {
            let (seq, place): (i64, i64) = (row.try_get("seq")?, row.try_get("place")?);
            let action: String = row.try_get("action")?;
            let listed: Option<String> = sqlx::query_scalar("SELECT actions FROM events WHERE seq = ?")
                .bind(seq)
                .fetch_optional(&self.pool)
                .await?;
            if !listed.is_some_and(|listed| is_listed(&listed, place, &action)) {
                let index = u32::try_from(place).unwrap_or(u32::MAX);
                return Ok(Err(Damage::Outbox {
                    seq: u64::try_from(seq).unwrap_or(0),
                    index,
                }));
            }
        }
        for row in sqlx::query("SELECT seq, state, hash FROM snapshots")
            .fetch_all(&self.pool)
            .await?
        {
            let (seq, state): (i64, String) = (row.try_get("seq")?, row.try_get("state")?);
            let hash: Vec<u8> = row.try_get("hash")?;
            let sealed = u64::try_from(seq).map(|seq| seal(seq, &state));
            if sealed.map_or(true, |sealed| sealed.as_slice() != hash) {
                return Ok(Err(Damage::Snapshot));
            }
        }
        let digests: Vec<String> = sqlx::query_scalar("SELECT digest FROM blobs")
            .fetch_all(&self.pool)
            .await?;
        for digest in &digests {
            let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM blobs WHERE digest = ?")
                .bind(digest)
                .fetch_optional(&self.pool)
                .await?;
            let found = bytes.map(|bytes| format!("sha256:{}", hex::encode(Sha256::digest(bytes))));
            if found.as_ref() != Some(digest) {
                return Ok(Err(Damage::Blob {
                    digest: digest.clone(),
                }));
            }
        }
        let answers: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_all(&self.pool)
            .await?;
        match answers.first() {
            Some(answer) if answer != "ok" => Ok(Err(Damage::File {
                message: answer.clone(),
            })),
            _ => Ok(Ok(digests.len() as u64)),
        }
    }
}

/// Whether `record` is what was written after `seq` with `hash`.
fn follows(seq: u64, hash: Hash, record: &Record) -> Result<(), Damage> {
    if record.seq != seq + 1 {
        return Err(Damage::Gap {
            expected: seq + 1,
            found: record.seq,
        });
    }
    if hash.then(record.seq, record.at_ms, &record.event, &record.actions) != record.hash {
        return Err(Damage::Event { seq: record.seq });
    }
    Ok(())
}

fn is_listed(listed: &str, place: i64, action: &str) -> bool {
    let Ok(actions) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(listed) else {
        return false;
    };
    usize::try_from(place)
        .ok()
        .and_then(|place| actions.get(place).map(|raw| raw.get() == action))
        .unwrap_or(false)
}
