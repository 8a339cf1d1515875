//! An object as it is sent: with our marks, in its namespace, without what a server fills in and without what others decide.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use windlass_core::digest::Digest;
use windlass_core::object::Object;
use windlass_core::plan::wave;
use windlass_core::reference::Reference;

use crate::error::KubeError;
use crate::owner::Owner;
use crate::resource::Resource;

/// Fields of the metadata that only a server writes.
const SERVER: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// What is to be applied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Intent {
    /// Its name in the cluster: with the namespace, if it is in one.
    pub reference: Reference,
    /// Where it lives.
    pub resource: Resource,
    /// Order of application; lower is earlier.
    pub wave: i32,
    /// Digest of what is wanted, before it was signed.
    pub digest: String,
    /// What is sent.
    pub body: Value,
    /// Replicas for the moment of its creation, when an autoscaler decides afterwards.
    pub replicas: Option<u64>,
}

/// Workloads whose number of replicas an autoscaler decides, by kind and name, with its minimum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scaled {
    least: BTreeMap<(String, String), u64>,
}

impl Scaled {
    /// Those that autoscalers among `objects` name.
    pub(crate) fn of(objects: &[Object]) -> Self {
        let mut least = BTreeMap::new();
        for object in objects {
            let (minimum, fallback) = match (object.group(), object.kind()) {
                ("autoscaling", "HorizontalPodAutoscaler") => ("/spec/minReplicas", 1),
                ("keda.sh", "ScaledObject") => ("/spec/minReplicaCount", 0),
                _ => continue,
            };
            let target = object.value().pointer("/spec/scaleTargetRef");
            let field = |name: &str| target.and_then(|target| target.get(name)?.as_str());
            if let Some(name) = field("name") {
                let kind = field("kind").unwrap_or("Deployment");
                let minimum = object.value().pointer(minimum).and_then(Value::as_u64);
                least.insert((kind.to_owned(), name.to_owned()), minimum.unwrap_or(fallback));
            }
        }
        Self { least }
    }

    fn least(&self, object: &Object) -> Option<u64> {
        self.least
            .get(&(object.kind().to_owned(), object.name().to_owned()))
            .copied()
    }
}

impl Intent {
    /// Makes an object ready to be sent. It must be of the namespace, or of none where its kind has none.
    pub(crate) fn of(
        object: &Object,
        resource: &Resource,
        namespace: &str,
        owner: &Owner,
        scaled: &Scaled,
    ) -> Result<Self, KubeError> {
        if resource.namespaced && object.namespace().is_some_and(|named| named != namespace) {
            return Err(KubeError::Namespace {
                object: object.reference().to_string(),
                namespace: namespace.to_owned(),
            });
        }
        let mut body = without_nulls(object.value());
        if let Some(fields) = body.as_object_mut() {
            fields.remove("status");
        }
        let metadata = &mut body["metadata"];
        if let Some(fields) = metadata.as_object_mut() {
            fields.retain(|name, _| !SERVER.contains(&name.as_str()));
            fields.remove("namespace");
        }
        if resource.namespaced {
            metadata["namespace"] = json!(namespace);
        }
        let replicas = scaled.least(object).map(|least| {
            let spec = body.get_mut("spec").and_then(Value::as_object_mut);
            let wanted = spec
                .and_then(|spec| spec.remove("replicas"))
                .and_then(|wanted| wanted.as_u64());
            wanted.unwrap_or(least).max(least)
        });
        if object.is("", "Secret") {
            encode(&mut body);
        }
        let digest = Digest::of_json(&body).to_string();
        owner.sign(&mut body, &digest);
        Ok(Self {
            reference: Reference::new(
                object.group(),
                object.kind(),
                resource.namespaced.then_some(namespace),
                object.name(),
            ),
            resource: resource.clone(),
            wave: wave(object),
            digest,
            body,
            replicas,
        })
    }

    /// The path of its object.
    pub(crate) fn path(&self) -> String {
        self.resource.item(
            self.reference.namespace.as_deref().unwrap_or_default(),
            &self.reference.name,
        )
    }
}

/// The intents by wave, the earliest first.
pub(crate) fn in_waves(mut intents: Vec<Intent>) -> Vec<Vec<Intent>> {
    intents.sort_by(|a, b| (a.wave, &a.reference).cmp(&(b.wave, &b.reference)));
    let mut waves: Vec<Vec<Intent>> = Vec::new();
    for intent in intents {
        match waves.last_mut() {
            Some(wave) if wave[0].wave == intent.wave => wave.push(intent),
            _ => waves.push(vec![intent]),
        }
    }
    waves
}

/// `stringData` is written into `data`: a server gives only that back, and what it does not give back cannot be compared.
fn encode(body: &mut Value) {
    let Some(fields) = body.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = fields.remove("stringData") else {
        return;
    };
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    for (key, value) in plain {
        if let Some(text) = value.as_str() {
            data[&key] = json!(STANDARD.encode(text));
        }
    }
}

/// A field that is null is one that is not sent.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(entries) => Value::Array(entries.iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
#[path = "intent/tests.rs"]
mod tests;
