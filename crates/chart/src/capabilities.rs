//! What a chart is told about the cluster: version and API versions.

/// The cluster as templates see it in `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Kubernetes' version, as `v1.36.0`.
    pub kube_version: String,
    /// API versions beside those that are built into Kubernetes, as `monitoring.coreos.com/v1`.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kube_version: "v1.36.0".to_owned(),
            api_versions: Vec::new(),
        }
    }
}
