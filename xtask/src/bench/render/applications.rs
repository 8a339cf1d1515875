//! A repository with a thousand applications, each a chart in a folder of its own, and a commit that touches one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use windlass_chart::cache::Renders;
use windlass_chart::{Capabilities, Profile, Value};

use super::charts::{Files, charts};
use super::{Report, load, release, write};
use crate::bench::report::Better;

const APPLICATIONS: usize = 1_000;
/// The application that the commit touches.
const CHANGED: usize = 500;

pub(super) fn run(report: &mut Report, folder: &Path) -> Result<(), String> {
    let Some((_, files)) = charts().into_iter().next() else {
        return Ok(());
    };
    let places: Vec<PathBuf> = (0..APPLICATIONS)
        .map(|it| folder.join(format!("application-{it}")))
        .collect();
    for place in &places {
        write(place, &files).map_err(|it| it.to_string())?;
    }
    let cache = Renders::default();
    all(&cache, &places)?;
    let before = cache.len();
    let changed = places[CHANGED].join("values.yaml");
    let text = std::fs::read_to_string(&changed).map_err(|it| it.to_string())?;
    std::fs::write(&changed, text.replace("replicaCount: 1", "replicaCount: 2"))
        .map_err(|it| it.to_string())?;
    // The commit names the folder that it touches.
    let start = Instant::now();
    one(&cache, CHANGED, &places[CHANGED])?;
    let known = milliseconds(start);
    let renders = cache.len() - before;
    // Nothing is known of the commit: every file of the repository is read and held against what was rendered.
    let start = Instant::now();
    all(&cache, &places)?;
    let unknown = milliseconds(start);
    let again = cache.len() - before - renders;
    let case = "1,000 applications, one changed";
    let count = |it: usize| f64::from(u32::try_from(it).unwrap_or(u32::MAX));
    report.add(case, ("renders", "", Better::Lower), count(renders + again), None);
    report.add(case, ("commit_ms", "ms", Better::Lower), known, None);
    report.add(case, ("whole_repository_ms", "ms", Better::Lower), unknown, None);
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}

fn all(cache: &Renders, places: &[PathBuf]) -> Result<(), String> {
    let mut places = places.iter().enumerate();
    places.try_for_each(|(number, place)| one(cache, number, place))
}

/// From an application's folder to its objects.
fn one(cache: &Renders, number: usize, place: &Path) -> Result<(), String> {
    let mut files = BTreeMap::new();
    read(place, "", &mut files).map_err(|it| format!("{}: {it}", place.display()))?;
    let chart = load(files)?;
    let release = release(&format!("application-{number}"));
    cache
        .render(
            &chart,
            &Value::empty_map(),
            &release,
            &Capabilities::default(),
            Profile::Helm4,
        )
        .map(|_| ())
        .map_err(|it| it.to_string())
}

/// The files below a folder, by their paths from it.
pub(super) fn read(folder: &Path, name: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{name}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
