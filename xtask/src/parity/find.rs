//! Charts and values files below a folder.

use std::path::{Path, PathBuf};

/// One chart with one file of values, or with none.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) chart: PathBuf,
    pub(super) values: Option<PathBuf>,
}

impl Case {
    pub(super) fn show(&self, root: &Path) -> String {
        let short = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        match &self.values {
            Some(values) => format!("{} -f {}", short(&self.chart), short(values)),
            None => short(&self.chart),
        }
    }
}

/// Folders within folders that are looked at.
const DEPTH_MAX: usize = 12;

pub(super) fn cases(root: &Path) -> Vec<Case> {
    let mut charts = Vec::new();
    collect(root, &mut charts, 0);
    charts.sort();
    let mut cases = Vec::new();
    for chart in charts {
        cases.push(Case {
            chart: chart.clone(),
            values: None,
        });
        let mut values = Vec::new();
        for folder in ["", "ci", "examples", "tests", "test"] {
            values_in(&chart.join(folder), folder.is_empty(), &mut values, 0);
        }
        values.sort();
        cases.extend(values.into_iter().map(|it| Case {
            chart: chart.clone(),
            values: Some(it),
        }));
    }
    cases
}

/// Charts, but not those that another chart has below `charts/`.
fn collect(folder: &Path, charts: &mut Vec<PathBuf>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    if folder.join("Chart.yaml").is_file() {
        charts.push(folder.to_owned());
        return;
    }
    for entry in entries(folder) {
        if entry.is_dir() {
            collect(&entry, charts, depth + 1);
        }
    }
}

fn values_in(folder: &Path, is_root: bool, found: &mut Vec<PathBuf>, depth: usize) {
    for entry in entries(folder) {
        let name = entry
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_yaml = entry
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let is_values = if is_root {
            name.starts_with("values") && name != "values.yaml"
        } else {
            name.contains("values") || depth == 0 && !name.starts_with('.')
        };
        if entry.is_file() && is_yaml && is_values {
            found.push(entry);
        } else if !is_root && entry.is_dir() && depth < 2 && name != "rendered" {
            values_in(&entry, false, found, depth + 1);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.filter_map(|it| it.ok().map(|it| it.path())).collect()
}
