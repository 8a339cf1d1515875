//! Cases of field sets, as clusters write them.

use serde_json::json;

use super::*;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "cart", "namespace": "shop", "labels": { "app": "cart" } },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "cart" } }, "template": { "spec": {
            "containers": [{ "name": "cart", "image": "cart:2", "resources": {},
                "ports": [{ "containerPort": 80 }], "command": ["a", "b"] }],
            "volumes": [],
        } } },
    })
}

fn ours() -> Value {
    json!({
        "f:metadata": { "f:labels": { "f:app": {} } },
        "f:spec": { "f:replicas": {}, "f:selector": {}, "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"cart\"}": { ".": {}, "f:name": {}, "f:image": {}, "f:command": {},
                "f:ports": { "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:containerPort": {} } } },
        } } } },
    })
}

#[test]
fn a_full_set_covers_and_empty_values_do_not_matter() {
    assert_eq!(uncovered(&ours(), &deployment()), Vec::<String>::new());
    assert!(covers(&ours(), &deployment()));
}

#[test]
fn what_somebody_took_is_named() {
    let mut set = ours();
    set["f:spec"].as_object_mut().unwrap().remove("f:replicas");
    set["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"cart\"}"]
        .as_object_mut()
        .unwrap()
        .remove("f:image");
    set["f:metadata"].as_object_mut().unwrap().remove("f:labels");
    let expected = [
        ".metadata.labels",
        ".spec.replicas",
        ".spec.template.spec.containers[cart].image",
    ];
    assert_eq!(uncovered(&set, &deployment()), expected);
}

#[test]
fn an_entry_that_is_gone_is_named_as_a_whole() {
    let mut set = ours();
    set["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"cart\"}"]["f:ports"] =
        json!({ "k:{\"containerPort\":81,\"protocol\":\"TCP\"}": {} });
    assert_eq!(
        uncovered(&set, &deployment()),
        [".spec.template.spec.containers[cart].ports[80]"]
    );
}

#[test]
fn entries_of_a_plain_set_are_told_apart_by_value() {
    let set = json!({ "f:metadata": { "f:finalizers": { ".": {}, "v:\"a\"": {} } } });
    let wanted = |names: &[&str]| json!({ "metadata": { "name": "x", "finalizers": names } });
    assert!(covers(&set, &wanted(&["a"])));
    assert_eq!(uncovered(&set, &wanted(&["a", "b"])), [".metadata.finalizers[b]"]);
}

#[test]
fn others_fields_are_left_out_and_names_stay() {
    let theirs = json!({ "f:spec": { "f:replicas": {}, "f:template": { "f:spec": { "f:containers": {
        "k:{\"name\":\"cart\"}": { "f:name": {}, "f:image": {} },
    } } } } });
    let (left, taken) = without(&deployment(), &theirs);
    assert_eq!(
        taken,
        [".spec.replicas", ".spec.template.spec.containers[cart].image"]
    );
    assert_eq!(left.pointer("/spec/replicas"), None);
    let container = left.pointer("/spec/template/spec/containers/0").unwrap();
    assert_eq!(container["name"], "cart");
    assert_eq!(container.get("image"), None);
    assert_eq!(container["command"], json!(["a", "b"]));
    assert_eq!(left.pointer("/metadata/name"), Some(&json!("cart")));
}

#[test]
fn a_manager_of_a_key_of_a_map_takes_no_other_key() {
    let theirs = json!({ "f:spec": { "f:selector": { "f:version": {} } } });
    let wanted = json!({ "spec": { "selector": { "app": "gateway", "version": "green" } } });
    let (left, taken) = without(&wanted, &theirs);
    assert_eq!(taken, [".spec.selector.version"]);
    assert_eq!(left, json!({ "spec": { "selector": { "app": "gateway" } } }));
}

#[test]
fn a_place_for_fields_is_no_claim_on_them() {
    let theirs =
        json!({ "f:metadata": { "f:annotations": { ".": {}, "f:deployment.kubernetes.io/revision": {} } } });
    let wanted = json!({ "metadata": { "annotations": { "ours": "1" } } });
    assert_eq!(without(&wanted, &theirs), (wanted.clone(), Vec::new()));
}

#[test]
fn long_lists_of_paths_are_counted() {
    let paths: Vec<String> = (0..7).map(|n| format!(".f{n}")).collect();
    assert_eq!(listed(&paths), ".f0, .f1, .f2, .f3, .f4 and 2 more");
}

#[test]
fn a_difference_keeps_what_only_one_has() {
    let set = json!({ "f:spec": { "f:replicas": {}, "f:selector": { "f:a": {}, "f:version": {} } }, "f:data": { "f:x": {} } });
    let other =
        json!({ "f:spec": { "f:replicas": {}, "f:selector": { "f:a": {} } }, "f:data": { "f:x": {} } });
    assert_eq!(
        minus(&set, &other),
        json!({ "f:spec": { "f:selector": { "f:version": {} } } })
    );
    assert_eq!(minus(&other, &set), json!({}));
}

#[test]
fn whoever_manages_a_map_as_a_whole_manages_its_keys() {
    let version = json!({ "f:spec": { "f:selector": { "f:version": {} } } });
    assert_eq!(
        minus(&version, &json!({ "f:spec": { "f:selector": {} } })),
        json!({})
    );
    assert_eq!(minus(&version, &json!({ "f:spec": { "f:ports": {} } })), version);
}
