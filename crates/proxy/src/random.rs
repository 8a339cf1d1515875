//! Cheap random numbers for choices of targets and request ids. Not for secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()) | 1);
}

/// The next number of this thread (xorshift64*).
pub(crate) fn next() -> u64 {
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

/// A number below `end`, or 0 if there is none.
pub(crate) fn below(end: u64) -> u64 {
    let wide = u128::from(next()) * u128::from(end);
    u64::try_from(wide >> 64).unwrap_or(0)
}
