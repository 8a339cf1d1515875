//! Typed views of objects that run pods. It does not know which pods exist.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Container, Object, Volume, items, text, texts};

/// Stop grace when the manifest names none: Kubernetes' default.
const GRACE_DEFAULT_S: u64 = 30;

/// The built-in kinds that run pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// Interchangeable replicas.
    Deployment,
    /// Replicas with identity and storage.
    StatefulSet,
    /// One per node.
    DaemonSet,
    /// What a Deployment keeps; seldom written by hand.
    ReplicaSet,
    /// Runs to its end.
    Job,
    /// Starts Jobs by the clock.
    CronJob,
    /// A pod on its own.
    Pod,
}

/// An object that runs pods.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    object: &'a Object,
    kind: WorkloadKind,
}

/// The pods that a workload runs: the template, or a Pod object itself.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'a> {
    value: &'a Value,
}

impl WorkloadKind {
    /// The kind of an object, by group and kind.
    pub fn of(object: &Object) -> Option<Self> {
        Some(match (object.group(), object.kind()) {
            ("apps", "Deployment") => Self::Deployment,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("apps", "DaemonSet") => Self::DaemonSet,
            ("apps", "ReplicaSet") => Self::ReplicaSet,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("", "Pod") => Self::Pod,
            _ => return None,
        })
    }

    /// Where the pod is in the manifest, as a JSON pointer; empty for a Pod itself.
    pub fn pod_pointer(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::ReplicaSet | Self::Job => {
                "/spec/template"
            }
            Self::CronJob => "/spec/jobTemplate/spec/template",
            Self::Pod => "",
        }
    }
}

impl<'a> Workload<'a> {
    pub(super) fn of(object: &'a Object) -> Option<Self> {
        WorkloadKind::of(object).map(|kind| Self { object, kind })
    }

    /// The object itself.
    pub fn object(&self) -> &'a Object {
        self.object
    }

    /// Its kind.
    pub fn kind(&self) -> WorkloadKind {
        self.kind
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.object.name()
    }

    /// Wanted replicas: 1 where the manifest says nothing, and for kinds that do not count any.
    pub fn replicas(&self) -> u32 {
        let wanted = self
            .object
            .value()
            .pointer("/spec/replicas")
            .and_then(Value::as_u64);
        wanted.map_or(1, |wanted| u32::try_from(wanted).unwrap_or(u32::MAX))
    }

    /// The labels by which it knows its pods.
    pub fn match_labels(&self) -> BTreeMap<&'a str, &'a str> {
        texts(self.object.value().pointer("/spec/selector/matchLabels"))
    }

    /// The pods it runs; `None` if the manifest has no template.
    pub fn pod(&self) -> Option<Pod<'a>> {
        let value = self.object.value().pointer(self.kind.pod_pointer())?;
        value.get("spec").map(|_| Pod { value })
    }

    /// The containers of its pods, without the initial ones.
    pub fn containers(&self) -> Vec<Container<'a>> {
        self.pod().map(|pod| pod.containers()).unwrap_or_default()
    }

    /// Names of the claims that a StatefulSet makes for each pod.
    pub fn claim_templates(&self) -> Vec<&'a str> {
        items(self.object.value().pointer("/spec/volumeClaimTemplates"))
            .filter_map(|claim| text(claim, "/metadata/name"))
            .collect()
    }
}

impl<'a> Pod<'a> {
    /// The template, or the Pod object, as it is in the manifest.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Labels that Services and selectors see.
    pub fn labels(&self) -> BTreeMap<&'a str, &'a str> {
        texts(self.value.pointer("/metadata/labels"))
    }

    /// Annotations of the pods.
    pub fn annotations(&self) -> BTreeMap<&'a str, &'a str> {
        texts(self.value.pointer("/metadata/annotations"))
    }

    /// The containers that run side by side.
    pub fn containers(&self) -> Vec<Container<'a>> {
        items(self.value.pointer("/spec/containers"))
            .filter_map(Container::of)
            .collect()
    }

    /// The containers that run first, one after the other.
    pub fn init_containers(&self) -> Vec<Container<'a>> {
        items(self.value.pointer("/spec/initContainers"))
            .filter_map(Container::of)
            .collect()
    }

    /// The volumes that mounts refer to.
    pub fn volumes(&self) -> Vec<Volume<'a>> {
        items(self.value.pointer("/spec/volumes"))
            .filter_map(Volume::of)
            .collect()
    }

    /// Seconds from the word to stop to the kill; 30 unless the manifest says otherwise.
    pub fn grace_s(&self) -> u64 {
        self.value
            .pointer("/spec/terminationGracePeriodSeconds")
            .and_then(Value::as_u64)
            .unwrap_or(GRACE_DEFAULT_S)
    }

    /// `restartPolicy`; `Always` unless the manifest says otherwise.
    pub fn restart_policy(&self) -> &'a str {
        text(self.value, "/spec/restartPolicy").unwrap_or("Always")
    }

    /// The service account, if named.
    pub fn service_account(&self) -> Option<&'a str> {
        text(self.value, "/spec/serviceAccountName")
    }
}
