//! The name of content: SHA-256 over bytes or over the canonical form of JSON. It does not know what it names.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::str::FromStr;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The only algorithm in use, as OCI spells it.
const PREFIX: &str = "sha256:";
/// Bytes of a SHA-256 sum.
const LENGTH: usize = 32;

/// A SHA-256 digest; written `sha256:<64 lower-case hexadecimal digits>`, as OCI does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; LENGTH]);

/// The text is not `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest\nhint: a digest is `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestError {
    text: String,
}

impl Digest {
    /// The digest of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a JSON value in canonical form: keys of every map in byte order, no white space, numbers and
    /// strings as `serde_json` writes them. So the order of keys in a manifest never matters; `1` and `1.0` differ.
    pub fn of_json(value: &Value) -> Self {
        let mut sum = Sha256::new();
        feed(value, &mut Sink(&mut sum));
        Self(sum.finalize().into())
    }

    /// The digest of several values under one name: of the canonical JSON array of them, without building it.
    pub fn of_json_list<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut sum = Sha256::new();
        feed_list(values, &mut Sink(&mut sum));
        Self(sum.finalize().into())
    }

    /// The sum itself.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The 64 digits without the algorithm: the file name in an OCI layout's `blobs/sha256`.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first 12 digits, for people and for names of objects.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

/// The canonical form that [`Digest::of_json`] sums, as text: for signing and for showing.
pub fn canonical(value: &Value) -> String {
    let mut text = Vec::new();
    feed(value, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Where canonical JSON goes; neither a hasher nor a vector ever refuses bytes.
struct Sink<'a>(&'a mut Sha256);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn feed(value: &Value, out: &mut impl io::Write) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            put(out, b"{");
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    put(out, b",");
                }
                scalar(&Value::String(key.clone()), out);
                put(out, b":");
                feed(value, out);
            }
            put(out, b"}");
        }
        Value::Array(list) => feed_list(list, out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, out),
    }
}

fn feed_list<'a>(values: impl IntoIterator<Item = &'a Value>, out: &mut impl io::Write) {
    put(out, b"[");
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            put(out, b",");
        }
        feed(value, out);
    }
    put(out, b"]");
}

fn scalar(value: &Value, out: &mut impl io::Write) {
    // A scalar always serialises, and neither sink fails.
    let _ = serde_json::to_writer(out, value);
}

fn put(out: &mut impl io::Write, bytes: &[u8]) {
    let _ = out.write_all(bytes);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DigestError {
            text: text.chars().take(100).collect(),
        };
        let digits = text.strip_prefix(PREFIX).ok_or_else(error)?;
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(error());
        }
        let mut sum = [0; LENGTH];
        hex::decode_to_slice(digits, &mut sum).map_err(|_| error())?;
        Ok(Self(sum))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
