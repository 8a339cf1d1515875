//! Records of releases where Helm keeps them: as Secrets in the release's namespace.

use std::collections::BTreeMap;

use windlass_chart::release::{Record, SECRET_TYPE, of_secret, secret};

use super::revisions::{Revisions, UNDER_WAY};
use super::{Session, warn};
use crate::clock::now_ms;

/// Bytes of one Secret that etcd takes.
const BYTES_MAX: usize = 1 << 20;

impl Session {
    /// All revisions of a release; empty if there is none.
    pub(super) async fn revisions(&self, name: &str) -> Result<Revisions, String> {
        let labels = format!("name={name},owner=helm");
        let secrets = self.cluster.secrets(Some(&self.namespace), &labels).await;
        let secrets = secrets.map_err(|it| format!("the releases cannot be read: {it}"))?;
        let ours = secrets.iter().filter(|it| it["type"] == SECRET_TYPE);
        let records = ours.map(|it| of_secret(it).map_err(|it| it.to_string()));
        Ok(Revisions::new(records.collect::<Result<_, _>>()?))
    }

    /// One revision of a release, or the last.
    pub(super) async fn record(&self, name: &str, revision: Option<usize>) -> Result<Record, String> {
        let all = self.revisions(name).await?;
        let found = match revision.filter(|it| *it > 0) {
            Some(revision) => all.revision(u32::try_from(revision).unwrap_or(u32::MAX)),
            None => all.last(),
        };
        found.cloned().ok_or_else(super::not_found)
    }

    /// All labels of the Secret that holds a record.
    pub(super) async fn labels(&self, record: &Record) -> Result<BTreeMap<String, String>, String> {
        let labels = format!("name={},owner=helm,version={}", record.name, record.revision);
        let secrets = self.cluster.secrets(Some(&record.namespace), &labels).await;
        let secrets = secrets.map_err(|it| format!("the releases cannot be read: {it}"))?;
        let labels = secrets
            .first()
            .and_then(|it| it["metadata"]["labels"].as_object());
        let labels = labels.into_iter().flatten();
        Ok(labels
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect())
    }

    /// The records of all releases of this namespace, or of all namespaces. What cannot be read is warned of.
    pub(super) async fn records(&self, everywhere: bool) -> Result<Vec<Record>, String> {
        let namespace = (!everywhere).then_some(self.namespace.as_str());
        let secrets = self.cluster.secrets(namespace, "owner=helm").await;
        let secrets = secrets.map_err(|it| format!("the releases cannot be read: {it}"))?;
        let mut records = Vec::new();
        for one in secrets.iter().filter(|it| it["type"] == SECRET_TYPE) {
            match of_secret(one) {
                Ok(record) => records.push(record),
                Err(error) => warn(&error.to_string()),
            }
        }
        Ok(records)
    }

    /// Writes down a new revision, and lets go of the oldest so that `keep` stay. Who comes second is told so.
    pub(super) async fn begin(&self, record: &Record, all: &Revisions, keep: usize) -> Result<(), String> {
        for revision in all
            .surplus(keep.saturating_sub(1))
            .into_iter()
            .filter(|_| keep > 0)
        {
            if let Some(old) = all.revision(revision) {
                self.forget(old).await?;
            }
        }
        let secret = secret(record, now_ms() / 1_000);
        let bytes = secret["data"]["release"].as_str().map_or(0, str::len);
        if bytes > BYTES_MAX {
            return Err(format!(
                "the record of release {} has {bytes} bytes, and a Secret holds {BYTES_MAX}\nhint: the chart's files are part of it; .helmignore keeps those out that no template reads",
                record.name
            ));
        }
        match self.cluster.create_secret(&secret).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(UNDER_WAY.to_owned()),
            Err(refusal) if refusal.code == Some(404) => Err(format!(
                "create: failed to create: {}\nhint: --create-namespace makes the namespace",
                refusal.reason
            )),
            Err(refusal) => Err(format!("create: failed to create: {refusal}")),
        }
    }

    /// Writes down what became of a revision.
    pub(super) async fn update(&self, record: &Record) -> Result<(), String> {
        let mut secret = secret(record, now_ms() / 1_000);
        if let Some(labels) = secret["metadata"]["labels"].as_object_mut()
            && let Some(at) = labels.remove("createdAt")
        {
            labels.insert("modifiedAt".to_owned(), at);
        }
        let updated = self.cluster.replace_secret(&secret).await;
        updated.map_err(|it| format!("update: failed to update: {it}"))
    }

    /// Removes the record of a revision.
    pub(super) async fn forget(&self, record: &Record) -> Result<(), String> {
        let deleted = self
            .cluster
            .delete_secret(&record.namespace, &record.secret_name())
            .await;
        deleted.map_err(|it| {
            format!(
                "the record of revision {} cannot be removed: {it}",
                record.revision
            )
        })
    }
}
