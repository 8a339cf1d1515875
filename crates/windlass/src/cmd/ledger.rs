//! `windlass ledger`: verifies or exports the record of everything that happened. Works beside a running controller and
//! without one.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use windlass_engine::ledger::{self, Record};

use super::{Outcome, Shared, wait_for};
use crate::say::{Say, Tone};

/// Records that are read at once.
const PAGE: u32 = 500;

/// The record of everything that happened.
#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Compute every hash again
    Verify,
    /// Print every event as a line of JSON
    Export {
        /// Only events after this number
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
}

impl Ledger {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        match self {
            Self::Verify => wait_for(verify(shared)),
            Self::Export { after } => wait_for(export(shared, *after)),
        }
    }
}

async fn verify(shared: &Shared) -> Result<Outcome> {
    let ledger = ledger::Ledger::read(&shared.place()?.state).await?;
    let verified = ledger.verify().await?;
    let say = shared.say();
    say.document(&json!({ "verified": true, "events": verified.events, "blobs": verified.blobs, "head": verified.head }));
    say.line(format!(
        "{}: {} events and {} stored documents are as they were written",
        say.tone(Tone::Good, "verified"),
        verified.events,
        verified.blobs
    ));
    say.line(format!(
        "head {}   (noted elsewhere, it proves later that nothing was cut off)",
        verified.head
    ));
    say.next("windlass ledger export");
    Ok(Outcome::Done)
}

async fn export(shared: &Shared, mut after: u64) -> Result<Outcome> {
    let ledger = ledger::Ledger::read(&shared.place()?.state).await?;
    loop {
        let records = ledger.after(after, PAGE).await?;
        let Some(last) = records.last() else {
            return Ok(Outcome::Done);
        };
        after = last.seq;
        for record in &records {
            Say::raw(&line(record).to_string());
        }
    }
}

fn line(record: &Record) -> Value {
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    json!({
        "seq": record.seq,
        "at_ms": record.at_ms,
        "event": parsed(&record.event),
        "actions": parsed(&record.actions),
        "hash": record.hash.to_string(),
    })
}
