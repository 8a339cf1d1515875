//! Loopback ports for instances: below the range that the system gives to outgoing connections, so none is taken by one.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

use super::LocalError;

/// First and last port that instances get.
const RANGE: (u16, u16) = (20_000, 31_999);

/// The ports that are given out.
#[derive(Debug, Default)]
pub(super) struct Ports {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    given: BTreeSet<u16>,
    next: u16,
}

impl Ports {
    /// A free port. Each is tried by listening on it, and not given again until it is given back.
    pub(super) fn take(&self) -> Result<u16, LocalError> {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (first, last) = RANGE;
        let count = last - first + 1;
        if state.next == 0 {
            // Several controllers on one machine begin at different places.
            state.next = u16::try_from(std::process::id() % u32::from(count)).unwrap_or_default();
        }
        for _ in 0..count {
            state.next = (state.next + 1) % count;
            let port = first + state.next;
            if !state.given.contains(&port) && is_free(port) {
                state.given.insert(port);
                return Ok(port);
            }
        }
        Err(LocalError::NoPort { first, last })
    }

    /// Notes a port that an instance has from before.
    pub(super) fn keep(&self, port: u16) {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .given
            .insert(port);
    }

    pub(super) fn give_back(&self, port: u16) {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .given
            .remove(&port);
    }
}

/// Whether nobody listens on the port.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
