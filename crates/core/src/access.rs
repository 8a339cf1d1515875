//! The least that Kubernetes must allow somebody for a set of objects to be applied, followed and taken away, as RBAC
//! objects. Pure; what a cluster allows it does not know.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use crate::config::Impersonate;
use crate::object::{Object, is_cluster_scoped};

/// What is done with an object of a release.
const MANAGED: [&str; 6] = ["create", "delete", "get", "list", "patch", "watch"];
/// What can be limited to objects by name: whoever creates an object has no name yet, and lists have all.
const NAMED: [&str; 3] = ["delete", "get", "patch"];
/// What cannot.
const NAMELESS: [&str; 3] = ["create", "list", "watch"];
/// What is looked at in every environment, and the pods of a track that was left, whose connections end with them.
const ALWAYS: [(&str, &str, &[&str]); 7] = [
    ("", "pods", &["delete", "get", "list", "watch"]),
    ("", "pods/log", &["get"]),
    ("", "services", &["get", "list", "watch"]),
    ("apps", "daemonsets", &["get", "list", "watch"]),
    ("apps", "deployments", &["get", "list", "watch"]),
    ("apps", "statefulsets", &["get", "list", "watch"]),
    ("discovery.k8s.io", "endpointslices", &["get", "list", "watch"]),
];
/// Kinds of the whole cluster that Kubernetes itself does not have.
const WIDE: [(&str, &str); 3] = [
    ("cert-manager.io", "ClusterIssuer"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    ("templates.gatekeeper.sh", "ConstraintTemplate"),
];
const RBAC: &str = "rbac.authorization.k8s.io";
/// Gatekeeper's: each template defines a kind of the whole cluster, whose name in paths is the kind's.
const CONSTRAINTS: &str = "constraints.gatekeeper.sh";

/// One permission: a verb on a resource, of one object by name or of all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The API group; empty for the core group.
    pub group: String,
    /// The name in paths: `deployments`, `pods/log`.
    pub resource: String,
    /// The object's name; `None` for all of them.
    pub name: Option<String>,
    /// `get`, `patch`, ...
    pub verb: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.name {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

/// What a set of objects needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// In the environment's namespace.
    pub namespaced: BTreeSet<Permission>,
    /// For objects of the whole cluster.
    pub wide: BTreeSet<Permission>,
    /// Rules without resources (`/metrics`) that the objects' own ClusterRoles grant.
    urls: BTreeSet<(String, String)>,
}

impl Access {
    /// For these objects in their namespace, which is made where it is missing.
    pub fn of(objects: &[Object], namespace: &str) -> Self {
        let mut access = Self::default();
        for (group, resource, verbs) in ALWAYS {
            insert(&mut access.namespaced, (group, resource), None, verbs);
        }
        insert(&mut access.wide, ("", "namespaces"), None, &["create"]);
        insert(
            &mut access.wide,
            ("", "namespaces"),
            Some(namespace),
            &["get", "patch"],
        );
        let defined = Defined::by(objects);
        for object in objects {
            access.manage(object, &defined);
            if object.group() == RBAC {
                access.hand_on(object, objects);
            }
        }
        access
    }

    /// Applying an object, following it, taking it away.
    fn manage(&mut self, object: &Object, defined: &Defined) {
        let resource = defined.resource(object);
        let place = (object.group(), resource.as_str());
        if defined.is_wide(object) {
            insert(&mut self.wide, place, None, &NAMELESS);
            insert(&mut self.wide, place, Some(object.name()), &NAMED);
        } else {
            insert(&mut self.namespaced, place, None, &MANAGED);
        }
    }

    /// Nobody may grant what they do not have: the rules of Roles among the objects are needed too, and to bind Roles that
    /// are elsewhere takes a permission of its own.
    fn hand_on(&mut self, object: &Object, objects: &[Object]) {
        let wide = object.kind().starts_with("Cluster");
        match object.kind() {
            "Role" | "ClusterRole" => {
                let rules = object.value().get("rules").and_then(Value::as_array);
                for rule in rules.into_iter().flatten() {
                    self.hold(rule, wide);
                }
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let text = |pointer: &str| object.value().pointer(pointer).and_then(Value::as_str);
                let (Some(kind), Some(name)) = (text("/roleRef/kind"), text("/roleRef/name")) else {
                    return;
                };
                if objects.iter().any(|one| one.is(RBAC, kind) && one.name() == name) {
                    return;
                }
                let resource = plural(kind);
                let held = if kind == "ClusterRole" {
                    &mut self.wide
                } else {
                    &mut self.namespaced
                };
                insert(held, (RBAC, &resource), Some(name), &["bind"]);
            }
            _ => {}
        }
    }

    fn hold(&mut self, rule: &Value, wide: bool) {
        let texts = |field: &str| -> Vec<&str> {
            let list = rule.get(field).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let (verbs, names) = (texts("verbs"), texts("resourceNames"));
        for url in texts("nonResourceURLs") {
            let granted = verbs.iter().map(|verb| (url.to_owned(), (*verb).to_owned()));
            self.urls.extend(granted);
        }
        let held = if wide {
            &mut self.wide
        } else {
            &mut self.namespaced
        };
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                if names.is_empty() {
                    insert(held, (group, resource), None, &verbs);
                }
                for name in &names {
                    insert(held, (group, resource), Some(name), &verbs);
                }
            }
        }
    }

    /// The objects that grant it to a ServiceAccount of `home`, that account among them: a Role in `namespace`, and a
    /// ClusterRole, each with its binding. All are called `account`; what counts for the whole cluster has the namespace's
    /// name behind it.
    pub fn manifests(&self, namespace: &str, account: (&str, &str)) -> Vec<Value> {
        let (home, name) = account;
        let mut all = vec![service_account(home, name)];
        all.extend(self.granted(namespace, name, &subject(home, name)));
        all
    }

    /// The same for somebody whom the account only stands in for: they are granted all of it, the account only to be them.
    pub fn manifests_for(&self, namespace: &str, who: &Impersonate, account: (&str, &str)) -> Vec<Value> {
        let (home, name) = account;
        let mut all = vec![service_account(home, name)];
        let one = match who.service_account() {
            Some((home, name)) => {
                all.push(service_account(home, name));
                subject(home, name)
            }
            None => json!({ "apiGroup": RBAC, "kind": "User", "name": who.user }),
        };
        all.extend(self.granted(namespace, name, &one));
        all.extend(impersonation(namespace, who, account));
        all
    }

    fn granted(&self, namespace: &str, name: &str, subject: &Value) -> Vec<Value> {
        let wide = format!("{name}-{namespace}");
        let mut all = bound(
            &json!({ "name": name, "namespace": namespace }),
            &rules(&self.namespaced),
            subject,
        )
        .to_vec();
        all.extend(bound(&json!({ "name": wide }), &self.wide_rules(), subject));
        all
    }

    fn wide_rules(&self) -> Vec<Value> {
        let mut all = rules(&self.wide);
        let mut urls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (url, verb) in &self.urls {
            urls.entry(url).or_default().push(verb);
        }
        all.extend(
            urls.iter()
                .map(|(url, verbs)| json!({ "nonResourceURLs": [url], "verbs": verbs })),
        );
        all
    }
}

fn service_account(namespace: &str, name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": namespace } })
}

fn subject(namespace: &str, name: &str) -> Value {
    json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace })
}

/// A Role and its binding where the metadata has a namespace, else a ClusterRole and its.
fn bound(metadata: &Value, rules: &[Value], subject: &Value) -> [Value; 2] {
    let wide = if metadata.get("namespace").is_none() {
        "Cluster"
    } else {
        ""
    };
    let api = format!("{RBAC}/v1");
    let kind = format!("{wide}Role");
    [
        json!({ "apiVersion": api, "kind": kind, "metadata": metadata, "rules": rules }),
        json!({ "apiVersion": api, "kind": format!("{kind}Binding"), "metadata": metadata,
            "roleRef": { "apiGroup": RBAC, "kind": kind, "name": metadata["name"] }, "subjects": [subject] }),
    ]
}

/// What lets an account be somebody else: of the ServiceAccount's own namespace, or of the whole cluster.
fn impersonation(namespace: &str, who: &Impersonate, (home, name): (&str, &str)) -> Vec<Value> {
    let by_name = |resource: &str, names: &[&str]| json!({ "apiGroups": [""], "resources": [resource], "resourceNames": names, "verbs": ["impersonate"] });
    let account = subject(home, name);
    let groups: Vec<&str> = who.groups.iter().map(String::as_str).collect();
    let mut wide = Vec::new();
    let mut all = Vec::new();
    match who.service_account() {
        Some((place, own)) => {
            let metadata = json!({ "name": format!("{name}-as-{own}"), "namespace": place });
            all.extend(bound(&metadata, &[by_name("serviceaccounts", &[own])], &account));
        }
        None => wide.push(by_name("users", &[&who.user])),
    }
    if !groups.is_empty() {
        wide.push(by_name("groups", &groups));
    }
    if !wide.is_empty() {
        let metadata = json!({ "name": format!("{name}-as-{namespace}") });
        all.extend(bound(&metadata, &wide, &account));
    }
    all
}

fn insert(
    held: &mut BTreeSet<Permission>,
    (group, resource): (&str, &str),
    name: Option<&str>,
    verbs: &[&str],
) {
    held.extend(verbs.iter().map(|verb| Permission {
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name.map(str::to_owned),
        verb: (*verb).to_owned(),
    }));
}

/// As few rules as say it: one for each group, set of verbs and set of names.
fn rules(held: &BTreeSet<Permission>) -> Vec<Value> {
    type Key<'a> = (&'a str, &'a str);
    let mut verbs: BTreeMap<(Key<'_>, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for one in held {
        let key = ((one.group.as_str(), one.resource.as_str()), one.name.as_deref());
        verbs.entry(key).or_default().insert(&one.verb);
    }
    let mut named: BTreeMap<(Key<'_>, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
    let mut all: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
    for ((key, name), verbs) in verbs {
        match name {
            Some(name) => {
                named.entry((key, verbs)).or_default().insert(name);
            }
            None => {
                all.entry((key.0, verbs)).or_default().insert(key.1);
            }
        }
    }
    let all = all.iter().map(
        |((group, verbs), resources)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs }),
    );
    let named = named.iter().map(|(((group, resource), verbs), names)| {
        json!({ "apiGroups": [group], "resources": [resource], "resourceNames": names, "verbs": verbs })
    });
    all.chain(named).collect()
}

/// What CustomResourceDefinitions among the objects say of their kinds: name in paths, and whether they are of the whole
/// cluster.
struct Defined(BTreeMap<(String, String), (String, bool)>);

impl Defined {
    fn by(objects: &[Object]) -> Self {
        let definitions = objects
            .iter()
            .filter(|object| object.is("apiextensions.k8s.io", "CustomResourceDefinition"));
        let kinds = definitions.filter_map(|object| {
            let text = |pointer: &str| object.value().pointer(pointer).and_then(Value::as_str);
            let key = (
                text("/spec/group")?.to_owned(),
                text("/spec/names/kind")?.to_owned(),
            );
            let wide = text("/spec/scope") == Some("Cluster");
            Some((key, (text("/spec/names/plural")?.to_owned(), wide)))
        });
        Self(kinds.collect())
    }

    fn get(&self, object: &Object) -> Option<&(String, bool)> {
        self.0.get(&(object.group().to_owned(), object.kind().to_owned()))
    }

    fn resource(&self, object: &Object) -> String {
        if let Some((plural, _)) = self.get(object) {
            return plural.clone();
        }
        if object.group() == CONSTRAINTS {
            return object.kind().to_ascii_lowercase();
        }
        plural(object.kind())
    }

    fn is_wide(&self, object: &Object) -> bool {
        let (group, kind) = (object.group(), object.kind());
        let known = is_cluster_scoped(group, kind) || WIDE.contains(&(group, kind)) || group == CONSTRAINTS;
        self.get(object).map_or(known, |(_, wide)| *wide)
    }
}

/// The name in paths, as Kubernetes derives it from a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        return kind;
    }
    if let Some(stem) = kind.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    if kind.ends_with(['s', 'x']) || kind.ends_with("ch") || kind.ends_with("sh") {
        return format!("{kind}es");
    }
    format!("{kind}s")
}
