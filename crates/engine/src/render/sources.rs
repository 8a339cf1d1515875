//! The files that a render needs, read from a commit or from a folder: the chart and the values of the environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use windlass_core::config::{Config, Environment, Values};

use super::RenderError;
use crate::source::Tree;

/// Files of a chart in a folder, and folders within folders.
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;

/// The chart and the values files, by path and in their order.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Files of the chart by their path from its folder.
    pub chart: BTreeMap<String, Vec<u8>>,
    /// Names and bytes of the values files; a later one wins.
    pub values: Vec<(String, Vec<u8>)>,
}

impl Sources {
    /// From a commit.
    pub fn of_tree(tree: &Tree<'_>, config: &Config, environment: &Environment) -> Result<Self, RenderError> {
        let chart = tree.below(&config.chart)?;
        Self::with(chart, config, environment, |file| Ok(tree.read(file)?))
    }

    /// From the files on disk below `root`, where windlass.yaml is.
    pub fn of_folder(root: &Path, config: &Config, environment: &Environment) -> Result<Self, RenderError> {
        let mut chart = BTreeMap::new();
        read_below(&root.join(&config.chart), "", 0, &mut chart)?;
        Self::with(chart, config, environment, |file| {
            let path = root.join(file);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(RenderError::File { path, source }),
            }
        })
    }

    fn with(
        chart: BTreeMap<String, Vec<u8>>,
        config: &Config,
        environment: &Environment,
        read: impl Fn(&str) -> Result<Option<Vec<u8>>, RenderError>,
    ) -> Result<Self, RenderError> {
        if !chart.contains_key("Chart.yaml") {
            return Err(RenderError::NoChart {
                chart: config.chart.clone(),
            });
        }
        let mut values = Vec::new();
        for file in environment.values.files() {
            match (read(file)?, &environment.values) {
                (Some(bytes), _) => values.push((file.clone(), bytes)),
                (None, Values::Default(_)) => {}
                (None, Values::Named(_)) => {
                    return Err(RenderError::NoValues {
                        file: file.clone(),
                        environment: environment.name.clone(),
                    });
                }
            }
        }
        Ok(Self { chart, values })
    }
}

/// Regular files only: a link may lead out of the checkout.
fn read_below(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), RenderError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RenderError::File { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() && depth < DEPTH_MAX {
            read_below(&path, &format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind.is_file() {
            if files.len() >= FILES_MAX {
                return Err(RenderError::TooMany { max: FILES_MAX });
            }
            files.insert(format!("{prefix}{name}"), fs::read(&path).map_err(failed(&path))?);
        }
    }
    Ok(())
}
