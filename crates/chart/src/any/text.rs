//! Strings as Go has them: bytes that are usually, not always, UTF-8.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Immutable bytes, cheap to clone, shared between threads with the parsed templates.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Str(Arc<[u8]>);

impl Str {
    /// The text, with replacement characters where the bytes are no UTF-8.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl Deref for Str {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Str {
    fn from(it: &str) -> Self {
        Self(it.as_bytes().into())
    }
}

impl From<String> for Str {
    fn from(it: String) -> Self {
        Self(it.into_bytes().into())
    }
}

impl From<&[u8]> for Str {
    fn from(it: &[u8]) -> Self {
        Self(it.into())
    }
}

impl From<Vec<u8>> for Str {
    fn from(it: Vec<u8>) -> Self {
        Self(it.into())
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(it: Cow<'_, str>) -> Self {
        Self(it.as_bytes().into())
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}
