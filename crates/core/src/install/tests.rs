//! What runs Windlass in a cluster is whole, and no more is granted than is used.

use serde_json::{Value, json};

use super::{Install, Place, Sharing};
use crate::access::Access;
use crate::object::Object;

fn install(sharing: Sharing) -> Install {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
    let objects = [Object::new(object).unwrap()];
    let place = |namespace: &str| Place {
        namespace: namespace.to_owned(),
        access: Access::of(&objects, namespace),
        impersonate: None,
    };
    Install {
        namespace: "windlass".to_owned(),
        image: "ghcr.io/company/windlass:1.0.0".to_owned(),
        config: "platform: shop\n".to_owned(),
        storage: "5Gi".to_owned(),
        storage_class: None,
        sharing,
        environments: vec![place("staging"), place("production")],
    }
}

fn named(all: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let name = |one: &Value| {
        let metadata = &one["metadata"];
        format!(
            "{} {}/{}",
            text(&one["kind"]),
            text(&metadata["namespace"]),
            text(&metadata["name"])
        )
    };
    all.iter().map(name).collect()
}

#[test]
fn everything_is_there_once_and_namespaces_come_first() {
    let all = named(&install(Sharing::Node).manifests());
    let expected = [
        "Namespace -/windlass",
        "Namespace -/production",
        "Namespace -/staging",
        "ServiceAccount windlass/windlass",
        "Role windlass/windlass-lease",
        "RoleBinding windlass/windlass-lease",
        "Role staging/windlass",
        "RoleBinding staging/windlass",
        "ClusterRole -/windlass-staging",
        "ClusterRoleBinding -/windlass-staging",
        "Role production/windlass",
        "RoleBinding production/windlass",
        "ClusterRole -/windlass-production",
        "ClusterRoleBinding -/windlass-production",
        "ConfigMap windlass/windlass",
        "PersistentVolumeClaim windlass/windlass",
        "Service windlass/windlass",
        "NetworkPolicy windlass/windlass",
        "PodDisruptionBudget windlass/windlass",
        "Deployment windlass/windlass",
    ];
    assert_eq!(all, expected);
}

#[test]
fn replicas_are_where_their_volume_is() {
    let of = |sharing: Sharing| {
        let all = install(sharing).manifests();
        let find = |kind: &str| all.iter().find(|one| one["kind"] == kind).unwrap().clone();
        let affinity = find("Deployment")["spec"]["template"]["spec"]["affinity"].clone();
        let mode = find("PersistentVolumeClaim")["spec"]["accessModes"][0].clone();
        let key = affinity.as_object().unwrap().keys().next().unwrap().clone();
        (mode, key)
    };
    assert_eq!(
        of(Sharing::Node),
        (json!("ReadWriteOnce"), "podAffinity".to_owned())
    );
    assert_eq!(
        of(Sharing::Nodes),
        (json!("ReadWriteMany"), "podAntiAffinity".to_owned())
    );
}

#[test]
fn pods_begin_anew_when_their_configuration_changes() {
    let digest = |config: &str| {
        let mut install = install(Sharing::Node);
        config.clone_into(&mut install.config);
        let all = install.manifests();
        all.last().unwrap()["spec"]["template"]["metadata"]["annotations"]["windlass.dev/config"].clone()
    };
    assert_ne!(digest("platform: a\n"), digest("platform: b\n"));
    assert_eq!(digest("platform: a\n"), digest("platform: a\n"));
}
