//! Why a chart cannot be rendered for an environment.

use windlass_chart::ChartError;
use windlass_core::config::Environment;

use crate::source::SourceError;

/// A chart could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The files could not be read from the repository.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The files could not be read from the disk.
    #[error("cannot read {}: {source}\nhint: `chart` and `values` of windlass.yaml name files of this checkout", .path.display())]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The chart's folder is empty.
    #[error(
        "there is no chart in {chart}\nhint: `chart` in windlass.yaml names the folder that has a Chart.yaml"
    )]
    NoChart {
        /// The folder.
        chart: String,
    },
    /// A values file that the configuration names is not there.
    #[error(
        "the values file {file} of the environment {environment} does not exist\nhint: add it, or take it out of `values`"
    )]
    NoValues {
        /// The file.
        file: String,
        /// The environment.
        environment: String,
    },
    /// A values file is no YAML, or no map.
    #[error("the values file {file} cannot be used: {reason}\nhint: it is a YAML map, as for Helm")]
    Values {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The chart does not load or render.
    #[error(
        "the chart {chart} does not render for {environment}: {source}\nhint: `windlass helm template {chart}` shows the same error with the chart alone"
    )]
    Chart {
        /// The folder.
        chart: String,
        /// The environment.
        environment: String,
        /// Helm's words.
        source: ChartError,
    },
    /// What a template wrote is no Kubernetes object.
    #[error(
        "{template} writes something that is no Kubernetes object: {reason}\nhint: `windlass helm template` prints what the chart writes"
    )]
    Manifest {
        /// The template.
        template: String,
        /// What is wrong.
        reason: String,
    },
    /// What an Argo CD Application names cannot be used.
    #[error("{file}: {reason}\nhint: docs/argocd.md says what of Argo CD's manifests is understood")]
    Application {
        /// The Application's file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Too many objects.
    #[error("the chart writes more than {max} objects\nhint: split the platform")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

impl RenderError {
    pub(super) fn chart(chart: &str, environment: &Environment, source: ChartError) -> Self {
        Self::Chart {
            chart: chart.to_owned(),
            environment: environment.name.clone(),
            source,
        }
    }
}
