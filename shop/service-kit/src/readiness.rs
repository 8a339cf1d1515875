//! Whether a service can serve: what it depends on, the schema that it finds, and whether it is being stopped.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::metrics::Gauge;

/// A check that takes longer has failed.
const CHECK_TIME_MAX: Duration = Duration::from_millis(400);
/// Between two rounds of checks; with the time of one check it keeps "database down" within a second of `/ready`.
const ROUND: Duration = Duration::from_millis(400);
/// Between two rounds until the first good one, so that a start is not slower than it has to be.
const ROUND_AT_START: Duration = Duration::from_millis(20);
/// Rounds at start before the slower rhythm: two seconds of them.
const ROUNDS_AT_START: u32 = 100;

/// The numbers of the schemas that a program can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SchemaRange {
    /// The oldest one.
    pub min: i64,
    /// The newest one that it knows; a newer one is fine until its contract phase has run.
    pub max: i64,
}

type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Readiness {
    inner: Arc<Inner>,
}

struct Inner {
    checks: Mutex<Vec<(&'static str, Check)>>,
    results: RwLock<Option<Vec<Outcome>>>,
    found: AtomicI64,
    draining: AtomicBool,
    gauge: Gauge,
}

#[derive(Debug, Clone, Serialize)]
struct Outcome {
    name: &'static str,
    ok: bool,
    detail: String,
}

impl Readiness {
    pub(crate) fn new(gauge: Gauge) -> Self {
        let inner = Inner {
            checks: Mutex::default(),
            results: RwLock::default(),
            found: AtomicI64::new(0),
            draining: AtomicBool::new(false),
            gauge,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn check<F, R>(&self, name: &'static str, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || Box::pin(check()));
        self.inner
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, check));
    }

    pub(crate) fn set_schema_found(&self, number: i64) {
        self.inner.found.store(number, Ordering::Relaxed);
    }

    pub(crate) fn start_draining(&self) {
        self.inner.draining.store(true, Ordering::SeqCst);
        self.inner.gauge.set(0);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn is_ready(&self) -> bool {
        let results = self.inner.results.read().unwrap_or_else(PoisonError::into_inner);
        !self.is_draining()
            && results
                .as_ref()
                .is_some_and(|results| results.iter().all(|outcome| outcome.ok))
    }

    /// The document of `/ready`.
    pub(crate) fn document(&self, service: &str, version: &str, schema: Option<SchemaRange>) -> Value {
        let mut checks = self
            .inner
            .results
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let list = checks.get_or_insert_with(|| {
            vec![Outcome {
                name: "start",
                ok: false,
                detail: "the first checks are not done yet".to_owned(),
            }]
        });
        if self.is_draining() {
            list.push(Outcome {
                name: "running",
                ok: false,
                detail: "being stopped".to_owned(),
            });
        }
        let schema = schema.map(|range| {
            json!({"found": self.inner.found.load(Ordering::Relaxed), "min": range.min, "max": range.max})
        });
        json!({"ready": self.is_ready(), "service": service, "version": version, "schema": schema, "checks": checks})
    }

    /// Runs the checks for ever.
    pub(crate) async fn watch(self) {
        let mut rounds = 0_u32;
        loop {
            self.round().await;
            rounds = rounds.saturating_add(1);
            let starting = rounds < ROUNDS_AT_START && !self.is_ready();
            tokio::time::sleep(if starting { ROUND_AT_START } else { ROUND }).await;
        }
    }

    async fn round(&self) {
        let checks = self
            .inner
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // All at once: one that hangs must not hide another, nor make the round longer than one check.
        let running = checks.into_iter().map(|(name, check)| async move {
            let result = tokio::time::timeout(CHECK_TIME_MAX, check()).await;
            let result = result.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIME_MAX:?}")));
            match result {
                Ok(()) => Outcome {
                    name,
                    ok: true,
                    detail: "ok".to_owned(),
                },
                Err(detail) => Outcome {
                    name,
                    ok: false,
                    detail,
                },
            }
        });
        let results = futures_util::future::join_all(running).await;
        let was = self.is_ready();
        *self.inner.results.write().unwrap_or_else(PoisonError::into_inner) = Some(results.clone());
        let is = self.is_ready();
        self.inner.gauge.set(i64::from(is));
        if was != is {
            let failing: Vec<_> = results.iter().filter(|outcome| !outcome.ok).collect();
            tracing::info!(ready = is, ?failing, "readiness changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_says_nothing_any_more_is_unready_within_a_second() {
        let readiness = Readiness::new(Gauge::default());
        let silent = Arc::new(AtomicBool::new(false));
        let (asked, is_silent) = (Arc::new(AtomicI64::new(0)), Arc::clone(&silent));
        let seen = Arc::clone(&asked);
        readiness.check("store", move || {
            seen.fetch_add(1, Ordering::Relaxed);
            let silent = is_silent.load(Ordering::Relaxed);
            async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        });
        readiness.round().await;
        assert!(readiness.is_ready());
        silent.store(true, Ordering::Relaxed);
        // At worst it falls silent right after a look: one pause, and one look that is given up.
        assert!(ROUND + CHECK_TIME_MAX < Duration::from_secs(1));
        let began = std::time::Instant::now();
        readiness.round().await;
        assert!(!readiness.is_ready() && asked.load(Ordering::Relaxed) == 2);
        assert!(began.elapsed() >= CHECK_TIME_MAX, "it was given its time");
        let said = readiness.document("shop", "1", None);
        assert_eq!(said["checks"][0]["detail"], "no answer within 400ms");
    }
}
