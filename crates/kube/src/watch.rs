//! Keeps a store up to date: a list in pages, then a watch from there, again and again. One that breaks off goes on from
//! where it was; a new list comes when the server no longer knows that.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

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
const SILENCE_MAX: Duration = Duration::from_secs(75);
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

/// What a watch holds on to from try to try.
struct Line {
    store: Store,
    progress: Arc<watch::Sender<Progress>>,
    /// Where it goes on from; `None` where a list has to come first.
    version: Option<String>,
    /// Whether the store was told that nothing comes.
    broken: bool,
}

impl Line {
    fn broke(&mut self) {
        if !std::mem::replace(&mut self.broken, true) {
            self.store.watch_broke();
        }
    }

    fn came_back(&mut self) {
        if std::mem::take(&mut self.broken) {
            self.store.watch_came_back();
        }
    }
}

impl Watch {
    /// Watches until it is dropped.
    pub(crate) async fn run(self, store: Store, progress: Arc<watch::Sender<Progress>>) {
        let mut line = Line {
            store,
            progress,
            version: None,
            broken: false,
        };
        let mut wait = WAIT;
        loop {
            let began = Instant::now();
            let Err(answer) = self.once(&mut line).await else {
                continue;
            };
            if matches!(answer.code, Some(401 | 403 | 404)) && !self.cluster.is_shaken() {
                line.progress.send_replace(Progress::Refused(answer.clone()));
            }
            line.broke();
            tracing::warn!(
                kind = self.resource.kind,
                reason = answer.line(),
                "a watch broke off"
            );
            if began.elapsed() > WAIT_MAX {
                wait = WAIT;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    /// A list where none is held, and one watch from there to its end.
    async fn once(&self, line: &mut Line) -> Result<(), Answer> {
        let mut version = if let Some(version) = line.version.take() {
            version
        } else {
            let (values, version) = self.list().await?;
            let kind = (self.resource.group.as_str(), self.resource.kind.as_str());
            line.store.replace(self.purpose, kind, values, &version);
            line.progress.send_replace(Progress::Synced);
            version
        };
        let ended = self.follow(line, &mut version).await;
        match ended {
            // History from there on is gone.
            Err(answer) if answer.is_expired() => return Ok(()),
            // A server that is busy has the history still; any other answer says that there is something wrong with it.
            Err(ref answer) if answer.code.is_some_and(|code| !matches!(code, 429 | 503)) => {}
            Ok(()) | Err(_) => line.version = Some(version),
        }
        ended
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
    async fn follow(&self, line: &mut Line, version: &mut String) -> Result<(), Answer> {
        let path = format!(
            "{}watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_S}&resourceVersion={}",
            self.path(),
            escaped(version)
        );
        let stream = self.cluster.watch(&path).await?;
        let mut stream = std::pin::pin!(stream);
        line.came_back();
        let store = &line.store;
        let mut stirred = store.stirred();
        loop {
            let told = tokio::select! {
                told = stream.try_next() => told,
                _ = stirred.changed() => return Ok(()),
                () = tokio::time::sleep(SILENCE_MAX) => return Ok(()),
            };
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
