//! What is kept of an object as the cluster has it: a few hundred bytes that decisions and health need, instead of all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use windlass_core::health::{self, Health};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_core::plan::wave;
use windlass_core::track;

use crate::claimant;
use crate::owner::{APPLIED, OWNER, color};
use crate::store::Verdict;

/// Annotations under which an object is never deleted, only forgotten.
const KEEP: [(&str, &str); 3] = [
    ("helm.sh/resource-policy", "keep"),
    ("argocd.argoproj.io/sync-options", "Prune=false"),
    ("windlass.dev/prune", "disabled"),
];

/// An object in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// Its identity: another object of the same name has another.
    pub uid: String,
    /// Changes with every change.
    pub resource_version: String,
    /// Whether it was told to go.
    pub deleting: bool,
    /// Whose it is, if it says so.
    pub owner: Option<String>,
    /// Digest of what we applied last.
    pub applied: Option<String>,
    /// Its track.
    pub color: Option<Color>,
    /// Its name in the chart.
    pub plain: String,
    /// The fields that we manage; `None` when we never applied it.
    pub ours: Option<Arc<str>>,
    /// Who else manages fields, its status left aside.
    pub others: Vec<Other>,
    /// By a script of the environment, else by the core's rules; `None` for kinds without a health.
    pub health: Option<Health>,
    /// Whether a script said it.
    pub judged: bool,
    /// Ready and wanted pods of a workload.
    pub pods: Option<(u32, u32)>,
    /// A Service's address inside of the cluster.
    pub cluster_ip: Option<String>,
    /// The track that a Service leads to.
    pub leads_to: Option<Color>,
    /// Whether it says that it stays.
    pub keep: bool,
    /// Order of application; it is deleted in reverse.
    pub wave: i32,
}

/// Somebody else who manages fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    /// The manager's name.
    pub name: String,
    /// Whether it writes by server-side apply.
    pub applies: bool,
    /// Its fields.
    pub fields: Arc<str>,
}

/// Equal texts are kept once: the objects of a chart have few different sets of fields.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: BTreeSet<Arc<str>>,
}

impl Texts {
    fn keep(&mut self, text: String) -> Arc<str> {
        if let Some(kept) = self.all.get(text.as_str()) {
            return Arc::clone(kept);
        }
        let kept: Arc<str> = text.into();
        self.all.insert(Arc::clone(&kept));
        kept
    }

    /// Forgets texts that nobody has any more.
    pub(crate) fn tidy(&mut self) {
        self.all.retain(|text| Arc::strong_count(text) > 1);
    }
}

impl Known {
    /// Reduces an object as the cluster has it. `judged` is what a script said of it, if one is for its kind.
    pub(crate) fn of(object: &Object, judged: Option<Verdict>, texts: &mut Texts) -> Self {
        let value = object.value();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let (ours, others) = managers(value, texts);
        Self {
            uid: text("/metadata/uid").unwrap_or_default().to_owned(),
            resource_version: text("/metadata/resourceVersion").unwrap_or_default().to_owned(),
            deleting: text("/metadata/deletionTimestamp").is_some(),
            owner: object.annotation(OWNER).map(str::to_owned),
            applied: object.annotation(APPLIED).map(str::to_owned),
            color: color(object),
            plain: track::plain_name(object).to_owned(),
            ours,
            others,
            judged: judged.is_some(),
            health: judged.map_or_else(|| health::health(object), |it| it.0),
            pods: pods(object),
            cluster_ip: text("/spec/clusterIP")
                .filter(|ip| !ip.is_empty() && *ip != "None")
                .map(str::to_owned),
            leads_to: object
                .is("", "Service")
                .then(|| text("/spec/selector/version").and_then(crate::owner::color_of))
                .flatten(),
            keep: KEEP.iter().any(|(key, word)| {
                object
                    .annotation(key)
                    .is_some_and(|text| text.split(',').any(|part| part.trim() == *word))
            }),
            wave: wave(object),
        }
    }
}

fn managers(value: &Value, texts: &mut Texts) -> (Option<Arc<str>>, Vec<Other>) {
    let mut ours = None;
    let mut others = Vec::new();
    let entries = value.pointer("/metadata/managedFields").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let fields = || {
            entry
                .get("fieldsV1")
                .map_or_else(|| "{}".to_owned(), Value::to_string)
        };
        let applies = text("operation") == "Apply";
        match text("manager") {
            claimant::OURS if applies => ours = Some(texts.keep(fields())),
            name if claimant::is_ours(name) || text("subresource") == "status" => {}
            name => others.push(Other {
                name: name.to_owned(),
                applies,
                fields: texts.keep(fields()),
            }),
        }
    }
    (ours, others)
}

/// Ready and wanted pods. A workload that its controller has not looked at yet has none ready.
fn pods(object: &Object) -> Option<(u32, u32)> {
    let value = object.value();
    let number = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_u64)
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
    };
    let seen = number("/metadata/generation") <= number("/status/observedGeneration");
    let ready = |pointer: &str| if seen { number(pointer).unwrap_or(0) } else { 0 };
    match (object.group(), object.kind()) {
        ("apps", "Deployment" | "StatefulSet") => {
            let updated = number("/status/updatedReplicas").unwrap_or(0);
            Some((
                ready("/status/readyReplicas").min(updated),
                number("/spec/replicas").unwrap_or(1),
            ))
        }
        ("apps", "DaemonSet") => Some((
            ready("/status/numberReady"),
            number("/status/desiredNumberScheduled").unwrap_or(0),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "cart-blue", "uid": "u1", "resourceVersion": "7", "generation": 2,
                "labels": { "version": "blue" },
                "annotations": { "windlass.dev/name": "cart", "windlass.dev/owner": "shop/prod", "windlass.dev/applied": "sha256:1" },
                "managedFields": [
                    { "manager": "windlass", "operation": "Apply", "fieldsV1": { "f:spec": {} } },
                    { "manager": "windlass-scale", "operation": "Apply", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                    { "manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": { "f:status": {} } },
                    { "manager": "kubectl-edit", "operation": "Update", "fieldsV1": { "f:spec": { "f:paused": {} } } },
                ] },
            "spec": { "replicas": 3 },
            "status": { "observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 3, "availableReplicas": 3 },
        }))
        .unwrap()
    }

    #[test]
    fn what_decisions_need_is_kept() {
        let known = Known::of(&live(), None, &mut Texts::default());
        assert_eq!(known.plain, "cart");
        assert_eq!(known.color, Some(Color::Blue));
        assert_eq!(known.ours.as_deref(), Some(r#"{"f:spec":{}}"#));
        let others: Vec<&str> = known.others.iter().map(|other| other.name.as_str()).collect();
        assert_eq!(others, ["kubectl-edit"]);
        assert_eq!(
            known.pods,
            Some((2, 3)),
            "an old pod that is ready does not count"
        );
        assert_eq!(known.health.unwrap().status, health::Status::Progressing);
    }

    #[test]
    fn a_status_of_an_older_generation_says_nothing_about_readiness() {
        let stale = live()
            .edited(|value| value["metadata"]["generation"] = json!(3))
            .unwrap();
        assert_eq!(Known::of(&stale, None, &mut Texts::default()).pods, Some((0, 3)));
    }

    #[test]
    fn equal_sets_of_fields_are_kept_once() {
        let mut texts = Texts::default();
        let (one, two) = (
            Known::of(&live(), None, &mut texts),
            Known::of(&live(), None, &mut texts),
        );
        assert!(Arc::ptr_eq(&one.ours.unwrap(), &two.ours.unwrap()));
        assert_eq!(texts.all.len(), 2);
        drop((one.others, two.others));
        texts.tidy();
        assert_eq!(texts.all.len(), 0);
    }
}
