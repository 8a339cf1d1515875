//! The objects of a release as a cluster takes them, by the moment at which they are applied. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use windlass_core::machine::event::Color;
use windlass_core::object::{HookPhase, Initial, Object};
use windlass_core::track;

use super::Way;
use crate::render::Track;

/// The domain of names inside of a cluster.
const DOMAIN: &str = "svc.cluster.local";

/// A release on a track.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts {
    /// What Jobs need: all that both tracks share, and hooks that are no Jobs.
    pub(crate) shared: Vec<Object>,
    /// Jobs, in their order.
    pub(crate) jobs: Vec<Object>,
    /// The track's own.
    pub(crate) own: Vec<Object>,
    /// What leads customers to the track; applying it is the switch.
    pub(crate) switched: Vec<Object>,
    /// The edge Service on the track.
    pub(crate) edge: String,
}

impl Parts {
    /// Takes the objects of a release under the names of the chart.
    pub(crate) fn of(objects: &[Object], color: Color, edge: &str) -> Self {
        let coloured = track::colour(objects, color, edge);
        let edge = coloured
            .own
            .iter()
            .find(|object| object.is("", "Service") && track::plain_name(object) == edge)
            .map_or_else(
                || track::coloured_name(edge, color),
                |edge| edge.name().to_owned(),
            );
        Self {
            jobs: Track::jobs(&coloured.shared),
            shared: coloured.shared.into_iter().filter(is_kept).collect(),
            own: coloured.own,
            switched: coloured.switched,
            edge,
        }
    }

    /// Everything that stays, Jobs left aside.
    pub(crate) fn lasting(&self) -> Vec<Object> {
        [&self.shared, &self.own, &self.switched]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The Services of the track.
    pub(crate) fn services(&self) -> Vec<Object> {
        self.own
            .iter()
            .filter(|object| object.is("", "Service"))
            .cloned()
            .collect()
    }

    /// The track's own objects, its pods with the addresses of the track's Services under their plain names: what an image
    /// has hard-coded stays on the track too.
    pub(crate) fn aliased(&self, ways: &BTreeMap<String, Way>) -> Vec<Object> {
        let aliases: Vec<Value> = self
            .own
            .iter()
            .filter(|object| object.is("", "Service"))
            .filter_map(|service| {
                let address = ways.get(service.name())?.address.as_ref()?;
                let plain = track::plain_name(service);
                let mut names = vec![plain.to_owned()];
                if let Some(namespace) = service.namespace() {
                    let full = format!("{plain}.{namespace}");
                    names.extend([full.clone(), format!("{full}.svc"), format!("{full}.{DOMAIN}")]);
                }
                Some(json!({ "ip": address, "hostnames": names }))
            })
            .collect();
        self.own
            .iter()
            .map(|object| with_aliases(object, &aliases))
            .collect()
    }
}

/// Objects that are applied and stay. Jobs run by themselves; hooks of other moments than a deployment's begin are left out.
fn is_kept(object: &Object) -> bool {
    if object.is("batch", "Job") {
        return false;
    }
    object.hook().is_none_or(|hook| {
        let before = hook.runs_before(Initial::Yes) || hook.runs_before(Initial::No);
        before || hook.phases.contains(&HookPhase::Sync)
    })
}

fn with_aliases(object: &Object, aliases: &[Value]) -> Object {
    let Some(template) = object.workload().map(|workload| workload.kind().pod_pointer()) else {
        return object.clone();
    };
    let pointer = format!("{template}/spec");
    let edited = object.edited(|value| {
        let Some(Value::Object(pod)) = value.pointer_mut(&pointer) else {
            return;
        };
        if aliases.is_empty() || pod.get("hostNetwork") == Some(&Value::Bool(true)) {
            return;
        }
        let list = pod
            .entry("hostAliases")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            let taken: Vec<Value> = list.iter().filter_map(|one| one.get("ip").cloned()).collect();
            list.extend(aliases.iter().filter(|one| !taken.contains(&one["ip"])).cloned());
        }
    });
    edited.unwrap_or_else(|_| object.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        Object::new(value).unwrap()
    }

    fn chart() -> Vec<Object> {
        let labels = json!({ "app": "cart" });
        let pod = json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "app", "image": "cart" }] } });
        let job = |name: &str, hook: &str| {
            json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "annotations": { "helm.sh/hook": hook } },
                "spec": { "template": { "spec": { "containers": [{ "name": "m", "image": "m" }] } } } })
        };
        vec![
            object(
                json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart" },
                "spec": { "selector": { "matchLabels": labels }, "template": pod } }),
            ),
            object(
                json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "cart", "namespace": "prod" },
                "spec": { "selector": labels, "ports": [{ "port": 80 }] } }),
            ),
            object(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "cart" } })),
            object(
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "try", "annotations": { "helm.sh/hook": "test" } },
                "spec": { "containers": [{ "name": "t", "image": "t" }] } }),
            ),
            object(job("migrate", "pre-install,pre-upgrade")),
            object(job("clean", "post-delete")),
        ]
    }

    fn names(objects: &[Object]) -> Vec<String> {
        objects
            .iter()
            .map(|object| format!("{}/{}", object.kind(), object.name()))
            .collect()
    }

    #[test]
    fn each_object_has_its_moment() {
        let parts = Parts::of(&chart(), Color::Green, "cart");
        assert_eq!(names(&parts.shared), ["ServiceAccount/cart"]);
        assert_eq!(names(&parts.jobs), ["Job/migrate"]);
        assert_eq!(names(&parts.own), ["Deployment/cart-green", "Service/cart-green"]);
        assert_eq!(names(&parts.switched), ["Service/cart"]);
        assert_eq!(parts.edge, "cart-green");
    }

    #[test]
    fn a_hard_coded_name_stays_on_the_track() {
        let parts = Parts::of(&chart(), Color::Blue, "cart");
        let way = Way {
            address: Some("10.96.0.7".to_owned()),
            ..Way::default()
        };
        let own = parts.aliased(&BTreeMap::from([("cart-blue".to_owned(), way)]));
        let expected = json!([{ "ip": "10.96.0.7", "hostnames": ["cart", "cart.prod", "cart.prod.svc", "cart.prod.svc.cluster.local"] }]);
        assert_eq!(
            own[0].value().pointer("/spec/template/spec/hostAliases"),
            Some(&expected)
        );
        assert_eq!(parts.aliased(&BTreeMap::new()), parts.own);
    }
}
