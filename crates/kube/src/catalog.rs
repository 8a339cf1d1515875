//! Which kinds a cluster serves, from its aggregated discovery documents. It asks nobody.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_core::object::Object;

use crate::resource::Resource;

/// What a cluster serves.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Catalog {
    /// By group and kind, the preferred version first.
    kinds: BTreeMap<(String, String), Vec<Resource>>,
}

impl Catalog {
    /// Reads `APIGroupDiscoveryList` documents (`apidiscovery.k8s.io/v2`): one of `/api`, one of `/apis`.
    pub(crate) fn of(documents: &[Value]) -> Self {
        let mut catalog = Self::default();
        for group in documents.iter().flat_map(|one| items(one, "items")) {
            let name = group
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for version in items(group, "versions") {
                for resource in items(version, "resources") {
                    catalog.take(name, text(version, "version"), resource);
                }
            }
        }
        catalog
    }

    fn take(&mut self, group: &str, version: &str, value: &Value) {
        let kind = value
            .pointer("/responseKind/kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let plural = text(value, "resource");
        if kind.is_empty() || plural.is_empty() {
            return;
        }
        let verbs: Vec<&str> = items(value, "verbs").filter_map(Value::as_str).collect();
        let resource = Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: text(value, "scope") == "Namespaced",
            watched: ["list", "watch"].iter().all(|verb| verbs.contains(verb)),
        };
        self.kinds
            .entry((group.to_owned(), kind.to_owned()))
            .or_default()
            .push(resource);
    }

    /// The kind of an object in the object's own version.
    pub(crate) fn of_object(&self, object: &Object) -> Option<&Resource> {
        self.versions(object.group(), object.kind())
            .iter()
            .find(|one| one.api_version() == object.api_version())
    }

    /// A kind in the version that the cluster prefers.
    pub(crate) fn preferred(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.versions(group, kind).first()
    }

    /// Every kind in the version that the cluster prefers.
    pub(crate) fn all_preferred(&self) -> impl Iterator<Item = &Resource> {
        self.kinds.values().filter_map(|versions| versions.first())
    }

    /// Every kind in every version.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Resource> {
        self.kinds.values().flatten()
    }

    /// All versions of a kind, the preferred one first; empty when the cluster does not know it.
    pub(crate) fn versions(&self, group: &str, kind: &str) -> &[Resource] {
        self.kinds
            .get(&(group.to_owned(), kind.to_owned()))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalog() -> Catalog {
        let resource = |name: &str, kind: &str, scope: &str, verbs: &[&str]| json!({ "resource": name, "responseKind": { "kind": kind }, "scope": scope, "verbs": verbs });
        let all = ["get", "list", "watch", "patch"];
        let core = json!({ "items": [{ "metadata": { "creationTimestamp": null }, "versions": [{ "version": "v1", "resources": [
            resource("services", "Service", "Namespaced", &all),
            resource("bindings", "Binding", "Namespaced", &["create"]),
        ] }] }] });
        let groups = json!({ "items": [{ "metadata": { "name": "autoscaling" }, "versions": [
            { "version": "v2", "resources": [resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced", &all)] },
            { "version": "v1", "resources": [resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced", &all)] },
        ] }, { "metadata": { "name": "broken" }, "versions": [{ "version": "v1" }, 5] }] });
        Catalog::of(&[core, groups])
    }

    #[test]
    fn an_object_is_found_in_its_own_version_only() {
        let object = |version: &str| {
            Object::new(json!({ "apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": { "name": "a" } })).unwrap()
        };
        let catalog = catalog();
        assert_eq!(
            catalog.of_object(&object("autoscaling/v1")).unwrap().version,
            "v1"
        );
        assert_eq!(catalog.of_object(&object("autoscaling/v2beta2")), None);
        assert_eq!(
            catalog
                .preferred("autoscaling", "HorizontalPodAutoscaler")
                .unwrap()
                .version,
            "v2"
        );
    }

    #[test]
    fn what_cannot_be_watched_is_known_as_such() {
        let catalog = catalog();
        assert!(catalog.preferred("", "Service").unwrap().watched);
        assert!(!catalog.preferred("", "Binding").unwrap().watched);
        assert_eq!(catalog.preferred("broken", "Anything"), None);
    }
}
