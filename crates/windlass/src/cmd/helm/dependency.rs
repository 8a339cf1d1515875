//! `windlass helm dependency`: the charts that a chart depends on. Folders beside it (`file://`) are packed into
//! `charts/`; repositories are not reached from here.

use std::path::Path;

use windlass_chart::{Chart, Dependency};

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes};
use super::{Stop, folder, package, print};

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
        "list" | "ls" => list(path),
        "build" | "update" | "up" => build(path),
        other => Err(Stop::Usage(format!(
            "unknown command \"{other}\" for \"helm dependency\""
        ))),
    }
}

fn list(path: &str) -> Result<(), Stop> {
    let chart = folder::load(path)?;
    let wanted = &chart.metadata().dependencies;
    if wanted.is_empty() {
        super::complain(&format!("WARNING: no dependencies at {path}/charts\n"));
        return Ok(());
    }
    let head = ["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned);
    let rows = wanted.iter().map(|it| {
        [
            it.name.clone(),
            it.version.clone(),
            it.repository.clone(),
            status(&chart, it).to_owned(),
        ]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|it| it[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}\t"))
            .collect();
        out.push_str(&cells.concat());
        out.push('\n');
    }
    out.push('\n');
    print(out.as_bytes());
    Ok(())
}

fn status(chart: &Chart, wanted: &Dependency) -> &'static str {
    let found = chart.dependencies().iter().find(|it| it.name() == wanted.name);
    match found {
        None => "missing",
        Some(it) if windlass_chart::is_compatible(&wanted.version, &it.metadata().version) => "ok",
        Some(_) => "wrong version",
    }
}

/// Packs what lies beside the chart into `charts/`, and says what cannot be had.
fn build(path: &str) -> Result<(), Stop> {
    let root = Path::new(path);
    let text = std::fs::read(root.join("Chart.yaml"))?;
    let only = std::collections::BTreeMap::from([("Chart.yaml".to_owned(), text)]);
    let chart = windlass_chart::load_from_files(only, &windlass_chart::Limits::default())?;
    let wanted = &chart.metadata().dependencies;
    let mut saved = 0;
    for it in wanted {
        let Some(beside) = it.repository.strip_prefix("file://") else {
            if it.repository.is_empty() {
                continue;
            }
            return Err(Stop::Failed(format!(
                "dependency {}: its repository {} is not reached from here\nhint: put its archive into {path}/charts",
                it.name, it.repository
            )));
        };
        let place = root.join(beside);
        let files = folder::files(&place.to_string_lossy())?;
        let found = windlass_chart::load_from_files(files.clone(), &windlass_chart::Limits::default())?;
        if !windlass_chart::is_compatible(&it.version, &found.metadata().version) {
            return Err(Stop::Failed(format!(
                "can't get a valid version for dependency {}: {} is wanted, {} is at {beside}",
                it.name,
                it.version,
                found.metadata().version
            )));
        }
        package::pack(&files, &root.join("charts"))?;
        saved += 1;
    }
    print(format!("Saving {saved} charts\nDeleting outdated charts\n").as_bytes());
    Ok(())
}
