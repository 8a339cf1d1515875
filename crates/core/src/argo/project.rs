//! An `AppProject`: which repositories, places and kinds an Application may name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::application::Destination;
use super::fields::Part;
use super::glob::{Star, matches, matches_until};
use super::window::SyncWindows;
use super::{IN_CLUSTER, Wrong};
use crate::object::{Object, is_cluster_scoped};

/// An `AppProject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Patterns of addresses; one with `!` in front forbids.
    sources: Vec<String>,
    destinations: Vec<Place>,
    /// Kinds of the whole cluster; none are allowed but these.
    cluster_allowed: Vec<KindPattern>,
    cluster_denied: Vec<KindPattern>,
    /// Kinds of namespaces; all are allowed where there is no list.
    allowed: Option<Vec<KindPattern>>,
    denied: Vec<KindPattern>,
    /// When its Applications may be synced.
    #[serde(default)]
    pub windows: SyncWindows,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    server: String,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KindPattern {
    group: String,
    kind: String,
    /// Only objects of this name.
    #[serde(default)]
    name: String,
}

impl Project {
    /// Reads an `AppProject`; what of it does nothing here is told.
    pub(super) fn read(file: &str, document: &Value) -> Result<(Self, Vec<String>), Wrong> {
        let root = Part::root(file, document);
        let spec = root.get("spec");
        let others = spec.others(&[
            "description",
            "sourceRepos",
            "destinations",
            "clusterResourceWhitelist",
            "clusterResourceBlacklist",
            "namespaceResourceWhitelist",
            "namespaceResourceBlacklist",
            "roles",
            "syncWindows",
        ])?;
        let warnings = others
            .iter()
            .map(|it| format!("{} does nothing here", it.place()));
        let mut warnings = warnings.collect();
        let windows = SyncWindows::read(&spec.get("syncWindows"), &mut warnings)?;
        let destinations = spec.get("destinations").list()?;
        let destinations = destinations.iter().map(|it| {
            Ok(Place {
                server: it.get("server").word()?,
                name: it.get("name").word()?,
                namespace: it.get("namespace").word()?,
            })
        });
        let namespaced = spec.get("namespaceResourceWhitelist");
        let project = Self {
            name: root.get("metadata").get("name").word()?,
            sources: spec.get("sourceRepos").words()?,
            destinations: destinations.collect::<Result<_, _>>()?,
            cluster_allowed: kinds(&spec.get("clusterResourceWhitelist"))?,
            cluster_denied: kinds(&spec.get("clusterResourceBlacklist"))?,
            allowed: namespaced.is_there().then(|| kinds(&namespaced)).transpose()?,
            denied: kinds(&spec.get("namespaceResourceBlacklist"))?,
            windows,
        };
        Ok((project, warnings))
    }

    /// Whether manifests may come from this repository.
    pub(super) fn takes_source(&self, address: &str) -> bool {
        let fits = |pattern: &str| matches_until(pattern, address, Star::Until('/'));
        allowed(&self.sources, fits)
    }

    /// Whether they may go there.
    pub(super) fn takes_destination(&self, destination: &Destination) -> bool {
        let server = destination.server.as_deref();
        let name = destination.name.as_deref();
        let is_at = |place: &Place, negated: bool| {
            let bare = |text: &str| text.trim_start_matches('!').to_owned();
            let local = server == Some(IN_CLUSTER) || name == Some("in-cluster");
            let by_server = server.or(local.then_some(IN_CLUSTER));
            let by_name = name.or(local.then_some("in-cluster"));
            let there = by_server
                .is_some_and(|it| !place.server.is_empty() && matches(&bare(&place.server), it))
                || by_name.is_some_and(|it| !place.name.is_empty() && matches(&bare(&place.name), it));
            let within = matches(&bare(&place.namespace), &destination.namespace);
            let denies = |text: &str| text.starts_with('!');
            let any = denies(&place.server) || denies(&place.name) || denies(&place.namespace);
            any == negated && there && within
        };
        self.destinations.iter().any(|it| is_at(it, false))
            && !self.destinations.iter().any(|it| is_at(it, true))
    }

    /// Whether an object's kind may be deployed.
    pub fn takes(&self, object: &Object) -> bool {
        let fits = |all: &[KindPattern]| {
            all.iter().any(|it| {
                matches(&it.group, object.group())
                    && matches(&it.kind, object.kind())
                    && (it.name.is_empty() || matches(&it.name, object.name()))
            })
        };
        if is_cluster_scoped(object.group(), object.kind()) {
            return fits(&self.cluster_allowed) && !fits(&self.cluster_denied);
        }
        self.allowed.as_deref().is_none_or(fits) && !fits(&self.denied)
    }
}

/// At least one pattern fits, and none that forbids.
fn allowed(patterns: &[String], fits: impl Fn(&str) -> bool) -> bool {
    let (denied, allowed): (Vec<&String>, Vec<&String>) = patterns.iter().partition(|it| it.starts_with('!'));
    allowed.iter().any(|it| it.as_str() == "*" || fits(it))
        && !denied.iter().any(|it| it.strip_prefix('!').is_some_and(&fits))
}

fn kinds(part: &Part<'_>) -> Result<Vec<KindPattern>, Wrong> {
    let read = |it: &Part<'_>| {
        Ok(KindPattern {
            group: it.get("group").word()?,
            kind: it.get("kind").word()?,
            name: it.get("name").word()?,
        })
    };
    part.list()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(spec: &Value) -> Project {
        let document = json!({ "metadata": { "name": "shop" }, "spec": spec });
        Project::read("project.yaml", &document).unwrap().0
    }

    fn object(api: &str, kind: &str) -> Object {
        Object::new(json!({ "apiVersion": api, "kind": kind, "metadata": { "name": "a" } })).unwrap()
    }

    #[test]
    fn repositories_are_allowed_by_pattern_and_forbidden_by_another() {
        let shop =
            project(&json!({ "sourceRepos": ["https://git/company/*", "!https://git/company/secret"] }));
        assert!(shop.takes_source("https://git/company/shop"));
        assert!(!shop.takes_source("https://git/company/secret"));
        assert!(
            !shop.takes_source("https://git/company/a/b"),
            "a star ends at a slash"
        );
        assert!(!shop.takes_source("https://git/other/shop"));
        assert!(project(&json!({ "sourceRepos": ["*"] })).takes_source("https://git/a/b"));
        assert!(
            !project(&json!({})).takes_source("https://git/a"),
            "nothing is allowed by itself"
        );
    }

    #[test]
    fn places_are_allowed_by_server_or_name_and_namespace() {
        let shop = project(&json!({ "destinations": [
            { "server": IN_CLUSTER, "namespace": "shop-*" },
            { "server": IN_CLUSTER, "namespace": "!shop-secret" },
            { "name": "eu", "namespace": "*" } ] }));
        let at = |server: Option<&str>, name: Option<&str>, namespace: &str| {
            let text = |it: Option<&str>| it.map(str::to_owned);
            shop.takes_destination(&Destination {
                server: text(server),
                name: text(name),
                namespace: namespace.to_owned(),
            })
        };
        assert!(at(Some(IN_CLUSTER), None, "shop-staging") && at(None, Some("in-cluster"), "shop-staging"));
        assert!(!at(Some(IN_CLUSTER), None, "shop-secret") && !at(Some(IN_CLUSTER), None, "other"));
        assert!(at(None, Some("eu"), "any") && !at(None, Some("us"), "any"));
        assert!(!at(Some("https://elsewhere"), None, "shop-staging"));
    }

    #[test]
    fn kinds_of_the_cluster_are_forbidden_and_those_of_namespaces_allowed_unless_it_is_said() {
        let role = object("rbac.authorization.k8s.io/v1", "ClusterRole");
        let (secret, deployment) = (object("v1", "Secret"), object("apps/v1", "Deployment"));
        let plain = project(&json!({}));
        assert!(!plain.takes(&role) && plain.takes(&secret) && plain.takes(&deployment));
        let some = project(&json!({
            "clusterResourceWhitelist": [{ "group": "rbac.authorization.k8s.io", "kind": "*" }],
            "namespaceResourceBlacklist": [{ "group": "", "kind": "Secret" }] }));
        assert!(some.takes(&role) && !some.takes(&secret) && some.takes(&deployment));
        assert!(!some.takes(&object("v1", "Namespace")));
        let none = project(&json!({ "namespaceResourceWhitelist": [] }));
        assert!(!none.takes(&deployment), "an empty list allows nothing");
        let named = project(
            &json!({ "clusterResourceWhitelist": [{ "group": "", "kind": "Namespace", "name": "b*" }] }),
        );
        assert!(!named.takes(&object("v1", "Namespace")));
    }
}
