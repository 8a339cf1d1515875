//! `syncPolicy.retry`: how often and when a sync that failed is tried again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Wrong;
use super::duration::seconds_or_duration_ms;
use super::fields::Part;

/// What holds where nothing is said of an automated sync: 5 s, 10 s, 20 s, 40 s, 80 s.
const LIMIT: i64 = 5;
const FIRST_MS: i64 = 5_000;
const FACTOR: i64 = 2;
const LONGEST_MS: i64 = 180_000;

/// How a failed sync is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often; below 0 without end.
    pub limit: i64,
    first_ms: i64,
    factor: i64,
    /// 0 for none.
    longest_ms: i64,
}

impl Retry {
    /// Never again.
    pub const NEVER: Self = Self {
        limit: 0,
        first_ms: FIRST_MS,
        factor: FACTOR,
        longest_ms: LONGEST_MS,
    };

    /// Reads `retry`. Without it an automated sync is tried again five times.
    pub(super) fn read(part: &Part<'_>, automated: bool) -> Result<Self, Wrong> {
        if !part.is_there() {
            return Ok(Self {
                limit: if automated { LIMIT } else { 0 },
                ..Self::NEVER
            });
        }
        let backoff = part.get("backoff");
        let time = |key: &str, otherwise: i64| {
            let text = backoff.get(key).word()?;
            if text.is_empty() {
                return Ok(otherwise);
            }
            seconds_or_duration_ms(&text).ok_or_else(|| {
                backoff.get(key).wrong(
                    format!("`{text}` is no duration"),
                    "it is one as Go writes it, `1m30s`, or a number of seconds",
                )
            })
        };
        let whole = |part: Part<'_>, otherwise: i64| {
            if !part.is_there() {
                return Ok(otherwise);
            }
            let number = part.value().as_i64();
            number.ok_or_else(|| part.wrong("it is no whole number", "for example `5`"))
        };
        Ok(Self {
            limit: whole(part.get("limit"), 0)?,
            first_ms: time("duration", FIRST_MS)?,
            factor: whole(backoff.get("factor"), FACTOR)?,
            longest_ms: time("maxDuration", LONGEST_MS)?,
        })
    }

    /// Reads `retry` as a sync policy has it.
    pub fn parse(place: &str, retry: &Value) -> Result<Self, Wrong> {
        Self::read(&Part::root(place, retry), true)
    }

    /// Whether there is another try after this many.
    pub fn goes_on(&self, tries: u32) -> bool {
        self.limit < 0 || i64::from(tries) < self.limit
    }

    /// How long it is waited before the try after this many.
    pub fn wait_ms(&self, tries: u32) -> u64 {
        let exponent = i32::try_from(tries).unwrap_or(i32::MAX);
        #[expect(clippy::cast_precision_loss, reason = "waits are short")]
        let (first, factor, longest) = (self.first_ms as f64, self.factor as f64, self.longest_ms as f64);
        let wait = first * factor.powi(exponent);
        let wait = if self.longest_ms > 0 {
            wait.min(longest)
        } else {
            wait
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is cut to what fits"
        )]
        let wait = wait.max(0.0) as u64;
        wait
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn retry(value: &Value, automated: bool) -> Retry {
        Retry::read(&Part::root("app.yaml", value), automated).unwrap()
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let waits = |it: Retry| (0..6).map(|tries| it.wait_ms(tries) / 1_000).collect::<Vec<_>>();
        let plain = retry(&Value::Null, true);
        assert_eq!(waits(plain), [5, 10, 20, 40, 80, 160]);
        assert_eq!(plain.wait_ms(100), 180_000);
        assert!(plain.goes_on(4) && !plain.goes_on(5));
        assert!(!retry(&Value::Null, false).goes_on(0));
        let given = json!({ "limit": -1, "backoff": { "duration": "2s", "factor": 3, "maxDuration": 60 } });
        let given = retry(&given, false);
        assert_eq!(waits(given), [2, 6, 18, 54, 60, 60]);
        assert!(given.goes_on(1_000));
        let endless = json!({ "limit": 1, "backoff": { "maxDuration": "0" } });
        assert_eq!(retry(&endless, false).wait_ms(10), 5_120_000);
        let wrong = json!({ "backoff": { "duration": "soon" } });
        let wrong = Retry::read(&Part::root("app.yaml", &wrong), true).unwrap_err();
        assert_eq!(wrong.place, "app.yaml: backoff.duration");
    }
}
