//! What the programs are linked from, as the lock file and the packages' manifests say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use windlass_oci::{Component, cyclonedx};

use super::BuildError;
use super::cargo::Cargo;

/// The packages of a resolved workspace and what each is linked with.
pub(super) struct Bill {
    packages: BTreeMap<String, Package>,
    needs: BTreeMap<String, Vec<String>>,
    checksums: BTreeMap<(String, String), String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Need>,
}

#[derive(Deserialize)]
struct Need {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Bill {
    pub(super) fn read(cargo: &Cargo, root: &Path, features: &[String]) -> Result<Self, BuildError> {
        let features = features.join(",");
        let arguments = ["--filter-platform", &cargo.target, "--features", &features];
        let bytes = cargo.metadata(root, &arguments)?;
        let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|e| BuildError::NoCargo {
            reason: format!("`cargo metadata` answers something else: {e}"),
        })?;
        let linked = |need: &Need| need.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let needs = metadata.resolve.nodes.into_iter().map(|node| {
            let linked = node.deps.into_iter().filter(linked).map(|need| need.pkg);
            (node.id, linked.collect())
        });
        Ok(Self {
            needs: needs.collect(),
            packages: metadata
                .packages
                .into_iter()
                .map(|package| (package.id.clone(), package))
                .collect(),
            checksums: checksums(&fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default()),
        })
    }

    /// The CycloneDX document of a service.
    pub(super) fn of(&self, service: &str, package: &str, version: &str) -> Vec<u8> {
        let start = self
            .packages
            .values()
            .find(|known| known.name == package && known.source.is_none());
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = start.into_iter().map(|package| package.id.as_str()).collect();
        let mut components = Vec::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            open.extend(self.needs.get(id).into_iter().flatten().map(String::as_str));
            let Some(known) = self.packages.get(id).filter(|known| known.source.is_some()) else {
                continue;
            };
            let key = (known.name.clone(), known.version.clone());
            components.push(Component {
                name: known.name.clone(),
                version: known.version.clone(),
                license: known.license.clone(),
                checksum: self.checksums.get(&key).cloned(),
            });
        }
        cyclonedx(service, version, &components)
    }
}

/// Checksums of the packages in a lock file, which cargo writes with one field a line.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            package
                .lines()
                .find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
                .map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (field("name"), field("version"), field("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}
