//! A chart from its files.

use std::collections::BTreeMap;

use crate::{ChartError, Limits};

/// A loaded chart: templates parsed, default values read. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Chart {
    name: String,
}

impl Chart {
    /// The name that Chart.yaml gives.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Loads a chart from its files: paths relative to the chart's root (`Chart.yaml`, `templates/service.yaml`,
/// `charts/redis-1.2.3.tgz`) and their bytes.
pub fn load_from_files(files: BTreeMap<String, Vec<u8>>, limits: &Limits) -> Result<Chart, ChartError> {
    if files.len() > limits.files_max {
        return Err(ChartError::Limit(format!(
            "the chart has {} files, {} are allowed",
            files.len(),
            limits.files_max
        )));
    }
    let name = files.into_keys().find(|path| path == "Chart.yaml");
    Err(ChartError::Load(format!(
        "{} file is missing",
        name.as_deref().unwrap_or("Chart.yaml")
    )))
}
