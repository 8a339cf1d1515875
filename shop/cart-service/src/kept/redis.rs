//! Carts in Redis: a document for each owner, changed by compare and set, forgotten after a month without a change.

use std::time::Duration;

use service_kit::event::Event;
use service_kit::redis::{Guarded, Redis};
use service_kit::{Kit, Problem, StartError};

use super::document::{Document, Full};
use crate::item::LINES_MAX;
use crate::kept::{Change, Content, Counts, changed, full};

/// How long a cart is kept that nobody touches.
const CART_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long an event is known as applied: far longer than it is ever delivered again.
const EVENT_KEPT: Duration = Duration::from_hours(7 * 24);
/// Somebody else was faster so often.
const TRIES_MAX: u32 = 50;
/// The form of the documents, which both versions of a rollout must know.
const SCHEMA: i64 = 1;

#[derive(Clone)]
pub(crate) struct Documents {
    redis: Redis,
}

/// A document, and its bytes as they were found.
struct Read {
    document: Document,
    bytes: Option<Vec<u8>>,
}

impl Documents {
    pub(super) fn of(kit: &Kit) -> Result<Self, StartError> {
        let redis = Redis::of(kit, "CART_URL")?
            .ok_or_else(|| StartError::Failed("CART_URL names no Redis".to_owned()))?;
        let (checked, kit_again) = (redis.clone(), kit.clone());
        kit.check("redis", move || {
            let (redis, kit) = (checked.clone(), kit_again.clone());
            async move {
                redis.ping().await?;
                kit.set_schema_found(SCHEMA);
                Ok(())
            }
        });
        Ok(Self { redis })
    }

    pub(super) async fn content(&self, owner: &str) -> Result<Content, Problem> {
        Ok(self.read(owner).await?.document.content())
    }

    pub(super) async fn change(
        &self,
        owner: &str,
        change: &Change,
        expected: Option<i64>,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES_MAX {
            let mut read = self.read(owner).await?;
            if expected.is_some_and(|expected| expected != read.document.version) {
                return Err(changed());
            }
            if matches!(change, Change::Drop) && read.document.lines.is_empty() {
                return Ok(());
            }
            read.document.change(change).map_err(|Full| full())?;
            if self.redis.replace(&[read.guarded(owner)?]).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    pub(super) async fn merge(&self, from: &str, into: &str) -> Result<(), Problem> {
        for _ in 0..TRIES_MAX {
            let (guest, mut customer) = (self.read(from).await?, self.read(into).await?);
            if guest.bytes.is_none() {
                return Ok(());
            }
            let gone = Guarded {
                key: key(from),
                before: guest.bytes,
                after: None,
            };
            if !guest.document.lines.is_empty() {
                customer.document.take(guest.document);
            }
            if self.redis.replace(&[gone, customer.guarded(into)?]).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    pub(super) async fn bought(&self, event: &Event) -> Result<(), Problem> {
        let inbox = format!("cart:event:{}", event.id);
        let owner = &event.order.owner;
        for _ in 0..TRIES_MAX {
            if self.redis.get(&inbox).await?.is_some() {
                return Ok(());
            }
            let mut read = self.read(owner).await?;
            read.document.bought(&event.order.lines);
            let applied = Guarded {
                key: inbox.clone(),
                before: None,
                after: Some((b"1".to_vec(), EVENT_KEPT)),
            };
            if self.redis.replace(&[applied, read.guarded(owner)?]).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    pub(super) async fn verify(&self) -> Result<Counts, Problem> {
        let mut counts = Counts::default();
        for (key, bytes) in self.redis.all("cart:v1:*").await? {
            let document = parse(&bytes)?;
            counts.carts += 1;
            counts.pieces += document.lines.iter().map(|line| line.quantity).sum::<i64>();
            let lines = i64::try_from(document.lines.len()).unwrap_or(i64::MAX);
            if lines > LINES_MAX {
                let owner = key.strip_prefix("cart:v1:").unwrap_or_default();
                counts.wrong.push((owner.to_owned(), lines));
            }
        }
        Ok(counts)
    }

    async fn read(&self, owner: &str) -> Result<Read, Problem> {
        let bytes = self.redis.get(&key(owner)).await?;
        let document = bytes.as_deref().map(parse).transpose()?.unwrap_or_default();
        Ok(Read { document, bytes })
    }
}

impl Read {
    /// To be written if nobody wrote since it was read.
    fn guarded(self, owner: &str) -> Result<Guarded, Problem> {
        let bytes = serde_json::to_vec(&self.document).map_err(Problem::internal)?;
        Ok(Guarded {
            key: key(owner),
            before: self.bytes,
            after: Some((bytes, CART_KEPT)),
        })
    }
}

fn key(owner: &str) -> String {
    format!("cart:v1:{owner}")
}

fn parse(bytes: &[u8]) -> Result<Document, Problem> {
    serde_json::from_slice(bytes).map_err(Problem::internal)
}

fn busy() -> Problem {
    Problem::unavailable("The cart is being changed by others. Please try again.")
}
