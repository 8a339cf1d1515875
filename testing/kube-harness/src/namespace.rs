//! A namespace for one test: tests that share a cluster do not meet.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use crate::{Client, Error};

/// A namespace that is deleted when it is dropped; nobody waits until it is gone.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    client: Client,
}

impl Namespace {
    /// Makes one whose name begins so, and waits until pods can be created in it.
    pub(crate) fn new(client: &Client, prefix: &str) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{number}", std::process::id());
        client.create("/api/v1/namespaces", &json!({"metadata": {"name": name}}))?;
        let made = Self {
            name,
            client: client.clone(),
        };
        client.wait(
            &made.core("serviceaccounts"),
            "the namespace's service account",
            |account| account["metadata"]["name"] == "default",
        )?;
        Ok(made)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of a collection of the core group in it, such as `pods`.
    pub fn core(&self, collection: &str) -> String {
        format!("/api/v1/namespaces/{}/{collection}", self.name)
    }

    /// The path of a collection of a group in it, such as `apps/v1` and `deployments`.
    pub fn group(&self, group: &str, collection: &str) -> String {
        format!("/apis/{group}/namespaces/{}/{collection}", self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cluster may be gone already, and the namespace with it.
        let _ = self.client.delete(&format!("/api/v1/namespaces/{}", self.name));
    }
}
