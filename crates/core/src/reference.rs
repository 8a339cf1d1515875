//! The name of an object within one cluster or runtime. It knows nothing of the object's contents.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

/// Group, kind, namespace and name: what makes two objects the same one. The version of the API is no part of it.
///
/// Written `group/Kind namespace/name`; the core group and a missing namespace are left out: `Service shop/cart`,
/// `apps/Deployment cart`. Ordered by group, kind, namespace, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, as in the manifest.
    pub kind: String,
    /// The namespace; `None` for objects of the whole cluster and where the manifest leaves it to the installer.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// The text names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} names no object\nhint: write `group/Kind namespace/name`, for example `apps/Deployment shop/cart`"
)]
pub struct ReferenceError {
    text: String,
}

impl Reference {
    /// A name within a group and kind.
    pub fn new(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// `Kind/name`, for tables where group and namespace are plain from the context.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReferenceError {
            text: text.chars().take(200).collect(),
        };
        let (what, which) = text.split_once(' ').ok_or_else(error)?;
        let (group, kind) = what.split_once('/').unwrap_or(("", what));
        let (namespace, name) = match which.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, which),
        };
        let stray = |part: &str| part.is_empty() || part.contains(['/', ' ']);
        if stray(kind) || stray(name) || namespace.is_some_and(stray) || (what.contains('/') && stray(group))
        {
            return Err(error());
        }
        Ok(Self::new(group, kind, namespace, name))
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
