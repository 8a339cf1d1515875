//! The values that a chart is rendered with: the environment's files over each other, then the release.

use std::collections::BTreeMap;

use windlass_chart::Value;
use windlass_core::config::{Build, Config};
use windlass_core::machine::release::Release;

use super::RenderError;

/// The files in their order, and over them `global.version` and `global.images` of the release.
pub(super) fn values(
    files: &[(String, Vec<u8>)],
    config: &Config,
    release: &Release,
) -> Result<Value, RenderError> {
    let mut values = Value::empty_map();
    for (file, bytes) in files {
        merge(&mut values, read(file, bytes)?);
    }
    let images = images(config, release)
        .into_iter()
        .map(|(service, image)| (service, Value::String(image)))
        .collect();
    let global = BTreeMap::from([
        ("version".to_owned(), Value::String(release.version.clone())),
        ("images".to_owned(), Value::Map(images)),
    ]);
    merge(
        &mut values,
        Value::Map(BTreeMap::from([("global".to_owned(), Value::Map(global))])),
    );
    Ok(values)
}

/// Full references of the release's images by service: `ghcr.io/company/cart@sha256:...`.
pub(super) fn images(config: &Config, release: &Release) -> BTreeMap<String, String> {
    let reference = |(service, digest): (&String, &String)| {
        let built = match config.services.get(service).map(|service| &service.build) {
            // A finished image stays where it is.
            Some(Build::Image(reference)) => Some(without_version(reference).to_owned()),
            Some(Build::Cargo { .. } | Build::Dockerfile { .. }) | None => {
                let registry = config.registry.as_ref();
                registry.map(|registry| format!("{registry}/{service}"))
            }
        };
        let name = built.unwrap_or_else(|| service.clone());
        (service.clone(), format!("{name}@{digest}"))
    };
    release.images.iter().map(reference).collect()
}

/// `ghcr.io/company/cart` of `ghcr.io/company/cart:v1@sha256:...`.
pub(super) fn without_version(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

fn read(file: &str, bytes: &[u8]) -> Result<Value, RenderError> {
    let wrong = |reason: String| RenderError::Values {
        file: file.to_owned(),
        reason,
    };
    let text = std::str::from_utf8(bytes).map_err(|e| wrong(e.to_string()))?;
    let mut documents = windlass_chart::yaml::parse(text).map_err(|e| wrong(e.to_string()))?;
    match (documents.pop(), documents.len()) {
        (None | Some(Value::Null), 0) => Ok(Value::empty_map()),
        (Some(map @ Value::Map(_)), 0) => Ok(map),
        (Some(_), 0) => Err(wrong("it is not a map".to_owned())),
        _ => Err(wrong("it has more than one document".to_owned())),
    }
}

/// Lays one map over another, as Helm does: maps are merged, everything else replaces.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Map(under), Value::Map(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_default(), value);
            }
        }
        (under, over) => *under = over,
    }
}
