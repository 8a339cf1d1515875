//! Label selectors: which pods of the set they mean, and how they are narrowed to one track.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::class::Class;
use super::{LABEL, entry, is_coloured};
use crate::machine::event::Color;
use crate::object::{Object, WorkloadKind};

type Labels = BTreeMap<String, String>;

/// Labels of the pods that a set of objects runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Pods {
    doubled: Vec<Labels>,
    single: Vec<Labels>,
}

/// A label selector as Kubernetes reads it.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Labels,
    expressions: Vec<Expression>,
    /// Selects nothing: a Service without a selector.
    none: bool,
}

#[derive(Debug, Clone)]
struct Expression {
    key: String,
    operator: String,
    values: BTreeSet<String>,
}

impl Pods {
    pub(super) fn of(doubled: &[&Object], single: &[&Object]) -> Self {
        let labels = |objects: &[&Object]| objects.iter().filter_map(|object| pod_labels(object)).collect();
        Self {
            doubled: labels(doubled),
            single: labels(single),
        }
    }

    /// Whether a selector means pods that exist in each track, and no others.
    pub(super) fn only_doubled(&self, selector: &Selector) -> bool {
        let meant = |pods: &[Labels]| pods.iter().any(|labels| selector.matches(labels));
        meant(&self.doubled) && !meant(&self.single)
    }
}

impl Selector {
    /// Reads `matchLabels` and `matchExpressions`; a missing selector selects nothing, an empty one everything.
    pub(super) fn of(value: Option<&Value>) -> Self {
        let Some(value) = value.filter(|value| value.is_object()) else {
            return Self {
                none: true,
                ..Self::default()
            };
        };
        let expressions = value
            .get("matchExpressions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Expression::of)
            .collect();
        Self {
            labels: labels_of(value.get("matchLabels")),
            expressions,
            none: false,
        }
    }

    /// Reads a plain map of labels; an empty one selects nothing, as in a Service.
    pub(super) fn of_map(value: Option<&Value>) -> Self {
        let labels = labels_of(value);
        Self {
            none: labels.is_empty(),
            labels,
            expressions: Vec::new(),
        }
    }

    pub(super) fn without(mut self, label: &str) -> Self {
        self.labels.remove(label);
        self
    }

    fn matches(&self, labels: &Labels) -> bool {
        !self.none
            && self
                .labels
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
            && self
                .expressions
                .iter()
                .all(|expression| expression.matches(labels))
    }
}

impl Expression {
    fn of(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let values = value
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Some(Self {
            key: text("key")?,
            operator: text("operator")?,
            values: values
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect(),
        })
    }

    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

/// Adds the track to selectors and to labels of pods.
pub(super) struct Selection {
    pods: Pods,
}

impl Selection {
    pub(super) fn of(objects: &[Object], classes: &[Class]) -> Self {
        let (mut doubled, mut single) = (Vec::new(), Vec::new());
        for (object, class) in objects.iter().zip(classes) {
            match class {
                Class::Coloured => doubled.push(object),
                Class::Shared | Class::Route => single.push(object),
            }
        }
        Self {
            pods: Pods::of(&doubled, &single),
        }
    }

    /// Narrows what `object` (whose copy is `value`) selects to the track.
    pub(super) fn mark(&self, object: &Object, value: &mut Value, color: Color) {
        match object.kind() {
            "Service" => narrow_map(value, &["spec", "selector"], color),
            "PodDisruptionBudget" => narrow(value.pointer_mut("/spec/selector"), color),
            "NetworkPolicy" => {
                narrow(value.pointer_mut("/spec/podSelector"), color);
                self.peers(value, color);
            }
            "Deployment" => {
                narrow(value.pointer_mut("/spec/selector"), color);
                entry(value, &["spec", "template", "metadata", "labels"])
                    .insert(LABEL.to_owned(), json!(color.name()));
                if let Some(spec) = value.pointer_mut("/spec/template/spec") {
                    self.placement(spec, color);
                }
            }
            _ => {}
        }
    }

    /// Peers of a network policy in the same namespace that mean pods of the track.
    fn peers(&self, value: &mut Value, color: Color) {
        for (rules, side) in [("/spec/ingress", "from"), ("/spec/egress", "to")] {
            for rule in list(value.pointer_mut(rules)) {
                for peer in list(rule.get_mut(side)) {
                    if peer.get("namespaceSelector").is_none() {
                        self.narrow_own(peer.get_mut("podSelector"), color);
                    }
                }
            }
        }
    }

    /// Spreading and (anti-)affinity look at pods of the same track.
    fn placement(&self, spec: &mut Value, color: Color) {
        for constraint in list(spec.get_mut("topologySpreadConstraints")) {
            self.narrow_own(constraint.get_mut("labelSelector"), color);
        }
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let pointer = format!("/affinity/{affinity}");
            let Some(terms) = spec.pointer_mut(&pointer) else {
                continue;
            };
            for term in list(terms.get_mut("requiredDuringSchedulingIgnoredDuringExecution")) {
                self.narrow_own(term.get_mut("labelSelector"), color);
            }
            for term in list(terms.get_mut("preferredDuringSchedulingIgnoredDuringExecution")) {
                self.narrow_own(term.pointer_mut("/podAffinityTerm/labelSelector"), color);
            }
        }
    }

    fn narrow_own(&self, selector: Option<&mut Value>, color: Color) {
        if let Some(selector) = selector
            && self
                .pods
                .only_doubled(&Selector::of(Some(selector)).without(LABEL))
        {
            narrow(Some(selector), color);
        }
    }
}

fn narrow(selector: Option<&mut Value>, color: Color) {
    let Some(selector) = selector else { return };
    if let Some(expressions) = selector.get_mut("matchExpressions").and_then(Value::as_array_mut) {
        // What the chart said about versions would contradict the track.
        expressions.retain(|expression| expression.get("key").and_then(Value::as_str) != Some(LABEL));
    }
    narrow_map(selector, &["matchLabels"], color);
}

fn narrow_map(value: &mut Value, path: &[&str], color: Color) {
    entry(value, path).insert(LABEL.to_owned(), json!(color.name()));
}

fn list(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Labels of the pods that a workload runs. A chart's own `version` says nothing here: the track takes its place.
fn pod_labels(object: &Object) -> Option<Labels> {
    let workload = object.workload()?;
    let pod = workload.pod()?;
    let doubled = workload.kind() == WorkloadKind::Deployment || is_coloured(object);
    Some(
        pod.labels()
            .into_iter()
            .filter(|(key, _)| !doubled || *key != LABEL)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn labels_of(value: Option<&Value>) -> Labels {
    let map = value.and_then(Value::as_object).into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
