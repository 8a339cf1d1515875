//! Counts: what was sent, answered, declined and lost, by phase, by second, and by the version that answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::connection::{Answer, Habit};

/// Losses that are kept in words.
const LOSSES_MAX: usize = 50;
/// Longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;
/// Orders that are remembered as acknowledged.
const ACKNOWLEDGED_MAX: usize = 1_000_000;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A page of the storefront.
    Page,
    /// Reading through the API.
    Read,
    /// Changing the cart.
    Write,
    /// Buying.
    Checkout,
}

/// All counts of a run.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Instant,
    /// The same moment on the clock that other programs share, in milliseconds since 1970.
    began_at_ms: u128,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    all: Counts,
    second: Counts,
    phases: Vec<(String, Counts)>,
    losses: Vec<Loss>,
    versions: BTreeMap<String, Version>,
    acknowledged: Vec<String>,
}

/// Counts of some stretch of time.
#[derive(Debug)]
struct Counts {
    sent: u64,
    ok: u64,
    declined: u64,
    refused: u64,
    lost: u64,
    paid: u64,
    kinds: BTreeMap<Kind, u64>,
    latency: Histogram<u32>,
}

/// A request without a good answer.
#[derive(Debug, Clone, Serialize)]
struct Loss {
    t_ms: u64,
    what: String,
    reason: String,
}

/// What one version answered. Times are milliseconds since the start.
#[derive(Debug, Clone, Default, Serialize)]
struct Version {
    requests: u64,
    errors: u64,
    first_ms: u64,
    last_ms: u64,
    last_kept_ms: Option<u64>,
    last_new_ms: Option<u64>,
}

/// How a request ended.
enum End {
    Ok,
    /// A payment that was correctly declined.
    Declined,
    /// 4xx: understood, and not done.
    Refused,
    Lost(String),
}

impl Tally {
    pub(crate) fn new() -> Self {
        let inner = Inner {
            all: Counts::new(),
            second: Counts::new(),
            phases: Vec::new(),
            losses: Vec::new(),
            versions: BTreeMap::new(),
            acknowledged: Vec::new(),
        };
        Self {
            began: Instant::now(),
            began_at_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_millis(),
            inner: Mutex::new(inner),
        }
    }

    /// Counts one request.
    pub(crate) fn count(
        &self,
        kind: Kind,
        what: &str,
        habit: Habit,
        took: Duration,
        answer: &Result<Answer, String>,
    ) {
        let t_ms = self.now_ms();
        let end = match answer {
            Err(reason) => End::Lost(reason.clone()),
            Ok(answer) if answer.status >= 500 => {
                let said = String::from_utf8_lossy(&answer.body);
                End::Lost(format!(
                    "status {}: {}",
                    answer.status,
                    said.chars().take(160).collect::<String>()
                ))
            }
            Ok(answer) if kind == Kind::Checkout && answer.status == 402 => End::Declined,
            Ok(answer) if answer.status >= 400 => End::Refused,
            Ok(_) => End::Ok,
        };
        let mut guard = self.inner();
        let inner = &mut *guard;
        let version = answer.as_ref().ok().and_then(|answer| answer.version.clone());
        if let Some(version) = version {
            let seen = inner.versions.entry(version).or_insert_with(|| Version {
                first_ms: t_ms,
                ..Version::default()
            });
            seen.requests += 1;
            seen.errors += u64::from(matches!(end, End::Lost(_)));
            seen.last_ms = t_ms;
            match habit {
                Habit::Keep => seen.last_kept_ms = Some(t_ms),
                Habit::New => seen.last_new_ms = Some(t_ms),
            }
        }
        let phase = inner.phases.last_mut().map(|(_, counts)| counts);
        for counts in [&mut inner.all, &mut inner.second].into_iter().chain(phase) {
            counts.add(kind, took, &end);
        }
        if let End::Lost(reason) = end
            && inner.losses.len() < LOSSES_MAX
        {
            let what = what.to_owned();
            inner.losses.push(Loss { t_ms, what, reason });
        }
    }

    /// An order was answered as paid: it may never be lost.
    pub(crate) fn acknowledge(&self, order: &str) {
        let mut inner = self.inner();
        let phase = inner.phases.last_mut().map(|(_, counts)| counts);
        if let Some(counts) = phase {
            counts.paid += 1;
        }
        inner.all.paid += 1;
        inner.second.paid += 1;
        if inner.acknowledged.len() < ACKNOWLEDGED_MAX {
            inner.acknowledged.push(order.to_owned());
        }
    }

    /// What comes from now on belongs to a phase.
    pub(crate) fn mark(&self, phase: &str) {
        self.inner().phases.push((phase.to_owned(), Counts::new()));
    }

    /// One line about the time since the last line.
    pub(crate) fn second(&self) -> serde_json::Value {
        let t_ms = self.now_ms();
        let mut inner = self.inner();
        let second = std::mem::replace(&mut inner.second, Counts::new());
        let mut line = second.shown();
        line["t_ms"] = t_ms.into();
        if let Some((phase, _)) = inner.phases.last() {
            line["phase"] = phase.as_str().into();
        }
        line
    }

    /// Everything.
    pub(crate) fn summary(&self) -> serde_json::Value {
        let took_ms = self.now_ms();
        let inner = self.inner();
        let mut whole = inner.all.shown();
        whole["took_ms"] = took_ms.into();
        whole["began_at_ms"] = u64::try_from(self.began_at_ms).unwrap_or(u64::MAX).into();
        whole["phases"] = inner
            .phases
            .iter()
            .map(|(name, counts)| {
                let mut shown = counts.shown();
                shown["name"] = name.as_str().into();
                shown
            })
            .collect();
        whole["losses"] = serde_json::to_value(&inner.losses).unwrap_or_default();
        whole["by_version"] = serde_json::to_value(&inner.versions).unwrap_or_default();
        whole
    }

    /// Orders that were answered as paid.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.inner().acknowledged.clone()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn new() -> Self {
        // One microsecond to a minute, two digits: a few kilobytes.
        let latency = Histogram::new_with_bounds(1, LATENCY_MAX_US, 2);
        Self {
            sent: 0,
            ok: 0,
            declined: 0,
            refused: 0,
            lost: 0,
            paid: 0,
            kinds: BTreeMap::new(),
            latency: latency.unwrap_or_else(|_| unreachable!("the bounds are constants in the right order")),
        }
    }

    fn add(&mut self, kind: Kind, took: Duration, end: &End) {
        self.sent += 1;
        *self.kinds.entry(kind).or_default() += 1;
        match end {
            End::Ok => self.ok += 1,
            End::Declined => self.declined += 1,
            End::Refused => self.refused += 1,
            End::Lost(_) => self.lost += 1,
        }
        self.latency
            .saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    fn shown(&self) -> serde_json::Value {
        let ms = |quantile: f64| {
            let micros = u32::try_from(self.latency.value_at_quantile(quantile)).unwrap_or(u32::MAX);
            f64::from(micros) / 1_000.0
        };
        serde_json::json!({
            "sent": self.sent,
            "ok": self.ok,
            "declined": self.declined,
            "refused": self.refused,
            "lost": self.lost,
            "paid": self.paid,
            "requests": self.kinds,
            "p50_ms": ms(0.5),
            "p95_ms": ms(0.95),
            "p99_ms": ms(0.99),
        })
    }
}
