//! Sequential analysis: is the new release worse for customers than the old one? Looks may be taken at any time and as often
//! as one likes; the chance that a good release is ever called bad stays below `alpha`.
//!
//! Each question is about a share of trials that fail (requests with errors, slow requests, checkouts not paid). Under the
//! hypothesis "at most `p0`" the likelihood ratio against any larger share is a supermartingale, and so is the mean over a
//! grid of them: an e-process. It passes `1/alpha` with a chance of at most `alpha` (Ville's inequality), whenever one looks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Analysis;

/// Alternatives that are tested at once, as the way from `p0` to 1.
const GRID: [f64; 6] = [0.02, 0.05, 0.1, 0.25, 0.5, 0.9];
/// The smallest share that is told from none: with `p0` of 0 a single failure would decide.
const SHARE_MIN: f64 = 0.002;
/// Latency bounds above the old release's by this factor count as slower.
const SLOWER: f64 = 1.5;
/// Share of the old release's requests that its own latency bound leaves out.
const TAIL: f64 = 0.05;
/// Share of slow requests that is accepted: the tail and as much again.
const TAIL_MAX: f64 = 2.0 * TAIL;
/// Old requests below which nothing is known about its latency.
const OLD_REQUESTS_MIN: u64 = 50;

/// Totals of one track since it was started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Requests answered.
    pub requests: u64,
    /// Of these, failed: 5xx or no answer.
    pub errors: u64,
    /// Requests that took at most so many milliseconds.
    #[serde(with = "bounds")]
    pub within_ms: BTreeMap<u32, u64>,
    /// Good ones and all of each business metric.
    pub business: BTreeMap<String, (u64, u64)>,
}

/// JSON has only strings as keys, and what is read through a tagged enum, as events are, keeps them so.
mod bounds {
    use std::collections::BTreeMap;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(bounds: &BTreeMap<u32, u64>, to: S) -> Result<S::Ok, S::Error> {
        bounds.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u32, u64>, D::Error> {
        let read = |(bound, count): (String, u64)| Ok((bound.parse().map_err(D::Error::custom)?, count));
        BTreeMap::<String, u64>::deserialize(from)?
            .into_iter()
            .map(read)
            .collect()
    }
}

/// What the numbers say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Worse beyond doubt.
    Bad {
        /// The deciding numbers, in a sentence.
        because: String,
    },
    /// Nothing speaks against it, and there was enough traffic to tell.
    Good,
    /// Nothing speaks against it, but there was not enough traffic.
    Inconclusive {
        /// What is missing.
        because: String,
    },
}

/// Judges the new release. `seen` and `since` are the new track's totals now and at the start of the watch, `before` its
/// totals one measurement ago (a checkout that has just begun is no failed one), `old` the old track's.
pub fn judge(settings: &Analysis, since: &Sample, before: &Sample, seen: &Sample, old: &Sample) -> Verdict {
    let trials = [
        errors(settings, since, seen, old),
        latency(settings, since, seen, old),
    ];
    let business = settings.business.iter().map(|(name, metric)| {
        let count = |sample: &Sample| sample.business.get(name).copied().unwrap_or_default();
        let ((good_then, of_then), (_, of_before), (good_now, _)) =
            (count(since), count(before), count(seen));
        let of = of_before.saturating_sub(of_then);
        let good = good_now.saturating_sub(good_then).min(of);
        let (old_good, old_of) = count(old);
        let usual = if old_of >= OLD_REQUESTS_MIN / 5 {
            Some(share(old_good.min(old_of), old_of))
        } else {
            None
        };
        let floor = metric
            .min
            .or(usual.map(|usual| usual - metric.drop))
            .unwrap_or(0.0);
        Trial {
            what: format!("{name} failed"),
            failed: of - good,
            of,
            accepted: 1.0 - floor,
            skip: floor <= 0.0,
        }
    });
    let trials: Vec<Trial> = trials.into_iter().chain(business).collect();
    // One budget of false alarms for all questions.
    let alpha = settings.alpha / f64::from(u32::try_from(trials.len()).unwrap_or(u32::MAX));
    if let Some(bad) = trials.iter().find(|trial| trial.evidence() >= 1.0 / alpha) {
        return Verdict::Bad {
            because: bad.sentence(),
        };
    }
    let requests = seen.requests.saturating_sub(since.requests);
    if requests < u64::from(settings.requests_min) {
        let because = format!(
            "{requests} requests, {} are needed for a verdict",
            settings.requests_min
        );
        return Verdict::Inconclusive { because };
    }
    Verdict::Good
}

/// So many failed of so many; `accepted` is the share that is fine.
#[derive(Debug)]
struct Trial {
    what: String,
    failed: u64,
    of: u64,
    accepted: f64,
    skip: bool,
}

impl Trial {
    /// The e-value against "at most `accepted`".
    fn evidence(&self) -> f64 {
        if self.skip || self.of == 0 {
            return 0.0;
        }
        let p0 = self.accepted.clamp(SHARE_MIN, 0.999);
        let (failed, fine) = (number(self.failed), number(self.of - self.failed));
        let ratio = |way: f64| {
            let p1 = p0 + (1.0 - p0) * way;
            (failed * (p1 / p0).ln() + fine * ((1.0 - p1) / (1.0 - p0)).ln()).exp()
        };
        GRID.iter().map(|way| ratio(*way)).sum::<f64>() / number(GRID.len() as u64)
    }

    fn sentence(&self) -> String {
        let percent = 100.0 * share(self.failed, self.of);
        format!(
            "{} of {} {} ({percent:.1} %, at most {:.1} % is accepted)",
            self.failed,
            self.of,
            self.what,
            100.0 * self.accepted.max(SHARE_MIN)
        )
    }
}

fn errors(settings: &Analysis, since: &Sample, seen: &Sample, old: &Sample) -> Trial {
    let usual = share(old.errors, old.requests) + settings.worse_by;
    let of = seen.requests.saturating_sub(since.requests);
    Trial {
        what: "requests failed".to_owned(),
        // A request may be counted as failed before it is counted.
        failed: seen.errors.saturating_sub(since.errors).min(of),
        of,
        accepted: usual.max(settings.errors_max),
        skip: false,
    }
}

/// Slow is above a bound that nearly all of the old release's requests stay below.
fn latency(settings: &Analysis, since: &Sample, seen: &Sample, old: &Sample) -> Trial {
    let known = old.requests >= OLD_REQUESTS_MIN;
    let usual = old
        .within_ms
        .iter()
        .find(|(_, within)| share(**within, old.requests) >= 1.0 - TAIL);
    let usual = usual
        .filter(|_| known)
        .map(|(bound, _)| f64::from(*bound) * SLOWER);
    let limit = settings.latency_p99_ms_max.map(number);
    let wanted = match (usual, limit) {
        (Some(usual), Some(limit)) => Some(usual.min(limit)),
        (one, other) => one.or(other),
    };
    let bound = wanted.and_then(|wanted| seen.within_ms.keys().find(|bound| f64::from(**bound) >= wanted));
    let requests = seen.requests.saturating_sub(since.requests);
    let within = |sample: &Sample| {
        bound
            .and_then(|bound| sample.within_ms.get(bound))
            .copied()
            .unwrap_or_default()
    };
    let fast = within(seen).saturating_sub(within(since)).min(requests);
    Trial {
        what: format!(
            "requests took longer than {} ms",
            bound.copied().unwrap_or_default()
        ),
        failed: requests - fast,
        of: requests,
        accepted: TAIL_MAX,
        skip: bound.is_none(),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        number(part) / number(whole)
    }
}

/// Counts stay far below the 2^53 up to which a float is exact.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests stay far below 2^53"
)]
fn number(count: u64) -> f64 {
    count as f64
}
