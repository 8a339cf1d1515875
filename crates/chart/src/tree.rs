//! The charts of one render: with their aliases, their values, and only those dependencies that are enabled.

use crate::any::Map;
use crate::load::Chart;
use crate::metadata::{Dependency, Metadata};
use crate::profile::Profile;

/// A chart within a render.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) chart: Chart,
    /// Its own name or its alias.
    pub(crate) name: String,
    /// Default values, imported ones included.
    pub(crate) values: Map,
    /// What Chart.yaml lists, disabled ones left out.
    pub(crate) listed: Vec<Dependency>,
    pub(crate) children: Vec<Branch>,
}

impl Branch {
    pub(crate) fn new(chart: &Chart, profile: Profile) -> Self {
        Self {
            chart: chart.clone(),
            name: chart.name().to_owned(),
            values: chart.default_map(profile),
            listed: chart.metadata().dependencies.clone(),
            children: chart
                .dependencies()
                .iter()
                .map(|it| Self::new(it, profile))
                .collect(),
        }
    }

    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            name: self.name.clone(),
            ..self.chart.metadata().clone()
        }
    }
}
