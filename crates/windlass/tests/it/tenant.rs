//! An environment where the controller stands in for a tenant: it does what that one may do, and nothing else.

use serde_json::{Value, json};
use windlass_cluster::Cluster;

use super::access::{as_account, text};
use super::place::Place;

const PAIR: &str = include_str!("../helper/pair.yaml");
const NAMESPACE: &str = "wl-tenant";
const HOME: &str = "wl-tenant-home";
const TENANT: &str = "system:serviceaccount:wl-tenant:deployer";

/// Where an object is made.
fn collection(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let api = match object["apiVersion"].as_str().unwrap() {
        "v1" => "/api/v1".to_owned(),
        other => format!("/apis/{other}"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{api}/namespaces/{namespace}/{kind}s"),
        None => format!("{api}/{kind}s"),
    }
}

#[test]
fn a_tenant_is_stood_in_for_and_what_it_may_not_do_is_refused_before_the_first_write() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(&format!(
        "    runtime: {{ kubernetes: {{ context: windlass-test, namespace: {NAMESPACE}, impersonate: {{ user: \"{TENANT}\" }} }} }}\n    strategy: blue-green\n    watch: 0s\n"
    ));
    place.write("chart/templates/web.yaml", PAIR);
    let folder = tempfile::tempdir().unwrap();
    let client = cluster.client();
    let make = |object: &Value| client.create(&collection(object), object).unwrap();
    for name in [NAMESPACE, HOME] {
        make(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
    }
    let manifests = place.json(&["rbac", "staging", "--account", &format!("{HOME}/controller")]);
    let manifests = manifests.as_array().unwrap();
    let impersonates = |one: &Value| one["metadata"]["name"] == "controller-as-deployer";
    let is_account = |one: &Value| one["kind"] == "ServiceAccount";
    manifests
        .iter()
        .filter(|one| is_account(one))
        .for_each(|one| drop(make(one)));
    let kubeconfig = as_account(folder.path(), cluster, (HOME, "controller"));
    let kubeconfig = kubeconfig.to_str().unwrap();
    let doctor = || {
        let output = place
            .windlass(&["doctor"])
            .env("KUBECONFIG", kubeconfig)
            .output()
            .unwrap();
        text(&output)
    };
    let said = doctor();
    assert!(
        said.contains("cannot impersonate") && said.contains("windlass rbac"),
        "{said}"
    );

    manifests
        .iter()
        .filter(|one| impersonates(one))
        .for_each(|one| drop(make(one)));
    let said = doctor();
    assert!(
        said.contains(&format!("as {TENANT}")) && said.contains("not allowed: "),
        "{said}"
    );
    let controller = place.serve_with(&[("KUBECONFIG", kubeconfig)]);
    let first = place.commit("one", "");
    let ended = controller.ended(&first);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(
        ended.reason.contains("forbidden") && ended.reason.contains(TENANT),
        "{ended:?}"
    );
    let writes = || {
        let all = cluster.requests().unwrap().into_iter();
        let own =
            all.filter(|one| one.path.contains(&format!("/namespaces/{NAMESPACE}/")) && one.verb == "patch");
        own.collect::<Vec<_>>()
    };
    assert!(writes().is_empty(), "{:?}", writes());

    let rest = manifests
        .iter()
        .filter(|one| !is_account(one) && !impersonates(one));
    rest.for_each(|one| drop(make(one)));
    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    let writes = writes();
    assert!(writes.iter().any(|one| one.path.contains("/deployments/web-")));
    assert!(writes.iter().all(|one| one.stood_in_for == TENANT), "{writes:?}");
}
