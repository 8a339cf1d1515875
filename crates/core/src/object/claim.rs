//! A typed view of a PersistentVolumeClaim.

use super::{Object, items, text};

/// A claim on storage that outlives pods.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    object: &'a Object,
}

impl<'a> Claim<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object }
    }

    /// The name that volumes refer to.
    pub fn name(&self) -> &'a str {
        self.object.name()
    }

    /// Requested size as a Kubernetes quantity, for example `1Gi`.
    pub fn size(&self) -> Option<&'a str> {
        text(self.object.value(), "/spec/resources/requests/storage")
    }

    /// The storage class; `None` for the cluster's default.
    pub fn class(&self) -> Option<&'a str> {
        text(self.object.value(), "/spec/storageClassName")
    }

    /// Access modes, for example `ReadWriteOnce`.
    pub fn access_modes(&self) -> Vec<&'a str> {
        items(self.object.value().pointer("/spec/accessModes"))
            .filter_map(|mode| mode.as_str())
            .collect()
    }
}
