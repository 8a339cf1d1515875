//! Chart.lock (requirements.lock of old charts): the versions that were chosen, and of what.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use windlass_chart::{Dependency, Metadata, Value, repository, rfc3339, yaml};

use super::super::Stop;
use crate::clock::now_ms;

#[derive(Debug)]
pub(super) struct Lock {
    pub(super) digest: String,
    pub(super) dependencies: Vec<Dependency>,
}

fn place(root: &Path, about: &Metadata) -> PathBuf {
    root.join(if about.api_version == "v1" {
        "requirements.lock"
    } else {
        "Chart.lock"
    })
}

impl Lock {
    /// The lock beside a chart, if there is one.
    pub(super) fn read(root: &Path, about: &Metadata) -> Result<Option<Self>, Stop> {
        let path = place(root, about);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Ok(None);
        };
        let documents = yaml::parse(&text).map_err(|it| Stop::Failed(format!("{}: {it}", path.display())))?;
        let json = documents.first().map(Value::to_json).unwrap_or_default();
        let text = |of: &serde_json::Value, name: &str| {
            of.get(name)
                .and_then(|it| it.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let list = json
            .get("dependencies")
            .and_then(|it| it.as_array())
            .cloned()
            .unwrap_or_default();
        let dependencies = list.iter().map(|it| Dependency {
            name: text(it, "name"),
            version: text(it, "version"),
            repository: text(it, "repository"),
            ..Dependency::default()
        });
        Ok(Some(Self {
            digest: text(&json, "digest"),
            dependencies: dependencies.collect(),
        }))
    }

    /// Writes a lock; one that says the same stays as it is.
    pub(super) fn write(
        root: &Path,
        about: &Metadata,
        wanted: &[Dependency],
        locked: &[Dependency],
    ) -> Result<(), Stop> {
        let digest = repository::lock_digest(wanted, locked);
        if Self::read(root, about)?.is_some_and(|old| old.digest == digest) {
            return Ok(());
        }
        let mut text = String::from("dependencies:\n");
        for it in locked {
            let _ = writeln!(
                text,
                "- name: {}\n  repository: {}\n  version: {}",
                plain(&it.name),
                plain(&it.repository),
                plain(&it.version)
            );
        }
        let generated = rfc3339(now_ms() / 1_000);
        let _ = write!(text, "digest: {digest}\ngenerated: \"{generated}\"\n");
        std::fs::write(place(root, about), text)?;
        Ok(())
    }
}

/// A text as YAML writes it.
fn plain(text: &str) -> String {
    let mut data = Value::String(text.to_owned());
    let options = windlass_chart::Options::of_profile(windlass_chart::Profile::Helm4);
    let out = windlass_chart::expand("{{ toYaml . }}", &mut data, &options);
    out.map_or_else(
        |_| format!("{text:?}"),
        |it| String::from_utf8_lossy(&it).into_owned(),
    )
}
