//! How templates ask a cluster for objects: `lookup`. The crate asks nobody; who has a cluster hands in a way to ask.

use std::sync::Arc;

use serde_json::Value as Json;

/// What a template looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// `v1`, `apps/v1`.
    pub api_version: &'a str,
    /// `Secret`.
    pub kind: &'a str,
    /// Empty for all namespaces, and for kinds that have none.
    pub namespace: &'a str,
    /// Empty for a list.
    pub name: &'a str,
}

type Ask = dyn Fn(Query<'_>) -> Result<Option<Json>, String> + Send + Sync;

/// A way to ask. Without one nothing is ever found, as in `helm template`.
#[derive(Clone, Default)]
pub struct Lookup(Option<Arc<Ask>>);

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lookup").field(&self.0.is_some()).finish()
    }
}

impl Lookup {
    /// Asks by `ask`, which returns the object or the list, `None` for an object that is not there, or why it cannot say.
    pub fn new(ask: impl Fn(Query<'_>) -> Result<Option<Json>, String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    pub(crate) fn ask(&self, query: Query<'_>) -> Result<Option<Json>, String> {
        match &self.0 {
            Some(ask) => ask(query),
            None => Ok(None),
        }
    }
}
