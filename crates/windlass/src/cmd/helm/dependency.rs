//! `windlass helm dependency`: the charts that a chart depends on, put into `charts/` from folders beside it (`file://`),
//! from repositories and from registries, and locked.

mod list;
mod lock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use windlass_chart::{Dependency, Limits, Metadata, load_from_files, repository};

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes};
use super::{Stop, complain, folder, package, print, remote};
use lock::Lock;
use remote::Indexes;

const OWN: &[Flag] = &[
    ("max-col-width", None, Takes::Text),
    ("skip-refresh", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, SOURCE, OWN])?;
    let (command, rest) = flags
        .arguments
        .split_first()
        .map_or(("", &[][..]), |it| (it.0.as_str(), it.1));
    let path = rest.first().map_or(".", String::as_str);
    match command {
        "list" | "ls" => list::list(path),
        "build" => build(&flags, path),
        "update" | "up" => update(&flags, path),
        other => Err(Stop::Usage(format!(
            "unknown command \"{other}\" for \"helm dependency\""
        ))),
    }
}

/// What the chart in a folder says, and nothing of what it contains.
fn about(root: &Path) -> Result<Metadata, Stop> {
    let mut files = BTreeMap::new();
    for name in ["Chart.yaml", "requirements.yaml"] {
        if let Ok(text) = std::fs::read(root.join(name)) {
            files.insert(name.to_owned(), text);
        }
    }
    let chart = load_from_files(files, &Limits::default())?;
    Ok(chart.metadata().clone())
}

/// `build`: what the lock says; without one as `update`.
fn build(flags: &Flags, path: &str) -> Result<(), Stop> {
    let root = Path::new(path);
    let about = about(root)?;
    let Some(lock) = Lock::read(root, &about)? else {
        return update(flags, path);
    };
    let wanted = with_addresses(flags, &about.dependencies)?;
    if repository::lock_digest(&wanted, &lock.dependencies) != lock.digest {
        let message = if about.api_version == "v1" {
            "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please update the dependencies"
        } else {
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies with 'helm dependency update'"
        };
        return Err(Stop::Failed(message.to_owned()));
    }
    let indexes = Indexes::new(flags);
    refresh(flags, &indexes, &[]);
    save(flags, &indexes, root, &lock.dependencies)
}

/// `update`: the newest versions that fit, and a new lock.
pub(super) fn update(flags: &Flags, path: &str) -> Result<(), Stop> {
    let root = Path::new(path);
    let about = about(root)?;
    if about.dependencies.is_empty() {
        return Ok(());
    }
    let wanted = with_addresses(flags, &about.dependencies)?;
    let indexes = Indexes::new(flags);
    refresh(flags, &indexes, &wanted);
    let mut locked = Vec::new();
    let mut missing = Vec::new();
    for it in &wanted {
        match version(&indexes, root, it)? {
            Some(version) => locked.push(Dependency {
                name: it.name.clone(),
                version,
                repository: it.repository.clone(),
                ..Dependency::default()
            }),
            None => missing.push(format!(
                "{:?} (repository {:?}, version {:?})",
                it.name, it.repository, it.version
            )),
        }
    }
    if !missing.is_empty() {
        return Err(Stop::Failed(format!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )));
    }
    save(flags, &indexes, root, &locked)?;
    Lock::write(root, &about, &wanted, &locked)
}

/// Says of each repository whether its index can be had: first of those that nobody added, then of those that are known.
fn refresh(flags: &Flags, indexes: &Indexes<'_>, wanted: &[Dependency]) {
    if flags.is_on("skip-refresh") {
        return;
    }
    let known = remote::known_repositories(flags);
    let is_known = |address: &str| {
        let plain = |it: &str| it.trim_end_matches('/').to_owned();
        known.values().any(|it| plain(it) == plain(address))
    };
    let mut unmanaged: Vec<&str> = Vec::new();
    for it in wanted {
        let address = it.repository.as_str();
        let fetched = address.starts_with("http://") || address.starts_with("https://");
        if fetched && !is_known(address) && !unmanaged.contains(&address) {
            unmanaged.push(address);
        }
    }
    if !unmanaged.is_empty() {
        print(b"Getting updates for unmanaged Helm repositories...\n");
    }
    for address in unmanaged {
        report(indexes, address, &format!("{address:?} chart repository"), "");
    }
    if known.is_empty() {
        return;
    }
    print(b"Hang tight while we grab the latest from your chart repositories...\n");
    for (name, address) in &known {
        report(
            indexes,
            address,
            &format!("{name:?} chart repository"),
            &format!(" ({address})"),
        );
    }
    print("Update Complete. \u{2388}Happy Helming!\u{2388}\n".as_bytes());
}

/// Fetches an index and says whether it came.
fn report(indexes: &Indexes<'_>, address: &str, shown: &str, place: &str) {
    let said = match indexes.get(address) {
        Ok(_) => format!("...Successfully got an update from the {shown}\n"),
        Err(Stop::Failed(why) | Stop::Usage(why)) => {
            format!("...Unable to get an update from the {shown}{place}:\n\t{why}\n")
        }
    };
    print(said.as_bytes());
}

/// Repositories by the names that `helm repo add` gave them, as addresses.
fn with_addresses(flags: &Flags, wanted: &[Dependency]) -> Result<Vec<Dependency>, Stop> {
    let mut known = None;
    let mut all = wanted.to_vec();
    for it in &mut all {
        let alias = it
            .repository
            .strip_prefix('@')
            .or_else(|| it.repository.strip_prefix("alias:"));
        if let Some(alias) = alias {
            let known = known.get_or_insert_with(|| remote::known_repositories(flags));
            let address = known.get(alias);
            let address = address.ok_or_else(|| {
                Stop::Failed(format!(
                    "no repository definition for {}. Please add them via 'helm repo add'",
                    it.repository
                ))
            })?;
            it.repository.clone_from(address);
        }
    }
    Ok(all)
}

/// The version that there is for a dependency; none where what is beside the chart does not fit.
fn version(indexes: &Indexes<'_>, root: &Path, wanted: &Dependency) -> Result<Option<String>, Stop> {
    if wanted.repository.is_empty() {
        let place = root.join("charts").join(&wanted.name);
        if !place.exists() {
            return Err(Stop::Failed(format!("directory {} not found", place.display())));
        }
        return Ok(Some(wanted.version.clone()));
    }
    if let Some(place) = beside(root, wanted) {
        let found = about(&place)?.version;
        let fits = windlass_chart::is_compatible(&wanted.version, &found);
        return Ok(fits.then_some(found));
    }
    remote::version_in(indexes, &wanted.repository, &wanted.name, &wanted.version).map(Some)
}

fn beside(root: &Path, wanted: &Dependency) -> Option<PathBuf> {
    let path = wanted.repository.strip_prefix("file://")?;
    Some(root.join(path))
}

/// Fetches everything, and only then touches `charts/`.
fn save(flags: &Flags, indexes: &Indexes<'_>, root: &Path, locked: &[Dependency]) -> Result<(), Stop> {
    print(format!("Saving {} charts\n", locked.len()).as_bytes());
    let mut archives: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for it in locked {
        if it.repository.is_empty() {
            let name = &it.name;
            print(format!("Dependency {name} did not declare a repository. Assuming it exists in the charts directory\n").as_bytes());
            continue;
        }
        let (file, bytes) = match beside(root, it) {
            Some(place) => packed(&place)?,
            None => fetched(flags, indexes, it)?,
        };
        archives.insert(file, bytes);
    }
    let charts = root.join("charts");
    std::fs::create_dir_all(&charts)?;
    for (file, bytes) in &archives {
        std::fs::write(charts.join(file), bytes)?;
    }
    print(b"Deleting outdated charts\n");
    delete_outdated(&charts, &archives)
}

fn packed(place: &Path) -> Result<(String, Vec<u8>), Stop> {
    let files = folder::files(&place.to_string_lossy())?;
    package::packed(&files)
}

fn fetched(flags: &Flags, indexes: &Indexes<'_>, it: &Dependency) -> Result<(String, Vec<u8>), Stop> {
    print(format!("Downloading {} from repo {}\n", it.name, it.repository).as_bytes());
    let fetched = match it.repository.strip_prefix(remote::OCI) {
        Some(host) => remote::from_registry(flags, &format!("{host}/{}", it.name), &it.version)?,
        None => remote::from_repository(indexes, &it.repository, &it.name, &it.version)?,
    };
    print(fetched.said.as_bytes());
    let file = Path::new(&fetched.file).file_name();
    let file = file
        .map(|it| it.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok((file, fetched.bytes))
}

/// Archives of charts that are not among the new ones. What is no archive of a chart stays.
fn delete_outdated(charts: &Path, kept: &BTreeMap<String, Vec<u8>>) -> Result<(), Stop> {
    for entry in std::fs::read_dir(charts)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_archive = path.extension().is_some_and(|it| it == "tgz");
        if !is_archive || kept.contains_key(&name) {
            continue;
        }
        if folder::load(&path.to_string_lossy()).is_ok() {
            std::fs::remove_file(&path)?;
        } else {
            complain(&format!("Could not verify {name} for deletion (Skipping)\n"));
        }
    }
    Ok(())
}
