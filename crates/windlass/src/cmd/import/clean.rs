//! Manifests as they go into a repository: without what a cluster adds, and without what looks like a secret.

use serde_json::{Map, Value, json};
use windlass_core::argo::Files;

use super::manifests::name;
use super::write::Note;

/// Parts of names whose values are nobody's business.
const SECRET: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "credential",
    "privatekey",
];
/// Ends of names that say where a secret is, or which, and are none.
const HARMLESS: [&str; 6] = ["name", "ref", "key", "enabled", "path", "keys"];
const HEALTH: &str = "resource.customizations";

/// A manifest of Argo CD: its name, its spec, its own annotations.
pub(super) fn manifest(document: &Value, files: &dyn Files, notes: &mut Vec<Note>) -> Value {
    let metadata = &document["metadata"];
    let mut kept = Map::new();
    for key in ["name", "namespace", "labels", "finalizers"] {
        if !metadata[key].is_null() {
            kept.insert(key.to_owned(), metadata[key].clone());
        }
    }
    let annotations: Map<String, Value> = metadata["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !key.starts_with("kubectl.kubernetes.io/") && *key != "argocd.argoproj.io/refresh")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !annotations.is_empty() {
        kept.insert("annotations".to_owned(), annotations.into());
    }
    let mut spec = document["spec"].clone();
    let kind = document["kind"].as_str().unwrap_or_default();
    let place = format!("{kind} {}: spec", name(document));
    harmless(&mut spec, &place, files, notes);
    if let Some(roles) = spec.get_mut("roles").and_then(Value::as_array_mut) {
        for role in roles.iter_mut().filter_map(Value::as_object_mut) {
            role.remove("jwtTokens");
        }
    }
    json!({ "apiVersion": document["apiVersion"], "kind": kind, "metadata": kept, "spec": spec })
}

/// `argocd-cm` with what is taken of it: health scripts. `None` where there are none.
pub(super) fn settings(document: &Value, notes: &mut Vec<Note>) -> Option<Value> {
    let mut kept = Map::new();
    for (key, value) in document["data"].as_object().into_iter().flatten() {
        if key == HEALTH || key.starts_with(&format!("{HEALTH}.health.")) {
            kept.insert(key.clone(), value.clone());
        } else {
            notes.push(Note::new(format!("argocd-cm: {key}"), "it is not carried over"));
        }
    }
    (!kept.is_empty()).then(|| {
        json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "argocd-cm", "namespace": document["metadata"]["namespace"] }, "data": kept })
    })
}

/// Takes out what looks like a secret, wherever it is.
fn harmless(value: &mut Value, place: &str, files: &dyn Files, notes: &mut Vec<Note>) {
    match value {
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for key in names {
                let place = format!("{place}.{key}");
                if is_secret(&key) && fields[&key].is_string() && fields[&key] != "" {
                    fields.remove(&key);
                    notes.push(looks(&place));
                } else if key == "values" && fields[&key].is_string() {
                    text_of_values(fields, &place, files, notes);
                } else if let Some(inner) = fields.get_mut(&key) {
                    harmless(inner, &place, files, notes);
                }
            }
        }
        Value::Array(items) => {
            let of = |item: &Value| item["name"].as_str().unwrap_or_default().to_owned();
            items.retain(|item| {
                let kept = !is_secret(&of(item)) || item["value"].as_str().is_none_or(str::is_empty);
                if !kept {
                    notes.push(looks(&format!("{place} {}", of(item))));
                }
                kept
            });
            for (at, item) in items.iter_mut().enumerate() {
                harmless(item, &format!("{place}[{at}]"), files, notes);
            }
        }
        Value::String(text) => {
            if let Some(bare) = without_user(text) {
                *text = bare;
                notes.push(Note::new(place, "the user of the address is not written"));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `helm.values` is YAML in a text: where something of it is a secret, the rest becomes `valuesObject`.
fn text_of_values(fields: &mut Map<String, Value>, place: &str, files: &dyn Files, notes: &mut Vec<Note>) {
    let text = fields["values"].as_str().unwrap_or_default();
    let Some(read) = files.documents(text).ok().and_then(|it| it.into_iter().next()) else {
        return;
    };
    let before = notes.len();
    let mut values = read;
    harmless(&mut values, place, files, notes);
    if notes.len() > before && fields.get("valuesObject").is_none() {
        fields.remove("values");
        fields.insert("valuesObject".to_owned(), values);
    } else if notes.len() > before {
        // Argo CD does not read it beside valuesObject.
        fields.remove("values");
    }
}

fn looks(place: &str) -> Note {
    Note::new(
        place,
        "it looks like a secret and is not written: bring it to the cluster as a Secret",
    )
}

fn is_secret(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let plain = last.to_lowercase().replace('-', "");
    SECRET.iter().any(|it| plain.contains(it))
        && !HARMLESS
            .iter()
            .any(|it| plain.ends_with(it) && !plain.ends_with("apikey") && !plain.ends_with("privatekey"))
}

/// `https://user:password@host/path` without its user; `None` for anything without one.
fn without_user(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    let (user, _) = host.rsplit_once('@')?;
    // `git@` of SSH is no secret.
    let secret = matches!(scheme, "http" | "https") || user.contains(':');
    secret.then(|| format!("{scheme}://{}", rest.get(user.len() + 1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use windlass_engine::checkout::Checkout;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_written_wherever_it_is() {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "shop", "uid": "u", "managedFields": [],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "s3cr3t", "own": "kept" } },
            "spec": {
                "source": {
                    "repoURL": "https://robot:s3cr3t@git.example.com/shop.git",
                    "helm": {
                        "parameters": [
                            { "name": "db.password", "value": "s3cr3t" },
                            { "name": "existingSecretName", "value": "shop-db" },
                            { "name": "replicas", "value": "2" },
                        ],
                        "values": "smtp:\n  apiKey: s3cr3t\n  host: mail\nsecretRef: shop\n",
                    },
                },
                "sources": [{ "helm": { "valuesObject": { "auth": { "token": "s3cr3t", "issuer": "idp" } } } }],
            },
            "status": { "history": ["s3cr3t"] },
        });
        let mut notes = Vec::new();
        let made = manifest(&application, &Checkout::Folder(Path::new("/")), &mut notes);
        let text = made.to_string();
        assert!(!text.contains("s3cr3t"), "{text}");
        for kept in [
            "shop-db",
            "replicas",
            "mail",
            "secretRef",
            "issuer",
            "own",
            "https://git.example.com/shop.git",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        let places: Vec<&str> = notes.iter().map(|it| it.place.as_str()).collect();
        assert_eq!(
            places,
            [
                "Application shop: spec.source.repoURL",
                "Application shop: spec.source.helm.parameters db.password",
                "Application shop: spec.source.helm.values.smtp.apiKey",
                "Application shop: spec.sources[0].helm.valuesObject.auth.token",
            ]
        );
        assert!(notes.iter().all(|it| !it.what.contains("s3cr3t")));
    }

    #[test]
    fn of_the_settings_health_scripts_are_taken_and_the_rest_is_named() {
        let settings_of = |data: Value| {
            let mut notes = Vec::new();
            let document = json!({ "metadata": { "name": "argocd-cm" }, "data": data });
            (settings(&document, &mut notes), notes)
        };
        let (made, notes) = settings_of(json!({
            "resource.customizations.health.shop.dev_Cart": "return nil", "dex.config": "clientSecret: s3cr3t" }));
        let data = made.unwrap()["data"].clone();
        assert_eq!(
            data,
            json!({ "resource.customizations.health.shop.dev_Cart": "return nil" })
        );
        assert_eq!(
            notes,
            [Note::new("argocd-cm: dex.config", "it is not carried over")]
        );
        assert_eq!(settings_of(json!({ "url": "x" })).0, None);
    }
}
