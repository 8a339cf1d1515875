//! Ports for tests, of the engine and of the program.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// A port that is free: below the range of outgoing connections and of the runtime's instances, and not given twice.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    std::iter::repeat_with(|| first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 10_000)
        .map(|offset| 10_000 + u16::try_from(offset).unwrap())
        .take(10_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}
