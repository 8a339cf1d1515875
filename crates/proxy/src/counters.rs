//! Counters of one audience of one track. Raised by requests, read by metrics; does not know who asks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::message::RATE_SECONDS;

/// Upper ends of the latency steps, in milliseconds. Fine around the second that releases are usually judged by.
pub(crate) const STEPS_MS: [u32; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 5_000, 10_000,
];

/// See [`crate::message::TrackMetrics`].
#[derive(Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    errors: AtomicU64,
    given_up: AtomicU64,
    retries: AtomicU64,
    /// Not cumulative; the last one is all that took longer.
    steps: [AtomicU64; STEPS_MS.len() + 1],
    /// Sum of the latencies, in microseconds.
    micros: AtomicU64,
    /// Totals at the last full seconds, oldest first.
    seconds: Mutex<VecDeque<u64>>,
}

impl Counters {
    /// An answer's head came, or the proxy gave one itself.
    pub(crate) fn answered(&self, status: http::StatusCode, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if status.is_server_error() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let step = STEPS_MS
            .iter()
            .position(|step| micros <= u64::from(*step) * 1_000);
        self.steps[step.unwrap_or(STEPS_MS.len())].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// An answer broke off after its head.
    pub(crate) fn broken(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn given_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Reading {
        let mut sum = 0;
        let mut within_ms = BTreeMap::new();
        for (step, count) in STEPS_MS.iter().zip(&self.steps) {
            sum += count.load(Ordering::Relaxed);
            within_ms.insert(*step, sum);
        }
        Reading {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            within_ms,
            seconds: Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }

    /// To be called once a second.
    pub(crate) fn tick(&self) {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.push_back(self.requests.load(Ordering::Relaxed));
        while seconds.len() > RATE_SECONDS + 1 {
            seconds.pop_front();
        }
    }

    /// Requests per second, over the seconds that are known.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        match (seconds.front(), seconds.back()) {
            (Some(first), Some(last)) if seconds.len() > 1 => {
                last.saturating_sub(*first) as f64 / (seconds.len() - 1) as f64
            }
            _ => 0.0,
        }
    }
}

/// Totals as of one moment.
pub(crate) struct Reading {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) given_up: u64,
    pub(crate) retries: u64,
    pub(crate) within_ms: BTreeMap<u32, u64>,
    /// Sum of the latencies.
    pub(crate) seconds: f64,
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn steps_are_cumulative_and_slow_answers_are_in_none() {
        let counters = Counters::default();
        for micros in [999, 1_000, 1_001, 749_000, 60_000_000] {
            counters.answered(StatusCode::OK, Duration::from_micros(micros));
        }
        counters.answered(StatusCode::NOT_FOUND, Duration::ZERO);
        counters.answered(StatusCode::BAD_GATEWAY, Duration::ZERO);
        let reading = counters.read();
        assert_eq!((reading.requests, reading.errors), (7, 1));
        let within: Vec<_> = [1, 2, 500, 750, 10_000]
            .map(|step| reading.within_ms[&step])
            .into();
        assert_eq!(within, [4, 5, 5, 6, 6]);
    }

    #[test]
    fn a_rate_looks_back_some_seconds_and_no_further() {
        let counters = Counters::default();
        assert!(counters.rate().abs() < f64::EPSILON);
        let second = |requests: u32| {
            for _ in 0..requests {
                counters.answered(StatusCode::OK, Duration::ZERO);
            }
            counters.tick();
            counters.rate()
        };
        second(1_000);
        assert!((second(20) - 20.0).abs() < 1e-9);
        assert!((second(40) - 30.0).abs() < 1e-9);
        for _ in 0..RATE_SECONDS {
            second(5);
        }
        assert!((counters.rate() - 5.0).abs() < 1e-9);
    }
}
