//! Releases on a real control plane by somebody who may do no more than `windlass rbac` says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use windlass_cluster::Cluster;

use super::place::Place;

const PAIR: &str = include_str!("../helper/pair.yaml");
const NAMESPACE: &str = "wl-access";
/// Where the objects that grant something are made, in their order.
const COLLECTIONS: [&str; 5] = [
    "api/v1/namespaces/wl-access/serviceaccounts",
    "apis/rbac.authorization.k8s.io/v1/namespaces/wl-access/roles",
    "apis/rbac.authorization.k8s.io/v1/namespaces/wl-access/rolebindings",
    "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
];

/// The way to the cluster as an account of a namespace.
pub(crate) fn as_account(folder: &Path, cluster: &Cluster, (namespace, name): (&str, &str)) -> PathBuf {
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 } });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let answer = cluster.client().create(&path, &request).unwrap();
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["users"][0]["user"] = json!({ "token": answer["status"]["token"] });
    let path = folder.join(format!("{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn who_may_do_what_rbac_prints_can_release_and_go_back_and_the_doctor_names_what_is_missing() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(&format!(
        "    runtime: {{ kubernetes: {{ context: windlass-test, namespace: {NAMESPACE} }} }}\n    strategy: blue-green\n    watch: 0s\n"
    ));
    place.write("chart/templates/web.yaml", PAIR);
    let manifests = place.json(&["rbac", "staging", "--account", "deployer"]);
    let manifests = manifests.as_array().unwrap();
    assert_eq!(manifests.len(), COLLECTIONS.len());
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    cluster.client().create("/api/v1/namespaces", &namespace).unwrap();
    let grant = |number: usize| {
        let path = format!("/{}", COLLECTIONS[number]);
        cluster.client().create(&path, &manifests[number]).unwrap();
    };
    grant(0);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = as_account(folder.path(), cluster, (NAMESPACE, "deployer"));
    let kubeconfig = kubeconfig.to_str().unwrap();
    let doctor = || {
        place
            .windlass(&["doctor"])
            .env("KUBECONFIG", kubeconfig)
            .output()
            .unwrap()
    };
    let output = doctor();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for words in [
        "not allowed: ",
        " more",
        "windlass rbac staging | kubectl apply -f -",
    ] {
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }

    (1..COLLECTIONS.len()).for_each(grant);
    let said = text(&doctor());
    assert!(said.contains("permissions that these files need"), "{said}");
    let controller = place.serve_with(&[("KUBECONFIG", kubeconfig)]);
    let first = place.commit("one", "");
    let ended = controller.ended(&first);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    let rollback = ["rollback", "staging", "--as", "Ada", "-m", "the test", "--wait"];
    let output = place.run(&rollback);
    assert!(output.status.success(), "{}", text(&output));
    let shown = controller.view();
    assert_eq!(shown.environments[0].live.as_ref().unwrap().release, first);
    assert_eq!(shown.warnings, Vec::<String>::new());
}

#[test]
fn the_doctor_looks_at_a_clusters_version_clock_and_webhooks() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(
        "    runtime: { kubernetes: { context: windlass-test, namespace: wl-doctor } }\n    strategy: blue-green\n",
    );
    place.write("chart/templates/web.yaml", PAIR);
    place.write(
        "chart/values.yaml",
        "greeting: hello\nfault: \"\"\nmigration: 0\npatience: 60\n",
    );
    let rule =
        json!({ "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"] });
    let nobodys = json!({ "matchLabels": { "windlass.test/nobody": "true" } });
    let hook = json!({
        "name": "gone.windlass.test", "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": [rule],
        "namespaceSelector": nobodys, "clientConfig": { "service": { "namespace": "default", "name": "nobody" } },
    });
    let hooks = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "gone.windlass.test" }, "webhooks": [hook],
    });
    let collection = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    cluster.client().create(collection, &hooks).unwrap();
    let output = place
        .windlass(&["doctor"])
        .env("KUBECONFIG", cluster.kubeconfig())
        .output()
        .unwrap();
    cluster
        .client()
        .delete(&format!("{collection}/gone.windlass.test"))
        .unwrap();
    let said = text(&output);
    for words in [
        "cluster version    v1.34.10",
        "within 5 s of this machine's",
        "gone.windlass.test leads to Service nobody of default, which has no ready address: what it judges is refused",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
