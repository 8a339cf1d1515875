//! Typed views of ConfigMap and Secret. Nothing here prints a secret.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Object, entries, text, texts};

/// Settings that pods read.
#[derive(Debug, Clone, Copy)]
pub struct ConfigMap<'a> {
    object: &'a Object,
}

impl<'a> ConfigMap<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object }
    }

    /// The name that pods refer to.
    pub fn name(&self) -> &'a str {
        self.object.name()
    }

    /// `data`: text by key.
    pub fn data(&self) -> BTreeMap<&'a str, &'a str> {
        texts(self.object.value().get("data"))
    }

    /// Every key's content as bytes, `binaryData` decoded; a key whose base64 is broken is left out.
    pub fn bytes(&self) -> BTreeMap<&'a str, Vec<u8>> {
        let plain = self
            .data()
            .into_iter()
            .map(|(key, text)| (key, text.as_bytes().to_vec()));
        plain.chain(decoded(self.object, "binaryData")).collect()
    }
}

/// Sensitive settings; its `Debug` form holds no content.
#[derive(Clone, Copy)]
pub struct Secret<'a> {
    object: &'a Object,
}

impl<'a> Secret<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object }
    }

    /// The name that pods refer to.
    pub fn name(&self) -> &'a str {
        self.object.name()
    }

    /// `type`, for example `Opaque`.
    pub fn kind(&self) -> &'a str {
        text(self.object.value(), "/type").unwrap_or("Opaque")
    }

    /// The keys, of `data` and `stringData`.
    pub fn keys(&self) -> Vec<&'a str> {
        let value = self.object.value();
        let mut keys: Vec<&str> = entries(value.get("data"))
            .chain(entries(value.get("stringData")))
            .map(|(key, _)| key.as_str())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Every key's content: `data` decoded, `stringData` over it, as the API server merges them. A key whose base64
    /// is broken is left out. This is sensitive: hand it to the process and to nothing that prints.
    pub fn reveal(&self) -> BTreeMap<&'a str, Vec<u8>> {
        let plain = texts(self.object.value().get("stringData"))
            .into_iter()
            .map(|(key, text)| (key, text.as_bytes().to_vec()));
        decoded(self.object, "data").chain(plain).collect()
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name())
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}

fn decoded<'a>(object: &'a Object, field: &str) -> impl Iterator<Item = (&'a str, Vec<u8>)> {
    entries(object.value().get(field)).filter_map(|(key, value)| {
        // Wrapped lines are common in hand-written Secrets and the API server's decoder takes them.
        let packed: String = value.as_str()?.split_ascii_whitespace().collect();
        Some((key.as_str(), STANDARD.decode(packed).ok()?))
    })
}
