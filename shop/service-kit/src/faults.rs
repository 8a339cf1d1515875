//! Faults for demonstrations and tests, from `SHOP_FAULT`. Without the cargo feature `faults` none of them exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::SchemaRange;
use crate::migration::Schema;
use crate::settings::{SettingError, Settings, parse_duration, wrong};

const FORM: &str = "a list such as latency=400ms:0.3,errors=0.05 (see README, Faults)";
/// Most bytes that `leak` keeps in all, so that a demonstration does not take the machine with it.
const LEAK_BYTES_MAX: u64 = 1 << 30;
/// Checkouts that `conversion_drop` leaves alone, so that a release passes its verification.
const GOOD_CHECKOUTS: u64 = 3;

/// The faults of this process.
#[derive(Debug, Clone)]
pub struct Faults {
    plan: Arc<Plan>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Plan {
    never_ready: bool,
    old_schema: bool,
    slow_start: Option<Duration>,
    latency: Option<(Duration, Share)>,
    errors: Option<Share>,
    crash: Option<u64>,
    leak: Option<usize>,
    conversion_drop: Option<Share>,
    crash_after: Option<String>,
    requests: AtomicU64,
    leaked: AtomicU64,
    checkouts: AtomicU64,
}

/// A share of all turns, spread evenly: 0.3 is exactly three of ten.
#[derive(Debug, Default)]
struct Share {
    of_million: u64,
    turns: AtomicU64,
}

impl Share {
    fn parse(text: &str) -> Option<Self> {
        let share: f64 = text.parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        let of_million = (0.0..=1.0)
            .contains(&share)
            .then(|| (share * 1e6).round() as u64)?;
        Some(Self {
            of_million,
            turns: AtomicU64::new(0),
        })
    }

    fn turn(&self) -> bool {
        let before = self
            .turns
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(self.of_million);
        (before + self.of_million) / 1_000_000 > before / 1_000_000
    }
}

/// What is to be done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Harm {
    pub(crate) delay: Option<Duration>,
    pub(crate) fails: bool,
}

impl Faults {
    pub(crate) fn of(settings: &Settings) -> Result<Self, SettingError> {
        let text = settings.text("SHOP_FAULT", "");
        let plan = if cfg!(feature = "faults") {
            parse(&text).ok_or_else(|| wrong("SHOP_FAULT", &text, FORM))?
        } else {
            if !text.is_empty() {
                tracing::warn!("SHOP_FAULT is ignored: this build has no faults");
            }
            Plan::default()
        };
        Ok(Self {
            plan: Arc::new(plan),
            started: Instant::now(),
        })
    }

    pub(crate) fn schema(&self, schema: Schema) -> Schema {
        let nowhere = SchemaRange {
            min: 9_999,
            max: 9_999,
        };
        if self.plan.old_schema {
            Schema {
                range: nowhere,
                ..schema
            }
        } else {
            schema
        }
    }

    pub(crate) fn readiness(&self) -> Option<impl Fn() -> Result<(), String> + Send + Sync + use<>> {
        let faults = self.clone();
        let any = self.plan.never_ready || self.plan.slow_start.is_some();
        any.then_some(move || {
            if faults.plan.never_ready {
                return Err("never ready (SHOP_FAULT)".to_owned());
            }
            let waits = faults
                .plan
                .slow_start
                .is_some_and(|time| faults.started.elapsed() < time);
            if waits {
                Err("slow start (SHOP_FAULT)".to_owned())
            } else {
                Ok(())
            }
        })
    }

    /// Called once for each request of customers.
    pub(crate) fn request(&self) -> Harm {
        if !cfg!(feature = "faults") {
            return Harm {
                delay: None,
                fails: false,
            };
        }
        let plan = &self.plan;
        let number = plan.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if plan.crash.is_some_and(|at| number >= at) {
            tracing::error!("crash (SHOP_FAULT)");
            std::process::abort();
        }
        if let Some(bytes) = plan.leak
            && plan.leaked.fetch_add(bytes as u64, Ordering::Relaxed) < LEAK_BYTES_MAX
        {
            // Written to, or the system would only promise it.
            std::mem::forget(vec![1_u8; bytes]);
        }
        let delay = plan
            .latency
            .as_ref()
            .and_then(|(time, share)| share.turn().then_some(*time));
        Harm {
            delay,
            fails: plan.errors.as_ref().is_some_and(Share::turn),
        }
    }

    /// Whether this payment is to be declined although the provider would take it.
    pub fn declines_payment(&self) -> bool {
        let Some(share) = &self.plan.conversion_drop else {
            return false;
        };
        self.plan.checkouts.fetch_add(1, Ordering::Relaxed) >= GOOD_CHECKOUTS && share.turn()
    }

    /// Ends the process when it was told to die after this phase of a checkout.
    pub fn crash_after(&self, phase: &str) {
        if self.plan.crash_after.as_deref() == Some(phase) {
            tracing::error!(phase, "crash after a phase (SHOP_FAULT)");
            std::process::abort();
        }
    }
}

fn parse(text: &str) -> Option<Plan> {
    let mut plan = Plan::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once('=')
            .map_or((part, None), |(name, value)| (name, Some(value)));
        match (name, value) {
            ("never_ready", None) => plan.never_ready = true,
            ("old_schema", None) => plan.old_schema = true,
            ("slow_start", value) => plan.slow_start = Some(parse_duration(value.unwrap_or("5s"))?),
            ("latency", value) => {
                let text = value.unwrap_or("400ms:0.3");
                let (time, share) = text.split_once(':').unwrap_or((text, "1"));
                plan.latency = Some((parse_duration(time)?, Share::parse(share)?));
            }
            ("errors", value) => plan.errors = Some(Share::parse(value.unwrap_or("0.05"))?),
            ("crash", value) => plan.crash = Some(value.unwrap_or("20").parse().ok()?),
            ("leak", value) => plan.leak = Some(mebibytes(value.unwrap_or("1MiB"))?),
            ("conversion_drop", value) => plan.conversion_drop = Some(Share::parse(value.unwrap_or("0.6"))?),
            ("crash_after", Some(phase))
                if ["claimed", "reserved", "charged", "settled"].contains(&phase) =>
            {
                plan.crash_after = Some(phase.to_owned());
            }
            _ => return None,
        }
    }
    Some(plan)
}

fn mebibytes(text: &str) -> Option<usize> {
    let number: usize = text.strip_suffix("MiB")?.parse().ok()?;
    number
        .checked_mul(1024 * 1024)
        .filter(|bytes| *bytes as u64 <= LEAK_BYTES_MAX)
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    use super::*;

    fn faults(text: &str) -> Result<Faults, SettingError> {
        Faults::of(&Settings::of([("SHOP_FAULT", text.to_owned())]))
    }

    #[test]
    fn shares_are_exact_and_forms_are_checked() {
        let harmed = faults("latency, errors=0.05").unwrap();
        let all: Vec<Harm> = (0..1000).map(|_| harmed.request()).collect();
        let slow = all
            .iter()
            .filter(|harm| harm.delay == Some(Duration::from_millis(400)))
            .count();
        assert_eq!((slow, all.iter().filter(|harm| harm.fails).count()), (300, 50));

        let drop = faults("conversion_drop=0.5").unwrap();
        let declined: Vec<bool> = (0..7).map(|_| drop.declines_payment()).collect();
        assert_eq!(declined, [false, false, false, false, true, false, true]);

        for wrong in [
            "latencies",
            "errors=2",
            "errors=x",
            "crash_after=paid",
            "crash_after",
            "leak=1",
            "never_ready=1",
        ] {
            assert!(
                faults(wrong)
                    .unwrap_err()
                    .to_string()
                    .starts_with("SHOP_FAULT is `"),
                "{wrong}"
            );
        }
        assert!(faults("").is_ok());
    }
}

#[cfg(all(test, not(feature = "faults")))]
mod tests_without {
    use super::*;

    #[test]
    fn without_the_feature_no_fault_exists_whatever_is_asked_for() {
        for text in [
            "crash=1,errors=1,latency=1s:1,never_ready,old_schema,conversion_drop=1,crash_after=claimed",
            "no such fault",
        ] {
            let faults = Faults::of(&Settings::of([("SHOP_FAULT", text.to_owned())])).unwrap();
            let nothing = Harm {
                delay: None,
                fails: false,
            };
            assert_eq!(faults.request(), nothing);
            assert!(faults.readiness().is_none());
            assert!((0..10).all(|_| !faults.declines_payment()));
            faults.crash_after("claimed");
        }
    }
}
