//! What is granted, and that it is no more.

use serde_json::{Value, json};

use super::Access;
use crate::config::Impersonate;
use crate::object::Object;

fn objects(values: &[Value]) -> Vec<Object> {
    values
        .iter()
        .map(|value| Object::new(value.clone()).unwrap())
        .collect()
}

fn of(values: &[Value]) -> Access {
    Access::of(&objects(values), "prod")
}

fn may(access: &Access, wide: bool, words: &str) -> bool {
    let held = if wide { &access.wide } else { &access.namespaced };
    held.iter().any(|one| {
        let name = one
            .name
            .as_deref()
            .map(|name| format!(" {name}"))
            .unwrap_or_default();
        format!("{} {}/{}{name}", one.verb, one.group, one.resource) == words
    })
}

#[test]
fn an_object_is_applied_followed_and_taken_away_in_its_namespace_alone() {
    let access = of(&[
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "cart" } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "shop" } }),
    ]);
    for verb in ["create", "delete", "get", "list", "patch", "watch"] {
        assert!(may(
            &access,
            false,
            &format!("{verb} networking.k8s.io/networkpolicies")
        ));
        assert!(may(
            &access,
            false,
            &format!("{verb} networking.k8s.io/ingresses")
        ));
        assert!(!may(&access, false, &format!("{verb} /secrets")), "{verb}");
    }
    assert!(!may(&access, false, "update networking.k8s.io/ingresses"));
    let whole: Vec<String> = access
        .wide
        .iter()
        .map(|one| format!("{} {} {:?}", one.verb, one.resource, one.name.as_deref()))
        .collect();
    let expected = [
        "create namespaces None",
        r#"get namespaces Some("prod")"#,
        r#"patch namespaces Some("prod")"#,
    ];
    assert_eq!(whole, expected);
}

#[test]
fn what_is_of_the_whole_cluster_is_named() {
    let access = of(&[
        json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "fast" } }),
        json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "mice.example.com" },
            "spec": { "group": "example.com", "scope": "Cluster", "names": { "kind": "Mouse", "plural": "mice" } } }),
        json!({ "apiVersion": "example.com/v1", "kind": "Mouse", "metadata": { "name": "jerry" } }),
    ]);
    assert!(may(&access, true, "patch storage.k8s.io/storageclasses fast"));
    assert!(!may(&access, true, "patch storage.k8s.io/storageclasses"));
    assert!(may(&access, true, "create storage.k8s.io/storageclasses"));
    assert!(may(&access, true, "delete example.com/mice jerry"));
    assert!(!may(&access, false, "patch example.com/mice"));
}

#[test]
fn roles_of_the_chart_are_granted_only_by_who_has_them() {
    let access = of(&[
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
            "rules": [{ "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["key"], "verbs": ["get"] }] }),
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "own" },
            "roleRef": { "kind": "Role", "name": "reader" } }),
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "other" },
            "roleRef": { "kind": "ClusterRole", "name": "view" } }),
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "scrape" },
            "rules": [{ "nonResourceURLs": ["/metrics"], "verbs": ["get"] }] }),
    ]);
    assert!(may(&access, false, "get /secrets key"));
    assert!(!may(&access, false, "get /secrets"));
    assert!(may(
        &access,
        true,
        "bind rbac.authorization.k8s.io/clusterroles view"
    ));
    assert!(!may(
        &access,
        false,
        "bind rbac.authorization.k8s.io/roles reader"
    ));
    let manifests = access.manifests("prod", ("windlass", "windlass"));
    let rules = manifests[3]["rules"].as_array().unwrap();
    assert!(rules.contains(&json!({ "nonResourceURLs": ["/metrics"], "verbs": ["get"] })));
}

#[test]
fn the_manifests_bind_one_account_in_one_namespace() {
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" } });
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" } });
    let manifests = of(&[config, secret]).manifests("prod", ("tools", "deployer"));
    let kinds: Vec<&str> = manifests
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding"
        ]
    );
    assert_eq!(manifests[0]["metadata"]["namespace"], "tools");
    assert_eq!(
        manifests[1]["metadata"],
        json!({ "name": "deployer", "namespace": "prod" })
    );
    assert_eq!(manifests[3]["metadata"], json!({ "name": "deployer-prod" }));
    // What has the same verbs is one rule.
    let rules = manifests[1]["rules"].as_array().unwrap();
    let managed = json!({ "apiGroups": [""], "resources": ["configmaps", "secrets"],
        "verbs": ["create", "delete", "get", "list", "patch", "watch"] });
    assert!(rules.contains(&managed), "{rules:#?}");
}

#[test]
fn who_is_stood_in_for_is_granted_everything_and_the_account_only_to_be_them() {
    let access = of(&[json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } })]);
    let who = |user: &str, groups: &[&str]| Impersonate {
        user: user.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    };
    let granted = |who: &Impersonate| -> Vec<(String, String, String)> {
        let all = access.manifests_for("prod", who, ("windlass", "controller"));
        let bindings = all
            .iter()
            .filter(|one| one["kind"].as_str().unwrap().ends_with("Binding"));
        let rows = bindings.map(|one| {
            let role = all.iter().find(|other| {
                other["kind"] == one["roleRef"]["kind"] && other["metadata"] == one["metadata"]
            });
            let impersonates = role.unwrap().to_string().contains("impersonate");
            (
                one["metadata"]["name"].as_str().unwrap().to_owned(),
                one["subjects"][0]["name"].as_str().unwrap().to_owned(),
                if impersonates { "be" } else { "do" }.to_owned(),
            )
        });
        rows.collect()
    };
    let row = |name: &str, who: &str, what: &str| (name.to_owned(), who.to_owned(), what.to_owned());
    assert_eq!(
        granted(&who("system:serviceaccount:prod:deployer", &[])),
        [
            row("controller", "deployer", "do"),
            row("controller-prod", "deployer", "do"),
            row("controller-as-deployer", "controller", "be"),
        ]
    );
    let jane = who("jane", &["shop"]);
    assert_eq!(
        granted(&jane),
        [
            row("controller", "jane", "do"),
            row("controller-prod", "jane", "do"),
            row("controller-as-prod", "controller", "be"),
        ]
    );
    let all = access.manifests_for("prod", &jane, ("windlass", "controller"));
    let rules = &all.iter().rev().nth(1).unwrap()["rules"];
    let rule = |resource: &str, name: &str| json!({ "apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": ["impersonate"] });
    assert_eq!(*rules, json!([rule("users", "jane"), rule("groups", "shop")]));
}
