//! When a request that failed is sent again, and after which wait. Waits are computed here and slept elsewhere.

/// Tries of one request, the first included: about seven seconds in all.
pub(crate) const TRIES_MAX: u32 = 7;
/// First wait.
const WAIT_MS: u64 = 100;
/// Longest wait of our own.
const WAIT_MS_MAX: u64 = 3_000;
/// Longest wait that a server may ask for; a longer one would block a rollback behind it.
const ASKED_MS_MAX: u64 = 10_000;

/// How an attempt ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection: nobody knows whether the request arrived. All our requests may be sent twice.
    Connection,
    /// The server answered with this status, and may have asked for a wait.
    Answered {
        /// HTTP status.
        code: u16,
        /// Milliseconds.
        after_ms: Option<u64>,
    },
}

/// How long to wait before the next try, in milliseconds; `None` when another try leads nowhere. `tried` counts the
/// attempts so far, `chance` is a random number from 0 to 1 that keeps clients apart.
pub(crate) fn wait_ms(failure: Failure, tried: u32, chance: f64) -> Option<u64> {
    if tried >= TRIES_MAX {
        return None;
    }
    let asked = match failure {
        Failure::Connection => None,
        Failure::Answered { code, after_ms } if may_pass(code) => after_ms,
        Failure::Answered { .. } => return None,
    };
    let own = WAIT_MS
        .saturating_mul(1 << tried.saturating_sub(1).min(20))
        .min(WAIT_MS_MAX);
    let own = scaled(own, chance);
    Some(asked.map_or(own, |asked| asked.min(ASKED_MS_MAX).max(own)))
}

/// Whether an answer says that the same request may succeed later.
pub(crate) fn may_pass(code: u16) -> bool {
    matches!(code, 408 | 429 | 500 | 502 | 503 | 504)
}

/// From half of the wait to all of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "waits are a few thousand milliseconds"
)]
fn scaled(wait_ms: u64, chance: f64) -> u64 {
    (wait_ms as f64 * (0.5 + chance.clamp(0.0, 1.0) / 2.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, after_ms: Option<u64>) -> Failure {
        Failure::Answered { code, after_ms }
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_end() {
        let waits: Vec<_> = (1..=TRIES_MAX)
            .map(|tried| wait_ms(Failure::Connection, tried, 1.0))
            .collect();
        assert_eq!(
            waits,
            [
                Some(100),
                Some(200),
                Some(400),
                Some(800),
                Some(1_600),
                Some(3_000),
                None
            ]
        );
    }

    #[test]
    fn chance_shortens_a_wait_by_at_most_half() {
        assert_eq!(wait_ms(Failure::Connection, 2, 0.0), Some(100));
        assert_eq!(wait_ms(Failure::Connection, 2, 0.5), Some(150));
    }

    #[test]
    fn a_server_may_ask_for_a_wait_but_not_for_any() {
        assert_eq!(wait_ms(answered(429, Some(1_000)), 1, 1.0), Some(1_000));
        assert_eq!(wait_ms(answered(429, Some(900_000)), 1, 1.0), Some(10_000));
        assert_eq!(wait_ms(answered(503, Some(0)), 3, 1.0), Some(400));
    }

    #[test]
    fn what_stays_wrong_is_not_tried_again() {
        for code in [400, 401, 403, 404, 409, 410, 413, 415, 422] {
            assert_eq!(wait_ms(answered(code, None), 1, 1.0), None, "{code}");
        }
    }
}
