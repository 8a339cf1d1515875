//! Cases of what is sent of an object.

use super::*;

fn resource(group: &str, kind: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespaced,
        watched: true,
    }
}

fn owner() -> Owner {
    Owner {
        platform: "shop".to_owned(),
        environment: "production".to_owned(),
    }
}

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn intent(value: Value, namespaced: bool, scaled: &Scaled) -> Result<Intent, KubeError> {
    let object = object(value);
    let resource = resource(object.group(), object.kind(), namespaced);
    Intent::of(&object, &resource, "prod", &owner(), scaled)
}

#[test]
fn what_a_server_fills_in_is_not_sent() {
    let value = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "a", "uid": "1", "creationTimestamp": null, "labels": { "x": "y", "z": null } },
        "status": { "a": 1 }, "data": { "k": null, "l": "1" },
    });
    let made = intent(value, true, &Scaled::default()).unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "a", "namespace": "prod", "labels": { "x": "y", "windlass.dev/managed": "true" },
            "annotations": { "windlass.dev/owner": "shop/production", "windlass.dev/applied": made.digest } },
        "data": { "l": "1" },
    });
    assert_eq!(made.body, expected);
    assert_eq!(made.path(), "/api/v1/namespaces/prod/configmaps/a");
}

#[test]
fn an_object_of_another_namespace_is_refused() {
    let value = |namespace: &str| json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a", "namespace": namespace } });
    assert!(intent(value("prod"), true, &Scaled::default()).is_ok());
    let error = intent(value("kube-system"), true, &Scaled::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Service kube-system/a") && error.contains("hint:"),
        "{error}"
    );
}

#[test]
fn a_cluster_wide_object_has_no_namespace() {
    let value = json!({ "apiVersion": "v1", "kind": "PriorityClass", "metadata": { "name": "a", "namespace": "prod" } });
    let made = intent(value, false, &Scaled::default()).unwrap();
    assert_eq!(made.body.pointer("/metadata/namespace"), None);
    assert_eq!(made.reference.namespace, None);
}

#[test]
fn replicas_under_an_autoscaler_are_not_sent_but_known_for_the_start() {
    let scaler = object(
        json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "h" },
        "spec": { "minReplicas": 3, "scaleTargetRef": { "kind": "Deployment", "name": "cart" } } }),
    );
    let scaled = Scaled::of(&[scaler]);
    let deployment = |name: &str| {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": { "replicas": 2 } })
    };
    let cart = intent(deployment("cart"), true, &scaled).unwrap();
    assert_eq!(
        (cart.body.pointer("/spec/replicas"), cart.replicas),
        (None, Some(3))
    );
    let other = intent(deployment("other"), true, &scaled).unwrap();
    assert_eq!(
        (other.body.pointer("/spec/replicas"), other.replicas),
        (Some(&json!(2)), None)
    );
}

#[test]
fn text_of_a_secret_is_sent_as_the_server_keeps_it() {
    let value = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" }, "data": { "b": "MQ==" }, "stringData": { "a": "x" } });
    let made = intent(value, true, &Scaled::default()).unwrap();
    assert_eq!(made.body.get("stringData"), None);
    assert_eq!(made.body["data"], json!({ "b": "MQ==", "a": "eA==" }));
}

#[test]
fn equal_objects_have_equal_digests_and_waves_follow_the_kinds() {
    let make = |kind: &str, group: &str, wave: &str| {
        let value = json!({ "apiVersion": format!("{group}v1"), "kind": kind,
            "metadata": { "name": kind.to_lowercase(), "annotations": { "argocd.argoproj.io/sync-wave": wave } } });
        intent(value, true, &Scaled::default()).unwrap()
    };
    assert_eq!(make("Service", "", "0").digest, make("Service", "", "0").digest);
    let all = vec![
        make("Deployment", "apps/", "0"),
        make("Service", "", "0"),
        make("ConfigMap", "", "0"),
        make("Secret", "", "0"),
        make("Role", "rbac.authorization.k8s.io/", "1"),
    ];
    let order: Vec<Vec<String>> = in_waves(all)
        .into_iter()
        .map(|wave| wave.into_iter().map(|one| one.reference.kind).collect())
        .collect();
    assert_eq!(
        order,
        [
            vec!["ConfigMap", "Secret"],
            vec!["Service"],
            vec!["Deployment"],
            vec!["Role"]
        ]
    );
}
