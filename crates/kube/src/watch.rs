//! Keeps a store up to date: a list in pages, then a watch from there, again and again. What it gives up, it begins anew.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::cluster::{Call, Cluster};
use crate::owner::MANAGED;
use crate::resource::{Resource, escaped};
use crate::store::{Purpose, Store};

/// Objects in one page of a list.
const PAGE: usize = 500;
/// How long a server keeps a watch open.
const WATCH_S: u64 = 290;
/// Servers send a bookmark each minute; a watch that says nothing for this long is dead.
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// First and longest wait after a failure.
const WAIT: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How far a watch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has not listed yet.
    Listing,
    /// All that was there is in the store.
    Synced,
    /// It was refused.
    Refused(Answer),
}

/// One kind of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) cluster: Cluster,
    pub(crate) resource: Resource,
    pub(crate) namespace: String,
    pub(crate) purpose: Purpose,
}

impl Watch {
    /// Watches until it is dropped.
    pub(crate) async fn run(self, store: Store, progress: Arc<watch::Sender<Progress>>) {
        let mut wait = WAIT;
        loop {
            match self.once(&store, &progress).await {
                Ok(()) => wait = WAIT,
                Err(answer) => {
                    if matches!(answer.code, Some(401 | 403 | 404)) {
                        progress.send_replace(Progress::Refused(answer.clone()));
                    }
                    tracing::warn!(
                        kind = self.resource.kind,
                        reason = answer.line(),
                        "a watch broke off"
                    );
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(WAIT_MAX);
                }
            }
        }
    }

    /// A list, and watches from there until one of them cannot go on.
    async fn once(&self, store: &Store, progress: &watch::Sender<Progress>) -> Result<(), Answer> {
        let (values, mut version) = self.list().await?;
        store.replace(self.purpose, &self.resource.group, &self.resource.kind, values);
        progress.send_replace(Progress::Synced);
        loop {
            match self.follow(store, &mut version).await {
                Ok(()) => {}
                Err(answer) if answer.is_expired() => return Ok(()),
                Err(answer) => return Err(answer),
            }
        }
    }

    async fn list(&self) -> Result<(Vec<Value>, String), Answer> {
        let mut values = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("{}limit={PAGE}&continue={}", self.path(), escaped(&next));
            let mut page = self.cluster.call(&Call::get(path)).await?;
            let text = |page: &Value, pointer: &str| {
                page.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            next = text(&page, "/metadata/continue");
            let version = text(&page, "/metadata/resourceVersion");
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                values.extend(items.into_iter().map(|item| self.typed(item)));
            }
            if next.is_empty() {
                return Ok((values, version));
            }
        }
    }

    /// One watch, to its end.
    async fn follow(&self, store: &Store, version: &mut String) -> Result<(), Answer> {
        let path = format!(
            "{}watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_S}&resourceVersion={}",
            self.path(),
            escaped(version)
        );
        let stream = self.cluster.watch(&path).await?;
        let mut stream = std::pin::pin!(stream);
        loop {
            let told = tokio::time::timeout(SILENCE_MAX, stream.try_next()).await;
            let Ok(told) = told else { return Ok(()) };
            let Some(event) = told.map_err(Answer::from)? else {
                return Ok(());
            };
            match event {
                WatchEvent::Added(value) | WatchEvent::Modified(value) => {
                    note(version, &value);
                    store.put(self.purpose, self.typed(value));
                }
                WatchEvent::Deleted(value) => {
                    note(version, &value);
                    store.remove(self.purpose, self.typed(value));
                }
                WatchEvent::Bookmark(bookmark) => version.clone_from(&bookmark.metadata.resource_version),
                WatchEvent::Error(status) => return Err(Answer::from(kube::Error::Api(status))),
            }
        }
    }

    fn path(&self) -> String {
        let all = self.resource.collection(&self.namespace);
        match self.purpose {
            Purpose::Managed => format!("{all}?labelSelector={}&", escaped(&format!("{MANAGED}=true"))),
            Purpose::Pods | Purpose::Slices => format!("{all}?"),
        }
    }

    /// The items of a list do not say what they are.
    fn typed(&self, mut value: Value) -> Value {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("apiVersion".to_owned(), json!(self.resource.api_version()));
            fields.insert("kind".to_owned(), json!(self.resource.kind));
        }
        value
    }
}

fn note(version: &mut String, value: &Value) {
    if let Some(text) = value.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
        text.clone_into(version);
    }
}
