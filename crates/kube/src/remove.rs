//! Takes objects away: a whole track, or what a chart no longer has. Each by its identity, so that nothing goes that took
//! its name since.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_core::reference::Reference;

use crate::cluster::Call;
use crate::error::KubeError;
use crate::owner::MANAGED;
use crate::place::Place;
use crate::prune::{self, Leaving};
use crate::resource::{Resource, escaped};
use crate::store::Purpose;

/// Kinds that hold nothing of ours and are many.
const NEVER: [&str; 4] = ["Event", "EndpointSlice", "Endpoints", "Lease"];
/// Grace of pods whose connections are to end.
const END_GRACE_S: u32 = 1;

impl Place {
    /// Takes a track away, and waits until its pods are gone, but not longer than `within`: what is told to go goes by
    /// itself. Answers how many objects were told.
    pub async fn remove_track(&self, color: Color, within: Duration) -> Result<usize, KubeError> {
        self.take_stock().await?;
        let own = |owner: Option<&str>| self.is_ours(owner);
        let leaving = {
            let facts = self.shared.store.facts();
            let track = facts
                .objects
                .iter()
                .filter(|(_, one)| one.color == Some(color) && own(one.owner.as_deref()));
            prune::leaving(track)
        };
        self.delete(&leaving).await?;
        self.await_gone(&leaving, within).await;
        Ok(leaving.len())
    }

    /// Deletes what is ours, of no track or of `track`, and not among `keep`. Answers with the names of what went. Refuses
    /// when that would be more than a part of the environment.
    pub async fn prune(&self, track: Color, keep: &[Object]) -> Result<Vec<String>, KubeError> {
        self.take_stock().await?;
        let catalog = self.shared.cluster.catalog();
        let namespace = |object: &Object| {
            let namespaced = catalog
                .of_object(object)
                .is_none_or(|resource| resource.namespaced);
            namespaced.then_some(self.shared.namespace.as_str())
        };
        let keep: BTreeSet<Reference> = keep
            .iter()
            .map(|object| Reference::new(object.group(), object.kind(), namespace(object), object.name()))
            .collect();
        let leaving = {
            let facts = self.shared.store.facts();
            prune::pruned(&facts.objects, &self.shared.owner.mark(), track, &keep)?
        };
        self.delete(&leaving).await?;
        Ok(leaving.iter().map(|one| one.reference.short()).collect())
    }

    /// Ends the connections that a Service's pods hold: clients with keep-alive stay on pods for as long as these live.
    pub async fn end_connections(&self, service: &str) -> Result<(), KubeError> {
        let pods = self.pods_behind(service);
        let ended = join_all(pods.iter().map(|pod| async move {
            let path = format!(
                "/api/v1/namespaces/{}/pods/{}",
                self.shared.namespace,
                escaped(&pod.name)
            );
            let body = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": END_GRACE_S,
                "preconditions": { "uid": pod.uid } });
            match self.shared.cluster.call(&Call::delete(path, &body)).await {
                Err(answer) if !matches!(answer.code, Some(404 | 409)) => Err(KubeError::refused(
                    &format!("Pod {}", pod.name),
                    "deleted",
                    &answer,
                )),
                Ok(_) | Err(_) => Ok(()),
            }
        }));
        KubeError::all(ended.await.into_iter().filter_map(Result::err).collect())
    }

    /// Wave by wave, the last first.
    pub(crate) async fn delete(&self, leaving: &[Leaving]) -> Result<(), KubeError> {
        for wave in leaving.chunk_by(|a, b| a.wave == b.wave) {
            let deleted = join_all(wave.iter().map(|one| self.delete_one(one))).await;
            KubeError::all(deleted.into_iter().filter_map(Result::err).collect())?;
        }
        Ok(())
    }

    async fn delete_one(&self, one: &Leaving) -> Result<(), KubeError> {
        let catalog = self.shared.cluster.catalog();
        let Some(resource) = catalog.preferred(&one.reference.group, &one.reference.kind) else {
            return Ok(());
        };
        let path = resource.item(&self.shared.namespace, &one.reference.name);
        let body = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
            "preconditions": { "uid": one.uid } });
        match self.shared.cluster.call(&Call::delete(path, &body)).await {
            Ok(_) => Ok(()),
            Err(answer) if answer.is_absent() => {
                self.shared.store.forget(&one.reference);
                Ok(())
            }
            // Another object has the name by now.
            Err(answer) if answer.code == Some(409) => Ok(()),
            Err(answer) => Err(KubeError::refused(&one.reference, "deleted", &answer)),
        }
    }

    pub(crate) async fn await_gone(&self, leaving: &[Leaving], within: Duration) {
        let there = || {
            let facts = self.shared.store.facts();
            leaving.iter().any(|one| {
                facts
                    .objects
                    .get(&one.reference)
                    .is_some_and(|known| known.uid == one.uid)
            })
        };
        let mut changes = self.changes();
        let wait = async {
            while there() {
                self.changed(&mut changes).await;
            }
        };
        if tokio::time::timeout(within, wait).await.is_err() {
            tracing::warn!(
                namespace = self.shared.namespace,
                "objects were told to go and are still there"
            );
        }
    }

    /// Searches all kinds of the cluster for what is ours, once: a controller that was started anew knows only the kinds
    /// that it applied since.
    async fn take_stock(&self) -> Result<(), KubeError> {
        let search = || async {
            let catalog = self.shared.cluster.catalog();
            let kinds: Vec<&Resource> = catalog
                .all_preferred()
                .filter(|one| one.watched && !NEVER.contains(&one.kind.as_str()))
                .collect();
            let found = join_all(kinds.iter().map(|resource| async move {
                let all = resource.collection(&self.shared.namespace);
                let path = format!(
                    "{all}?labelSelector={}&limit=1",
                    escaped(&format!("{MANAGED}=true"))
                );
                match self.shared.cluster.call(&Call::get(path)).await {
                    Ok(page) => Ok(page.pointer("/items/0").map(|_| *resource)),
                    // One that does not answer now may hold some, which would be forgotten for good.
                    Err(answer) if answer.passes() => {
                        let object = format!("the list of {}", resource.plural);
                        Err(KubeError::refused(&object, "read", &answer))
                    }
                    // A kind that we may not even list holds nothing that we made.
                    Err(_) => Ok(None),
                }
            }));
            let found: Result<Vec<Option<&Resource>>, KubeError> = found.await.into_iter().collect();
            for resource in found?.into_iter().flatten() {
                self.watch(Purpose::Managed, resource).await?;
            }
            Ok(())
        };
        self.shared.stock.get_or_try_init(search).await.copied()
    }
}
