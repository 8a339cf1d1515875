//! One environment's place on a cluster: what it has there, and what is behind its Services. Reading asks nobody, watches
//! have told already.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use windlass_core::health::Health;
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_core::reference::Reference;

use crate::cluster::{Call, Cluster};
use crate::decide::{Override, Settled};
use crate::error::KubeError;
use crate::fields;
use crate::owner::Owner;
use crate::pod::Pod;
use crate::resource::{Resource, escaped};
use crate::store::{Facts, Judge, Purpose, Store};
use crate::watch::{Progress, Watch};

/// How long the first list of a kind may take.
const LIST_WITHIN: Duration = Duration::from_mins(1);
/// How long nothing may be told while something is to happen. A connection that a device on the way forgot is silent.
const SILENCE: Duration = Duration::from_secs(10);
/// Kinds that are watched whatever an environment has: what runs, and what leads to it.
const ALWAYS: [(&str, &str); 4] = [
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("", "Service"),
];

/// An environment on a cluster. Clones are the same place; when the last one goes, its watches end.
#[derive(Clone)]
pub struct Place {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) owner: Owner,
    pub(crate) store: Store,
    pub(crate) settled: Mutex<BTreeMap<Reference, Settled>>,
    watches: Mutex<BTreeMap<(Purpose, String, String), Running>>,
    /// Whether all kinds of the cluster were searched for what is ours.
    pub(crate) stock: tokio::sync::OnceCell<()>,
}

struct Running {
    resource: Resource,
    progress: Arc<watch::Sender<Progress>>,
    task: AbortHandle,
}

/// What an apply did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects that were sent.
    pub writes: u64,
    /// Fields that were left to others.
    pub overrides: Vec<Override>,
}

/// What runs of one track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// Its workloads; where it has none of its own, those that both tracks share.
    pub workloads: Vec<Workload>,
    /// What scripts say of its own objects.
    pub judged: Vec<Judged>,
    /// Why it will not become ready, if that is certain.
    pub hopeless: Option<String>,
}

/// An object that a script judges, and that has a health by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// `Certificate/shop`.
    pub object: String,
    /// What the script says.
    pub health: Health,
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Pods of its newest version that are ready.
    pub ready: u32,
    /// Pods that should be.
    pub desired: u32,
    /// Restarts of its pods.
    pub restarts: u32,
    /// What keeps it from being ready; empty when nothing does.
    pub message: String,
    /// Its pods: name, and whether it is ready.
    pub pods: Vec<(String, bool)>,
}

/// Where a Service leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Its address inside of the cluster, if it has one.
    pub address: Option<String>,
    /// The track that its selector names.
    pub leads_to: Option<Color>,
    /// Who changed that since we did: `kubectl-patch`.
    pub changed_by: Option<String>,
    /// Addresses that get new connections, by the track of the pod; `None` for pods of no track.
    pub ready: BTreeMap<Option<Color>, usize>,
}

impl Place {
    /// Takes a place. Nothing is asked or written yet.
    pub fn new(cluster: Cluster, namespace: &str, owner: Owner) -> Self {
        Self {
            shared: Arc::new(Shared {
                cluster,
                namespace: namespace.to_owned(),
                owner,
                store: Store::default(),
                settled: Mutex::default(),
                watches: Mutex::default(),
                stock: tokio::sync::OnceCell::new(),
            }),
        }
    }

    /// Begins to watch what every environment has; returns when the store holds it.
    pub async fn open(&self) -> Result<(), KubeError> {
        let catalog = self.shared.cluster.catalog();
        let slices = ("discovery.k8s.io", "EndpointSlice");
        let all = ALWAYS.into_iter().map(|it| (Purpose::Managed, it));
        for (purpose, (group, kind)) in all.chain([(Purpose::Pods, ("", "Pod")), (Purpose::Slices, slices)]) {
            if let Some(resource) = catalog.preferred(group, kind) {
                self.watch(purpose, resource).await?;
            }
        }
        Ok(())
    }

    /// The connection.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// Whether a watch broke off and has not come back: what is known is as it was then.
    pub fn is_deaf(&self) -> bool {
        self.shared.store.is_deaf()
    }

    /// Has all watches begin anew from where they are.
    pub fn listen_again(&self) {
        self.shared.store.stir();
    }

    /// Waits for a change; what is silent for long is asked again.
    pub(crate) async fn changed(&self, changes: &mut watch::Receiver<u64>) {
        if tokio::time::timeout(SILENCE, changes.changed()).await.is_err() {
            self.listen_again();
        }
    }

    /// Reads a Service anew, for what must not be decided by what watches told.
    pub async fn look_again(&self, service: &str) -> Result<(), KubeError> {
        let reference = Reference::new("", "Service", Some(&self.shared.namespace), service);
        let path = format!(
            "/api/v1/namespaces/{}/services/{}",
            self.shared.namespace,
            escaped(service)
        );
        match self.shared.cluster.call(&Call::get(path)).await {
            Ok(value) => {
                self.shared.store.learn(value);
                Ok(())
            }
            Err(answer) if answer.is_absent() => {
                self.shared.store.forget(&reference);
                Ok(())
            }
            Err(answer) => Err(KubeError::refused(&reference, "read", &answer)),
        }
    }

    /// Ticks with every change that watches tell of.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.store.changes()
    }

    /// What runs of a track.
    pub fn track(&self, color: Color) -> Track {
        let facts = self.shared.store.facts();
        let of = |wanted: Option<Color>| -> Vec<Workload> {
            let own = facts
                .objects
                .iter()
                .filter(|(_, known)| known.color == wanted && self.is_ours(known.owner.as_deref()));
            own.filter_map(|(reference, known)| {
                Some(workload(&facts, reference, known.pods?, known.health.as_ref()))
            })
            .collect()
        };
        let own = of(Some(color));
        let workloads = if own.is_empty() { of(None) } else { own };
        let hopeless = facts
            .pods
            .values()
            .filter(|pod| pod.color == Some(color) && !pod.deleting)
            .find_map(|pod| Some(format!("{}: {}", pod.workload, pod.hopeless.as_ref()?)));
        Track {
            workloads,
            judged: self.judged_of(&facts, Some(color)),
            hopeless,
        }
    }

    /// What scripts say of the objects that both tracks share.
    pub fn shared_judged(&self) -> Vec<Judged> {
        self.judged_of(&self.shared.store.facts(), None)
    }

    fn judged_of(&self, facts: &Facts, color: Option<Color>) -> Vec<Judged> {
        let all = facts.objects.iter().filter(|(_, known)| {
            known.judged && known.color == color && self.is_ours(known.owner.as_deref())
        });
        all.filter_map(|(reference, known)| {
            Some(Judged {
                object: format!("{}/{}", reference.kind, reference.name),
                health: known.health.clone()?,
            })
        })
        .collect()
    }

    /// Has objects judged by these scripts from now on, those that are there too: what is kept of them is read anew.
    pub async fn judge_by(&self, judge: Option<Judge>) -> Result<(), KubeError> {
        self.shared.store.judge_by(judge);
        let again: Vec<Resource> = {
            let mut watches = self.shared.watches.lock().unwrap_or_else(PoisonError::into_inner);
            let managed = watches.iter_mut().filter(|(key, _)| key.0 == Purpose::Managed);
            managed
                .map(|(_, running)| {
                    running.task.abort();
                    // Whoever waits for the list waits for the new one.
                    let progress = Arc::clone(&running.progress);
                    progress.send_replace(Progress::Listing);
                    *running = self.start(Purpose::Managed, &running.resource, progress);
                    running.resource.clone()
                })
                .collect()
        };
        for resource in again {
            self.watch(Purpose::Managed, &resource).await?;
        }
        Ok(())
    }

    /// The workloads that both tracks share.
    pub fn shared_workloads(&self) -> Vec<Workload> {
        let facts = self.shared.store.facts();
        let own = facts
            .objects
            .iter()
            .filter(|(_, known)| known.color.is_none() && self.is_ours(known.owner.as_deref()));
        own.filter_map(|(reference, known)| {
            Some(workload(&facts, reference, known.pods?, known.health.as_ref()))
        })
        .collect()
    }

    /// Where a Service leads, by its selector and by the addresses behind it; `None` when it is not there.
    pub fn way(&self, service: &str) -> Option<Way> {
        let facts = self.shared.store.facts();
        let reference = Reference::new("", "Service", Some(&self.shared.namespace), service);
        let known = facts.objects.get(&reference)?;
        let mut ready = BTreeMap::new();
        for endpoint in endpoints(&facts, service).filter(|endpoint| endpoint.1) {
            let color = facts.pods.get(endpoint.0).and_then(|pod| pod.color);
            *ready.entry(color).or_default() += 1;
        }
        let set = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let ours = known.ours.as_deref().map(set).unwrap_or_default();
        let version = serde_json::json!({ "f:spec": { "f:selector": { "f:version": {} } } });
        let left = fields::minus(&version, &ours);
        let taken = |other: &&crate::known::Other| fields::minus(&left, &set(&other.fields)) != left;
        Some(Way {
            address: known.cluster_ip.clone(),
            leads_to: known.leads_to,
            changed_by: known.others.iter().find(taken).map(|other| other.name.clone()),
            ready,
        })
    }

    /// The names of our Services.
    pub fn services(&self) -> Vec<String> {
        let facts = self.shared.store.facts();
        let all = facts
            .objects
            .iter()
            .filter(|(reference, _)| reference.kind == "Service");
        let ours = all.filter(|(_, known)| self.is_ours(known.owner.as_deref()));
        ours.map(|(reference, _)| reference.name.clone()).collect()
    }

    /// Pods that a Service leads to, ready or not.
    pub(crate) fn pods_behind(&self, service: &str) -> Vec<Pod> {
        let facts = self.shared.store.facts();
        endpoints(&facts, service)
            .filter_map(|(name, _)| facts.pods.get(name).cloned())
            .collect()
    }

    /// The last lines of the pods of a workload, each with the pod's name.
    pub async fn logs(&self, workload: &str, lines: usize) -> Vec<(String, String)> {
        let pods: Vec<Pod> = {
            let facts = self.shared.store.facts();
            facts
                .pods
                .values()
                .filter(|pod| pod.workload == workload)
                .cloned()
                .collect()
        };
        let mut found = Vec::new();
        for pod in pods {
            let base = format!(
                "/api/v1/namespaces/{}/pods/{}/log",
                self.shared.namespace, pod.name
            );
            let path = format!(
                "{base}?tailLines={lines}&limitBytes={}",
                lines.saturating_mul(4_096)
            );
            if let Ok(text) = self.shared.cluster.ask_text(&Call::get(path), "*/*").await {
                found.extend(text.lines().map(|line| (pod.name.clone(), line.to_owned())));
            }
        }
        found
    }

    pub(crate) fn is_ours(&self, owner: Option<&str>) -> bool {
        owner == Some(self.shared.owner.mark().as_str())
    }

    /// Has a kind watched, and waits until what is there of it is known.
    pub(crate) async fn watch(&self, purpose: Purpose, resource: &Resource) -> Result<(), KubeError> {
        if !resource.watched {
            return Ok(());
        }
        let key = (purpose, resource.group.clone(), resource.kind.clone());
        let mut progress = {
            let mut watches = self.shared.watches.lock().unwrap_or_else(PoisonError::into_inner);
            watches
                .entry(key)
                .or_insert_with(|| {
                    let progress = Arc::new(watch::Sender::new(Progress::Listing));
                    self.start(purpose, resource, progress)
                })
                .progress
                .subscribe()
        };
        let listed =
            tokio::time::timeout(LIST_WITHIN, progress.wait_for(|now| *now != Progress::Listing)).await;
        let object = format!("the list of {}", resource.plural);
        match listed {
            Ok(Ok(now)) => match &*now {
                Progress::Refused(answer) => Err(KubeError::refused(&object, "read", answer)),
                Progress::Listing | Progress::Synced => Ok(()),
            },
            Ok(Err(_)) | Err(_) => Err(KubeError::Unreachable {
                url: self.shared.cluster.url().to_owned(),
                reason: format!("{object} does not come within {} s", LIST_WITHIN.as_secs()),
            }),
        }
    }

    fn start(
        &self,
        purpose: Purpose,
        resource: &Resource,
        progress: Arc<watch::Sender<Progress>>,
    ) -> Running {
        let watch = Watch {
            cluster: self.shared.cluster.clone(),
            resource: resource.clone(),
            namespace: self.shared.namespace.clone(),
            purpose,
        };
        let task = tokio::spawn(watch.run(self.shared.store.clone(), Arc::clone(&progress)));
        Running {
            resource: resource.clone(),
            progress,
            task: task.abort_handle(),
        }
    }

    /// Has the kinds of these objects watched. Kinds that the cluster does not know have nothing to watch.
    pub async fn watch_kinds(&self, objects: &[Object]) -> Result<(), KubeError> {
        let catalog = self.shared.cluster.catalog();
        let mut resources: Vec<&Resource> = objects
            .iter()
            .filter_map(|object| catalog.of_object(object))
            .collect();
        resources.sort();
        resources.dedup();
        for resource in resources {
            self.watch(Purpose::Managed, resource).await?;
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for running in self
            .watches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            running.task.abort();
        }
    }
}

fn endpoints<'a>(facts: &'a Facts, service: &'a str) -> impl Iterator<Item = (&'a str, bool)> {
    let slices = facts
        .slices
        .values()
        .filter(move |slice| slice.service == service);
    slices
        .flat_map(|slice| &slice.endpoints)
        .map(|endpoint| (endpoint.pod.as_str(), endpoint.ready))
}

fn workload(
    facts: &Facts,
    reference: &Reference,
    (ready, desired): (u32, u32),
    health: Option<&Health>,
) -> Workload {
    let pods: Vec<&Pod> = facts
        .pods
        .values()
        .filter(|pod| pod.workload == reference.name && !pod.deleting)
        .collect();
    let waits = pods.iter().find_map(|pod| {
        pod.hopeless
            .clone()
            .or_else(|| Some(pod.waits.clone()).filter(|it| !it.is_empty()))
    });
    let message = if ready >= desired {
        String::new()
    } else {
        waits
            .or_else(|| Some(health?.message.clone()))
            .unwrap_or_default()
    };
    Workload {
        name: reference.name.clone(),
        ready,
        desired,
        restarts: pods.iter().map(|pod| pod.restarts).sum(),
        message,
        pods: pods.iter().map(|pod| (pod.name.clone(), pod.ready)).collect(),
    }
}
