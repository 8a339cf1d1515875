//! `clusters`: parameters of each cluster that Argo CD knows: its own, and those of Secrets.

use serde_json::{Map, Value, json};

use super::params::{Params, fields, normalized};
use super::template::Mode;
use super::{Around, selector};
use crate::argo::fields::Part;
use crate::argo::{IN_CLUSTER, Wrong};

/// The label of Secrets that describe clusters.
const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";

/// Whether a document is a Secret that describes a cluster.
pub(crate) fn is_secret(document: &Value) -> bool {
    document["kind"] == "Secret" && document["metadata"]["labels"][SECRET_TYPE] == "cluster"
}

impl Around<'_> {
    pub(super) fn clusters(&self, part: &Part<'_>) -> Result<Vec<Params>, Wrong> {
        part.only(&["selector", "values"])?;
        let selector = selector::read(&part.get("selector"))?;
        let mut all = Vec::new();
        // Its own cluster has no labels, and is meant where none are asked for.
        if selector.is_empty() && !self.secrets.iter().any(|it| text(it, "server") == IN_CLUSTER) {
            let own = json!({ "name": "in-cluster", "nameNormalized": "in-cluster", "server": IN_CLUSTER, "project": "" });
            all.push(own);
        }
        for secret in self.secrets {
            let labels = &secret["metadata"]["labels"];
            if selector.takes(&|key| Some(labels.get(key)?.as_str()?.to_owned())) {
                let name = text(secret, "name");
                all.push(json!({
                    "name": name, "nameNormalized": normalized(&name), "server": text(secret, "server"),
                    "project": text(secret, "project"),
                    "metadata": { "labels": labels, "annotations": secret["metadata"]["annotations"] },
                }));
            }
        }
        all.into_iter().map(|it| self.with_values(part, it)).collect()
    }

    /// With the generator's own `values`, which may name the other parameters.
    pub(super) fn with_values(&self, part: &Part<'_>, params: Value) -> Result<Params, Wrong> {
        let mut params = Params::new(fields(params), self.mode);
        let values = part.get("values");
        let keys = values.map()?.into_iter().flat_map(Map::keys);
        let mut more = Map::new();
        for key in keys {
            let filled = self.fill(&values.get(key), &params)?;
            more.insert(key.clone(), filled);
        }
        match self.mode {
            Mode::Plain => {
                let more = more
                    .into_iter()
                    .map(|(key, value)| (format!("values.{key}"), value));
                params.map.extend(more);
            }
            Mode::Go { .. } if !more.is_empty() => {
                params.map.insert("values".to_owned(), Value::Object(more));
            }
            Mode::Go { .. } => {}
        }
        Ok(params)
    }
}

/// A field of a Secret, from its plain or its encoded data.
fn text(secret: &Value, field: &str) -> String {
    use base64::Engine as _;
    if let Some(text) = secret["stringData"][field].as_str() {
        return text.to_owned();
    }
    let encoded = secret["data"][field].as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
    bytes
        .ok()
        .and_then(|it| String::from_utf8(it).ok())
        .unwrap_or_default()
}
