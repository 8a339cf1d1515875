//! Which Helm is to be equalled, where the two differ.

/// Helm's major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// As helm 3.21 renders.
    Helm3,
    /// As helm 4.2 renders.
    #[default]
    Helm4,
}
