//! Records from Secrets, of Helm 3 and 4 and of ours.

use std::io::Read as _;

use serde_json::Value as Json;

use super::{HookRecord, Record, Status};
use crate::{ChartError, Hook};

/// Bytes of one record, unpacked. A Secret holds a megabyte.
const BYTES_MAX: u64 = 64 << 20;

/// The record that a Secret keeps.
pub fn of_secret(secret: &Json) -> Result<Record, ChartError> {
    let name = secret
        .pointer("/metadata/name")
        .and_then(Json::as_str)
        .unwrap_or("?");
    let data = secret.pointer("/data/release").and_then(Json::as_str);
    let data = data.ok_or_else(|| wrong(name, "it has no data `release`"))?;
    let text = from_base64(data).ok_or_else(|| wrong(name, "its data is no base64"))?;
    let mut record = decode(&text).map_err(|it| wrong(name, &it))?;
    let labels = secret.pointer("/metadata/labels").and_then(Json::as_object);
    for (key, value) in labels.into_iter().flatten() {
        let own = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
        if let (false, Some(value)) = (own.contains(&key.as_str()), value.as_str()) {
            record.labels.insert(key.clone(), value.to_owned());
        }
    }
    Ok(record)
}

fn wrong(name: &str, why: &str) -> ChartError {
    ChartError::Load(format!(
        "the release record {name} cannot be read: {why}\nhint: it is a Secret of type helm.sh/release.v1 that Helm or Windlass wrote"
    ))
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    crate::functions::base64_decode(text.as_bytes()).ok()
}

/// The record within a Secret's data: base64 of JSON, which old versions did not compress.
pub fn decode(text: &[u8]) -> Result<Record, String> {
    const GZIP: [u8; 3] = [0x1F, 0x8B, 0x08];
    let text = String::from_utf8_lossy(text);
    let mut bytes = from_base64(text.trim()).ok_or("the record is no base64")?;
    if bytes.starts_with(&GZIP) {
        let mut plain = Vec::new();
        let mut gzip = flate2::read::GzDecoder::new(&*bytes).take(BYTES_MAX + 1);
        gzip.read_to_end(&mut plain).map_err(|it| it.to_string())?;
        if plain.len() as u64 > BYTES_MAX {
            return Err(format!("the record has more than {BYTES_MAX} bytes"));
        }
        bytes = plain;
    }
    let json: Json = serde_json::from_slice(&bytes).map_err(|it| it.to_string())?;
    if !json.is_object() {
        return Err("the record is no object".to_owned());
    }
    Ok(record(&json))
}

fn text(of: &Json, path: &str) -> String {
    of.pointer(path)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn texts(of: &Json, path: &str) -> Vec<String> {
    let list = of.pointer(path).and_then(Json::as_array);
    let all = list.into_iter().flatten().filter_map(Json::as_str);
    all.map(str::to_owned).collect()
}

/// Go's zero time is no time.
fn time(of: &Json, path: &str) -> String {
    Some(text(of, path))
        .filter(|it| !it.starts_with("0001-01-01"))
        .unwrap_or_default()
}

fn record(json: &Json) -> Record {
    let hooks = json.pointer("/hooks").and_then(Json::as_array);
    let config = json.pointer("/config").and_then(Json::as_object);
    let revision = json.pointer("/version").and_then(Json::as_u64).unwrap_or(0);
    Record {
        name: text(json, "/name"),
        namespace: text(json, "/namespace"),
        revision: u32::try_from(revision).unwrap_or(0),
        status: Status::of(&text(json, "/info/status")),
        description: text(json, "/info/description"),
        first_deployed: time(json, "/info/first_deployed"),
        last_deployed: time(json, "/info/last_deployed"),
        deleted: time(json, "/info/deleted"),
        notes: text(json, "/info/notes"),
        config: config.cloned().into_iter().flatten().collect(),
        manifest: text(json, "/manifest"),
        hooks: hooks.into_iter().flatten().map(hook).collect(),
        chart: json.pointer("/chart").cloned().unwrap_or_default(),
        apply_method: text(json, "/apply_method"),
        labels: std::collections::BTreeMap::new(),
    }
}

fn hook(json: &Json) -> HookRecord {
    let hook = Hook {
        name: text(json, "/name"),
        kind: text(json, "/kind"),
        path: text(json, "/path"),
        text: text(json, "/manifest"),
        events: texts(json, "/events"),
        weight: json.pointer("/weight").and_then(Json::as_i64).unwrap_or(0),
        delete_policies: texts(json, "/delete_policies"),
    };
    HookRecord {
        hook: Some(hook),
        started_at: time(json, "/last_run/started_at"),
        completed_at: time(json, "/last_run/completed_at"),
        phase: text(json, "/last_run/phase"),
        output_log_policies: texts(json, "/output_log_policies"),
    }
}
