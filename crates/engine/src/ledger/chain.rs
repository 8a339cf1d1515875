//! The hash chain: each record's hash covers its content and the hash before it. Knows no database.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 over a record and its predecessors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first record builds on.
    pub const GENESIS: Self = Self([0; 32]);

    /// Reads a stored hash; `None` when its length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The hash of the record that follows `self`.
    ///
    /// Every field goes in with its length, so that no two different records have the same input.
    #[must_use]
    pub fn then(self, seq: u64, at_ms: i64, event: &str, actions: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(seq.to_be_bytes());
        hasher.update(at_ms.to_be_bytes());
        for field in [event, actions] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        Self(hasher.finalize().into())
    }
}

/// The hash of a snapshot: its place in the chain and what was known there.
pub(super) fn seal(seq: u64, state: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seq.to_be_bytes());
    hasher.update(state.as_bytes());
    hasher.finalize().into()
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
