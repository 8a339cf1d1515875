//! What can be wrong with a chart, in the words that Helm's users know.

/// An error of loading or rendering. The text is what Helm prints after `Error: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The chart's files are not a chart.
    #[error("{0}")]
    Load(String),
    /// The values do not fit the chart.
    #[error("{0}")]
    Values(String),
    /// A template cannot be parsed or executed, or is not to be for this version of Kubernetes.
    #[error("{message}")]
    Template {
        /// Go's and Helm's text, with file, line and column.
        message: String,
    },
    /// What the templates wrote is no YAML.
    #[error("{0}")]
    Output(String),
    /// A limit was passed.
    #[error("{0}")]
    Limit(String),
}
