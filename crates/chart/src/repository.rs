//! What chart repositories and locks say: an index of versions, the newest that fits, the digest of a lock. It fetches
//! nothing.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::metadata::Dependency;
use crate::version::{Constraints, Version};
use crate::{ChartError, Limits, yaml};

/// One version of a chart in a repository's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The version as the index writes it.
    pub version: String,
    /// Where the archive is; relative to the repository or absolute.
    pub urls: Vec<String>,
    /// SHA-256 of the archive in hexadecimal digits; empty where the index does not say.
    pub digest: String,
}

/// The versions of one chart that a repository's `index.yaml` lists.
pub fn entries(index: &[u8], chart: &str, limits: &Limits) -> Result<Vec<Entry>, ChartError> {
    let fail = |what: &str| ChartError::Load(format!("the repository's index.yaml: {what}"));
    let document = yaml::read(index, limits).map_err(|it| fail(&it.0))?;
    let index = document.to_value().to_json();
    let found = index.pointer("/entries").and_then(|it| it.get(chart));
    let Some(Json::Array(versions)) = found else {
        return Err(ChartError::Load(format!(
            "chart \"{chart}\" is not in the repository's index"
        )));
    };
    let text = |of: &Json, name: &str| of.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let entry = |it: &Json| Entry {
        version: text(it, "version"),
        digest: text(it, "digest"),
        urls: it
            .get("urls")
            .and_then(Json::as_array)
            .map(|urls| urls.iter().filter_map(Json::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
    };
    Ok(versions.iter().map(entry).collect())
}

/// The place of the newest version that fits a constraint; without one the newest that is no prerelease.
pub fn newest<'v>(versions: impl IntoIterator<Item = &'v str>, constraint: &str) -> Option<usize> {
    let constraint = match constraint {
        "" | "latest" => "*",
        other => other,
    };
    let wanted = Constraints::new(constraint).ok()?;
    let mut best: Option<(usize, Version)> = None;
    for (at, text) in versions.into_iter().enumerate() {
        let Ok(version) = Version::new(text) else { continue };
        if !wanted.check(&version) {
            continue;
        }
        if best.as_ref().is_none_or(|it| version.compare(&it.1).is_gt()) {
            best = Some((at, version));
        }
    }
    best.map(|it| it.0)
}

/// Whether a text is one version, not a constraint.
pub fn is_version(text: &str) -> bool {
    Version::new(text).is_ok()
}

/// The digest that `Chart.lock` carries of what is wanted and what was chosen.
pub fn lock_digest(wanted: &[Dependency], locked: &[Dependency]) -> String {
    let all = |list: &[Dependency]| {
        let items: Vec<String> = list.iter().map(json).collect();
        format!("[{}]", items.join(","))
    };
    let text = format!("[{},{}]", all(wanted), all(locked));
    format!("sha256:{}", hex::encode(Sha256::digest(text)))
}

/// A dependency as Go writes it: fields in the order of its struct, empty ones left out.
fn json(dependency: &Dependency) -> String {
    let mut out = format!("{{\"name\":{}", quoted(&dependency.name));
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, ",\"{name}\":{}", quoted(value));
        }
    };
    field("version", &dependency.version);
    // The repository is written even when it is empty.
    let _ = write!(out, ",\"repository\":{}", quoted(&dependency.repository));
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, ",\"{name}\":{}", quoted(value));
        }
    };
    field("condition", &dependency.condition);
    if !dependency.tags.is_empty() {
        let tags: Vec<String> = dependency.tags.iter().map(|it| quoted(it)).collect();
        let _ = write!(out, ",\"tags\":[{}]", tags.join(","));
    }
    if !dependency.import_values.is_empty() {
        let list = crate::Value::List(dependency.import_values.clone());
        let text = crate::json::write(&(&list).into()).unwrap_or_default();
        let _ = write!(out, ",\"import-values\":{}", String::from_utf8_lossy(&text));
    }
    if !dependency.alias.is_empty() {
        let _ = write!(out, ",\"alias\":{}", quoted(&dependency.alias));
    }
    out.push('}');
    out
}

fn quoted(text: &str) -> String {
    let text = crate::json::write(&text.into()).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_fits_is_found() {
        let versions = ["1.2.0", "2.0.0-rc.1", "1.10.0", "nonsense", "0.9.0"];
        for (constraint, expected) in [
            ("", Some(2)),
            ("^1.0.0", Some(2)),
            ("~1.2", Some(0)),
            (">0.0.0-0", Some(1)),
            ("<1", Some(4)),
            (">=3", None),
        ] {
            assert_eq!(newest(versions, constraint), expected, "{constraint}");
        }
    }

    #[test]
    fn an_index_lists_versions() {
        let index =
            b"apiVersion: v1\nentries:\n  a:\n  - version: 1.0.0\n    urls: [a-1.0.0.tgz]\n    digest: abc\n";
        let found = entries(index, "a", &Limits::default()).unwrap();
        assert_eq!(found[0].urls, ["a-1.0.0.tgz"]);
        assert_eq!(
            (found[0].version.as_str(), found[0].digest.as_str()),
            ("1.0.0", "abc")
        );
        let error = entries(index, "b", &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "chart \"b\" is not in the repository's index");
    }
}
