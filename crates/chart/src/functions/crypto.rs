//! sprig's random texts, hashes of passwords, keys and certificates.

use super::Function;

pub(super) static FUNCTIONS: &[Function] = &[];
