//! A copy of the database that is a little behind, for those who read.
//!
//! It is asked again and again how far it has come. A caller who wrote further than that reads from the primary, and so do all
//! when it does not answer or has fallen far behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyConnectOptions;

use crate::clock::now_ms;
use crate::context::{self, parse_place};
use crate::migration::Schema;
use crate::settings::{SettingError, Settings, wrong};
use crate::store::{Engine, is_postgres, pool_of};

const CONNECTIONS: u32 = 16;
/// Between two looks at how far it has come.
const ROUND: Duration = Duration::from_millis(100);
/// One look takes at most so long.
const LOOK_MAX: Duration = Duration::from_millis(400);
/// How far behind it may be, in milliseconds, for those who wrote nothing.
const BEHIND_MS_MAX: i64 = 5000;

#[derive(Debug, Clone)]
pub(super) struct Replica {
    pool: AnyPool,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How far it has come, at the last look.
    replayed: AtomicU64,
    /// When it last had everything that the primary had at the look before; 0 is never.
    caught_up_at: AtomicI64,
}

impl Replica {
    /// From `DATABASE_READ_URL` beside `DATABASE_URL`, and so on.
    pub(super) fn of(
        schema: Schema,
        settings: &Settings,
        engine: Engine,
    ) -> Result<Option<Self>, SettingError> {
        let variable = format!("{}_READ_URL", schema.variable.trim_end_matches("_URL"));
        let Some(url) = settings.get(&variable) else {
            return Ok(None);
        };
        let form = format!(
            "postgres://user:password@host:port/database, beside one in {}",
            schema.variable
        );
        let refused = || wrong(&variable, "***", &form);
        if engine != Engine::Postgres || !is_postgres(url) {
            return Err(refused());
        }
        let options: AnyConnectOptions = url.parse().map_err(|_| refused())?;
        let pool = pool_of(CONNECTIONS).idle_timeout(Duration::from_mins(5));
        Ok(Some(Self {
            pool: pool.connect_lazy_with(options),
            seen: Arc::default(),
        }))
    }

    /// Its connections, if it has come to that place and is not far behind.
    pub(super) fn pool_at(&self, place: u64) -> Option<&AnyPool> {
        self.seen.serves(place, now_ms()).then_some(&self.pool)
    }

    pub(super) async fn follow(&self, primary: &AnyPool) {
        // Where the primary was one look ago: with everything up to there, it is one look behind at most.
        let mut before = u64::MAX;
        loop {
            let looked = tokio::time::timeout(LOOK_MAX, self.look(primary)).await;
            match looked.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok((there, replayed)) => {
                    self.seen.note(replayed, before, now_ms());
                    before = there;
                }
                Err(error) => {
                    tracing::debug!(%error, "the replica is not known to be there");
                    self.seen.forget();
                }
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    async fn look(&self, primary: &AnyPool) -> Result<(u64, u64), sqlx::Error> {
        let replayed = "select coalesce(pg_last_wal_replay_lsn(), '0/0')::text";
        let replayed: String = sqlx::query_scalar(replayed).fetch_one(&self.pool).await?;
        let there = place(primary).await?;
        Ok((there, parse_place(&replayed).unwrap_or_default()))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Seen {
    fn serves(&self, place: u64, now: i64) -> bool {
        let caught_up = self.caught_up_at.load(Ordering::Relaxed);
        now - caught_up <= BEHIND_MS_MAX && self.replayed.load(Ordering::Relaxed) >= place
    }

    fn note(&self, replayed: u64, primary_before: u64, now: i64) {
        self.replayed.store(replayed, Ordering::Relaxed);
        if replayed >= primary_before {
            self.caught_up_at.store(now, Ordering::Relaxed);
        }
    }

    fn forget(&self) {
        self.caught_up_at.store(0, Ordering::Relaxed);
    }
}

async fn place(primary: &AnyPool) -> Result<u64, sqlx::Error> {
    let text: String = sqlx::query_scalar("select pg_current_wal_insert_lsn()::text")
        .fetch_one(primary)
        .await?;
    Ok(parse_place(&text).unwrap_or(u64::MAX))
}

/// Remembers for the caller of the request at hand how far the primary is now, which is at least as far as what was just written.
pub(super) async fn note_written(primary: &AnyPool) {
    match place(primary).await {
        Ok(place) => context::note_written(place),
        // What was written is safe; only the way to a replica is closed to this caller.
        Err(_) => context::note_written(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_serves_who_wrote_no_further_than_it_has_come_and_nobody_once_it_lags() {
        let seen = Seen::default();
        let start = 1_000_000;
        assert!(!seen.serves(0, start), "nothing is known yet");
        seen.note(90, 100, start);
        assert!(!seen.serves(0, start), "it has never had everything");
        seen.note(110, 100, start);
        assert_eq!([110, 111].map(|place| seen.serves(place, start)), [true, false]);
        seen.note(120, 200, start + 6000);
        assert!(!seen.serves(0, start + 6000), "it lags");
        seen.note(300, 200, start + 6100);
        assert!(seen.serves(300, start + 6100));
        seen.forget();
        assert!(!seen.serves(0, start + 6100), "it is gone");
    }
}
