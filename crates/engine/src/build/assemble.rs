//! The images of the services that Cargo builds: found again where the sources are the same, else compiled and assembled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use windlass_core::config::{Build, Config};
use windlass_oci::{Asset, ImageSpec, Layout, SBOM_TYPE};

use super::cargo::{Cargo, Run};
use super::memory::{Memory, also_read};
use super::sbom::Bill;
use super::snapshot::Snapshot;
use super::workspace::Workspace;
use super::{BuildError, Options, lock};
use crate::source::Mode;

/// Changes whenever images of the same sources become others: older ones are then made anew.
const FORMAT: u32 = 2;
/// Files of the root that every package depends on.
const ROOT_FILES: [&str; 4] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain",
    "rust-toolchain.toml",
];
/// Folders of a package that are no part of its programs.
const NOT_BUILT: [&str; 3] = ["tests/", "benches/", "examples/"];
/// Certificate authorities (PEM) that the repository wants in its images. Those of this machine are never taken: an image
/// must be the same on every machine.
const AUTHORITIES: &str = "ca-certificates.crt";
/// Where assets go: beside the program.
const PROGRAMS: &str = "/usr/local/bin";
/// Argument with which a service of the shop asks itself for its health.
const HEALTH: &str = "healthcheck";

/// What a build is called.
pub(super) struct Called<'a> {
    pub(super) platform: &'a str,
    /// Of the release; the bill of materials names it.
    pub(super) version: &'a str,
}

/// One service that Cargo builds.
struct Unit<'a> {
    service: &'a str,
    package: &'a str,
    program: String,
    features: &'a [String],
    assets: &'a [String],
    key: String,
}

/// The sources of all services that Cargo builds.
pub(super) struct Sources<'a> {
    options: &'a Options,
    root: &'a Path,
    files: &'a Snapshot,
    cargo: Cargo,
    workspace: Workspace,
    units: Vec<Unit<'a>>,
    authorities: Option<Vec<u8>>,
}

impl<'a> Sources<'a> {
    pub(super) fn read(
        options: &'a Options,
        config: &'a Config,
        root: &'a Path,
        files: &'a Snapshot,
    ) -> Result<Self, BuildError> {
        let cargo = Cargo::find(root)?;
        let workspace = Workspace::read(&cargo, root)?;
        let authorities = files.files().contains_key(AUTHORITIES);
        let authorities = authorities
            .then(|| fs::read(root.join(AUTHORITIES)).ok())
            .flatten();
        let mut sources = Self {
            options,
            root,
            files,
            cargo,
            workspace,
            units: Vec::new(),
            authorities,
        };
        for (service, it) in &config.services {
            if let Build::Cargo {
                package,
                features,
                assets,
            } = &it.build
            {
                let program = sources.program(service, package)?;
                let mut unit = Unit {
                    service,
                    package,
                    program,
                    features,
                    assets,
                    key: String::new(),
                };
                unit.key = sources.key(&unit);
                sources.units.push(unit);
            }
        }
        Ok(sources)
    }

    /// The version of the packages.
    pub(super) fn version(&self) -> Option<String> {
        let first = self.units.first()?;
        Some(self.workspace.package(first.package)?.version.clone())
    }

    /// The digest of each service's image.
    pub(super) fn images(
        &self,
        layout: &Layout,
        called: &Called<'_>,
    ) -> Result<BTreeMap<String, String>, BuildError> {
        let cache = &self.options.cache;
        fs::create_dir_all(cache).map_err(BuildError::file("make", cache))?;
        let mut memory = Memory::open(&cache.join("built.json"));
        let mut images = BTreeMap::new();
        let mut missing = Vec::new();
        for unit in &self.units {
            let known = memory
                .find(&unit.key, self.files)
                .and_then(|image| layout.resolve(image).ok());
            match known {
                Some(digest) => {
                    images.insert(unit.service.to_owned(), digest.to_string());
                }
                None => missing.push(unit),
            }
        }
        if missing.is_empty() {
            return Ok(images);
        }
        let target = self
            .options
            .target
            .clone()
            .unwrap_or_else(|| cache.join("target"));
        // Another process that builds into the same folder would replace the programs before they are read.
        let _lock = lock(&target.join(".windlass.lock"))?;
        self.compile(&target)?;
        let bill = Bill::read(&self.cargo, self.root, &self.features())?;
        let programs = target.join(&self.cargo.target).join("release");
        for unit in missing {
            let digest = self.assemble(layout, unit, &programs, called)?;
            let document = bill.of(unit.service, unit.package, called.version);
            let attached = layout.attach(digest, SBOM_TYPE, &document);
            attached.map_err(BuildError::image(unit.service))?;
            let also = self.also_read(unit, &programs);
            memory.keep(&unit.key, self.files, also, digest.to_string());
            images.insert(unit.service.to_owned(), digest.to_string());
        }
        memory.save()?;
        Ok(images)
    }

    /// All services at once, whatever changed: the same packages always give the same features and so the same code.
    fn compile(&self, target: &Path) -> Result<(), BuildError> {
        let packages: BTreeSet<String> = self.units.iter().map(|unit| unit.package.to_owned()).collect();
        let packages: Vec<String> = packages.into_iter().collect();
        let log = self.options.cache.join("build.log");
        let run = Run {
            root: self.root,
            target_folder: target,
            packages: &packages,
            features: &self.features(),
            log: &log,
        };
        self.cargo.build(&run, &|line| {
            if let Some(on_line) = &self.options.on_line {
                on_line(line);
            }
        })
    }

    fn features(&self) -> Vec<String> {
        let all: BTreeSet<String> = self
            .units
            .iter()
            .flat_map(|unit| {
                unit.features
                    .iter()
                    .map(|feature| format!("{}/{feature}", unit.package))
            })
            .collect();
        all.into_iter().collect()
    }

    /// What is true of every commit with these sources: the image is found again for all of them. Which commits they are, its
    /// names say.
    fn labels(&self, unit: &Unit<'_>, called: &Called<'_>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            (
                "org.opencontainers.image.title".to_owned(),
                unit.service.to_owned(),
            ),
            ("dev.windlass.platform".to_owned(), called.platform.to_owned()),
            ("dev.windlass.sources".to_owned(), unit.key.clone()),
        ]);
        if let Some(package) = self.workspace.package(unit.package) {
            let version = package.version.clone();
            labels.insert("org.opencontainers.image.version".to_owned(), version);
        }
        labels
    }

    fn assemble(
        &self,
        layout: &Layout,
        unit: &Unit<'_>,
        programs: &Path,
        called: &Called<'_>,
    ) -> Result<windlass_core::digest::Digest, BuildError> {
        let spec = ImageSpec {
            binary: programs.join(&unit.program),
            name: unit.program.clone(),
            assets: self.assets(unit)?,
            labels: self.labels(unit, called),
            health: vec![HEALTH.to_owned()],
            authorities: self.authorities.clone(),
            ..ImageSpec::default()
        };
        windlass_oci::require_native_file(&spec.binary).map_err(BuildError::image(unit.service))?;
        layout.assemble(&spec).map_err(BuildError::image(unit.service))
    }

    /// Files and folders of the checkout, beside the program under their last name.
    fn assets(&self, unit: &Unit<'_>) -> Result<Vec<Asset>, BuildError> {
        let mut found = Vec::new();
        for wanted in unit.assets {
            let wanted = wanted.trim_end_matches('/');
            let name = wanted.rsplit('/').next().unwrap_or(wanted);
            let before = found.len();
            for (path, entry) in self.files.files() {
                let Some(rest) = below(path, wanted).filter(|_| entry.mode != Mode::Link) else {
                    continue;
                };
                let place = self.root.join(path);
                found.push(Asset {
                    path: format!("{PROGRAMS}/{name}{rest}"),
                    bytes: fs::read(&place).map_err(BuildError::file("read", &place))?,
                    executable: entry.mode == Mode::Executable,
                });
            }
            if found.len() == before {
                return Err(BuildError::Package {
                    service: unit.service.to_owned(),
                    reason: format!("the asset {wanted} is not among the files"),
                });
            }
        }
        Ok(found)
    }

    fn program(&self, service: &str, package: &str) -> Result<String, BuildError> {
        let wrong = |reason: String| BuildError::Package {
            service: service.to_owned(),
            reason,
        };
        let known = self
            .workspace
            .package(package)
            .ok_or_else(|| wrong(format!("there is no package {package} in the workspace")))?;
        known.program(package).map(str::to_owned).ok_or_else(|| {
            let programs = known.programs.join(", ");
            wrong(format!(
                "the package {package} has no single program (it has: {programs})"
            ))
        })
    }

    fn key(&self, unit: &Unit<'_>) -> String {
        let folders = self.workspace.folders(unit.package);
        let sources = self.files.digest(|path| belongs(unit, &folders, path));
        let authorities = self.authorities.as_deref().map(Sha256::digest).map(hex::encode);
        let mut sum = Sha256::new();
        let parts = [
            FORMAT.to_string(),
            self.cargo.version.clone(),
            self.cargo.target.clone(),
            unit.service.to_owned(),
            unit.package.to_owned(),
            unit.features.join(","),
            unit.assets.join(","),
            authorities.unwrap_or_default(),
            sources,
        ];
        for part in parts {
            sum.update(part.as_bytes());
            sum.update([0]);
        }
        hex::encode(sum.finalize())
    }

    /// Files outside of the packages that the compiler has read, for example with `include_str!`.
    fn also_read(&self, unit: &Unit<'_>, programs: &Path) -> Vec<String> {
        let folders = self.workspace.folders(unit.package);
        let path: PathBuf = programs.join(format!("{}.d", unit.program));
        let text = fs::read_to_string(path).unwrap_or_default();
        also_read(&text, self.root, |file| {
            belongs(unit, &folders, file) || !self.files.files().contains_key(file)
        })
    }
}

/// Whether a file is one of those that are known to matter before a build.
fn belongs(unit: &Unit<'_>, folders: &BTreeSet<String>, path: &str) -> bool {
    let of_package = |folder: &String| {
        let rest = if folder.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(folder.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
        };
        rest.is_some_and(|rest| !NOT_BUILT.iter().any(|part| rest.starts_with(part)))
    };
    ROOT_FILES.contains(&path)
        || path.starts_with(".cargo/")
        || unit
            .assets
            .iter()
            .any(|asset| below(path, asset.trim_end_matches('/')).is_some())
        || folders.iter().any(of_package)
}

/// What follows `wanted` in a path that is it or lies below it: empty, or `/...`.
fn below<'p>(path: &'p str, wanted: &str) -> Option<&'p str> {
    path.strip_prefix(wanted)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
