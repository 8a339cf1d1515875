//! A Cargo workspace: which folders a package is made of, and which programs it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::BuildError;
use super::cargo::Cargo;

/// The packages of the workspace by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Workspace {
    packages: BTreeMap<String, Package>,
}

#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Its folder, relative to the workspace's root; empty for the root itself.
    folder: String,
    pub(super) version: String,
    /// Its programs.
    pub(super) programs: Vec<String>,
    pub(super) default_run: Option<String>,
    /// Packages of the workspace that it is made with.
    needs: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    version: String,
    manifest_path: String,
    default_run: Option<String>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    kind: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    pub(super) fn read(cargo: &Cargo, root: &Path) -> Result<Self, BuildError> {
        let bytes = cargo.metadata(root, &["--no-deps"])?;
        let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|e| BuildError::NoCargo {
            reason: format!("`cargo metadata` answers something else: {e}"),
        })?;
        Ok(Self::of(metadata, root))
    }

    fn of(metadata: Metadata, root: &Path) -> Self {
        let relative = |path: &str| {
            let path = Path::new(path);
            path.strip_prefix(root)
                .unwrap_or(path)
                .to_string_lossy()
                .into_owned()
        };
        let folder = |manifest: &str| {
            let folder = Path::new(manifest)
                .parent()
                .map(Path::to_string_lossy)
                .unwrap_or_default();
            relative(&folder)
        };
        let by_folder: BTreeMap<String, String> = metadata
            .packages
            .iter()
            .map(|package| (folder(&package.manifest_path), package.name.clone()))
            .collect();
        let packages = metadata.packages.into_iter().map(|package| {
            let made_with = package
                .dependencies
                .iter()
                .filter(|it| it.kind.as_deref() != Some("dev"));
            let needs = made_with
                .filter_map(|it| by_folder.get(&relative(it.path.as_ref()?)).cloned())
                .collect();
            let is_program = |target: &&Target| target.kind.iter().any(|kind| kind == "bin");
            let known = Package {
                folder: folder(&package.manifest_path),
                version: package.version,
                programs: package
                    .targets
                    .iter()
                    .filter(is_program)
                    .map(|it| it.name.clone())
                    .collect(),
                default_run: package.default_run,
                needs,
            };
            (package.name, known)
        });
        Self {
            packages: packages.collect(),
        }
    }

    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.get(name)
    }

    /// The folders that a package is made from: its own and those of the packages it needs.
    pub(super) fn folders(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            if let Some(package) = self.packages.get(&name)
                && seen.insert(name)
            {
                found.insert(package.folder.clone());
                open.extend(package.needs.iter().cloned());
            }
        }
        found
    }
}

impl Package {
    /// The program that becomes the service: the only one, the default one, or the one with the package's name.
    pub(super) fn program(&self, name: &str) -> Option<&str> {
        let found = match (self.programs.as_slice(), &self.default_run) {
            ([only], _) => Some(only),
            (_, Some(default)) => Some(default),
            (programs, None) => programs.iter().find(|program| *program == name),
        };
        found.map(String::as_str)
    }
}
