//! How long to wait before a failed instance is started again: doubling, with an end, as the kubelet does. Pure.

use std::time::Duration;

/// The waits between restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// Wait before the second restart; the first one is immediate.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// An instance that ran this long starts from the beginning again.
    pub forgiven_after: Duration,
}

impl Default for BackOff {
    /// The kubelet's numbers.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            longest: Duration::from_mins(5),
            forgiven_after: Duration::from_mins(10),
        }
    }
}

impl BackOff {
    /// The wait after so many failures in a row, the last one included.
    pub fn wait(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(2) else {
            return Duration::ZERO;
        };
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// Failures in a row after one more run that took `ran`.
    pub fn count(&self, failures: u32, ran: Duration) -> u32 {
        if ran >= self.forgiven_after {
            1
        } else {
            failures.saturating_add(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::BackOff;

    #[test]
    fn waits_double_up_to_the_longest() {
        let back_off = BackOff::default();
        let waits: Vec<u64> = (0..=8)
            .map(|failures| back_off.wait(failures).as_secs())
            .collect();
        assert_eq!(waits, [0, 0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(back_off.wait(u32::MAX), back_off.longest);
    }

    #[test]
    fn a_long_run_is_a_new_beginning() {
        let back_off = BackOff::default();
        assert_eq!(back_off.count(5, Duration::from_secs(1)), 6);
        assert_eq!(back_off.count(5, back_off.forgiven_after), 1);
    }
}
