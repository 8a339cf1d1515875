//! The files that a render needs, read from a commit or from a folder: the chart and the values of the environment, or
//! what its Application names.

use std::collections::BTreeMap;
use std::path::Path;

use windlass_core::config::{Config, Environment, Values};

use super::RenderError;
use super::application::{self, Part};
use crate::checkout::Checkout;
use crate::source::Tree;

/// The chart and the values files, by path and in their order.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Files of the chart by their path from its folder.
    pub chart: BTreeMap<String, Vec<u8>>,
    /// Names and bytes of the values files; a later one wins.
    pub values: Vec<(String, Vec<u8>)>,
    /// What an Application is made of, instead of both.
    pub(super) parts: Vec<Part>,
}

impl Sources {
    /// From a commit.
    pub fn of_tree(tree: &Tree<'_>, config: &Config, environment: &Environment) -> Result<Self, RenderError> {
        Self::of(&Checkout::Commit(tree), config, environment)
    }

    /// From the files on disk below `root`, where windlass.yaml is.
    pub fn of_folder(root: &Path, config: &Config, environment: &Environment) -> Result<Self, RenderError> {
        Self::of(&Checkout::Folder(root), config, environment)
    }

    fn of(checkout: &Checkout<'_>, config: &Config, environment: &Environment) -> Result<Self, RenderError> {
        if let Some(application) = &environment.application {
            let parts = application::gather(application, checkout)?;
            return Ok(Self {
                parts,
                ..Self::default()
            });
        }
        let chart = checkout.all_below(config.chart.trim_matches('/'))?;
        if !chart.contains_key("Chart.yaml") {
            return Err(RenderError::NoChart {
                chart: config.chart.clone(),
            });
        }
        let mut values = Vec::new();
        for file in environment.values.files() {
            match (checkout.file(file)?, &environment.values) {
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
        Ok(Self {
            chart,
            values,
            parts: Vec::new(),
        })
    }
}
