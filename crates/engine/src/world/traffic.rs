//! The traffic of each track as the proxy counted it last.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use windlass_core::machine::event::Color;
use windlass_core::view::TrafficView;
use windlass_proxy::message::TrackMetrics;

/// Share of requests that the shown latency covers.
const SHOWN_PERCENT: u64 = 95;

/// The newest figures, by environment and track.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    last: Mutex<BTreeMap<(String, Color), Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    shown: TrafficView,
    counted: TrackMetrics,
}

impl Traffic {
    pub(crate) fn of(&self, environment: &str, color: Color) -> Option<TrafficView> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Some(last.get(&(environment.to_owned(), color))?.shown.clone())
    }

    /// Takes new counters. Errors and latency are those since the counters before, or as before when there was no request.
    pub(crate) fn take(&self, environment: &str, color: Color, counted: Option<&TrackMetrics>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (environment.to_owned(), color);
        let Some(counted) = counted else {
            last.remove(&key);
            return;
        };
        let before = last
            .get(&key)
            .filter(|kept| kept.counted.requests <= counted.requests);
        let shown = shown(before, counted);
        let counted = counted.clone();
        last.insert(key, Kept { shown, counted });
    }
}

fn shown(before: Option<&Kept>, counted: &TrackMetrics) -> TrafficView {
    let (requests_before, errors_before) =
        before.map_or((0, 0), |kept| (kept.counted.requests, kept.counted.errors));
    let requests = counted.requests - requests_before;
    let quiet = requests == 0;
    let within = |bound: &u32| {
        let then = before.and_then(|kept| kept.counted.within_ms.get(bound)).copied();
        let now = counted.within_ms.get(bound).copied().unwrap_or_default();
        now.saturating_sub(then.unwrap_or_default())
    };
    let p95_ms = counted
        .within_ms
        .keys()
        .find(|bound| within(bound) * 100 >= requests * SHOWN_PERCENT)
        .map(|bound| f64::from(*bound));
    TrafficView {
        rate: counted.rate,
        errors: if quiet {
            before.map_or(0.0, |kept| kept.shown.errors)
        } else {
            share(counted.errors.saturating_sub(errors_before), requests)
        },
        p95_ms: if quiet {
            before.and_then(|kept| kept.shown.p95_ms)
        } else {
            p95_ms
        },
        in_flight: counted.in_flight,
        requests: counted.requests,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "requests of a second stay far below 2^53"
)]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
