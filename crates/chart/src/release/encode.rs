//! A record as a Secret: JSON, compressed, in base64, and in base64 once more as all data of Secrets.

use std::io::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{HookRecord, Record, SECRET_TYPE};
use crate::{Chart, Profile};

/// The Secret that keeps a record, ready to be applied. `created_at` is in seconds since 1970.
pub fn secret(record: &Record, created_at: i64) -> Json {
    let mut labels: Map<String, Json> = record
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    labels.insert("createdAt".to_owned(), created_at.to_string().into());
    labels.insert("name".to_owned(), record.name.clone().into());
    labels.insert("owner".to_owned(), "helm".into());
    labels.insert("status".to_owned(), record.status.name().into());
    labels.insert("version".to_owned(), record.revision.to_string().into());
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": record.secret_name(), "namespace": record.namespace, "labels": labels},
        "type": SECRET_TYPE,
        "data": {"release": crate::functions::base64(encoded(record).as_bytes())},
    })
}

/// The text within the Secret: JSON, compressed, in base64.
fn encoded(record: &Record) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing into memory does not fail.
    let _ = gzip.write_all(json(record).to_string().as_bytes());
    crate::functions::base64(&gzip.finish().unwrap_or_default())
}

/// A record as JSON: what is within the Secret, and what Helm prints with `-o json`.
pub fn json(record: &Record) -> Json {
    let mut info = Map::new();
    put(&mut info, "first_deployed", &record.first_deployed);
    put(&mut info, "last_deployed", &record.last_deployed);
    put(&mut info, "deleted", &record.deleted);
    put(&mut info, "description", &record.description);
    put(&mut info, "status", record.status.name());
    put(&mut info, "notes", &record.notes);
    let mut all = Map::new();
    put(&mut all, "name", &record.name);
    all.insert("info".to_owned(), info.into());
    all.insert("chart".to_owned(), record.chart.clone());
    if !record.config.is_empty() {
        all.insert(
            "config".to_owned(),
            Json::Object(record.config.clone().into_iter().collect()),
        );
    }
    put(&mut all, "manifest", &record.manifest);
    let hooks: Vec<Json> = record.hooks.iter().filter_map(hook).collect();
    if !hooks.is_empty() {
        all.insert("hooks".to_owned(), hooks.into());
    }
    all.insert("version".to_owned(), record.revision.into());
    put(&mut all, "namespace", &record.namespace);
    put(&mut all, "apply_method", &record.apply_method);
    all.into()
}

fn hook(record: &HookRecord) -> Option<Json> {
    let hook = record.hook.as_ref()?;
    let mut run = Map::new();
    put(&mut run, "started_at", &record.started_at);
    put(&mut run, "completed_at", &record.completed_at);
    run.insert("phase".to_owned(), record.phase.clone().into());
    let mut all = Map::new();
    put(&mut all, "name", &hook.name);
    put(&mut all, "kind", &hook.kind);
    put(&mut all, "path", &hook.path);
    put(&mut all, "manifest", &hook.text);
    all.insert("events".to_owned(), hook.events.clone().into());
    all.insert("last_run".to_owned(), run.into());
    if hook.weight != 0 {
        all.insert("weight".to_owned(), hook.weight.into());
    }
    if !hook.delete_policies.is_empty() {
        all.insert("delete_policies".to_owned(), hook.delete_policies.clone().into());
    }
    if !record.output_log_policies.is_empty() {
        let policies = record.output_log_policies.clone();
        all.insert("output_log_policies".to_owned(), policies.into());
    }
    Some(all.into())
}

/// Go leaves out what is empty.
fn put(map: &mut Map<String, Json>, name: &str, value: &str) {
    if !value.is_empty() {
        map.insert(name.to_owned(), value.into());
    }
}

impl Chart {
    /// The chart as records keep it: its charts within are left out, as Helm leaves them out.
    pub fn to_record(&self, profile: Profile) -> Json {
        let files = |list: &[crate::load::File]| -> Vec<Json> {
            list.iter()
                .map(|it| json!({"name": it.name, "data": crate::functions::base64(&it.data)}))
                .collect()
        };
        let metadata: Json = serde_json::from_str(&self.metadata().to_json()).unwrap_or_default();
        json!({
            "metadata": metadata,
            "lock": null,
            "templates": files(self.templates()),
            "values": self.default_values(profile).to_json(),
            "schema": self.schema().map(crate::functions::base64),
            "files": files(self.files()),
        })
    }
}
