//! Gatekeeper and Falco: each template has its constraint, each rule says what it found.

use crate::{files, services, yaml};

#[test]
fn each_template_has_a_constraint_that_denies_in_both_namespaces() {
    for path in files("infrastructure/gatekeeper", ".yaml") {
        let documents = yaml(&path);
        let [template, constraint] = &documents[..] else {
            panic!("{path} has {} documents", documents.len())
        };
        assert_eq!(template["kind"], "ConstraintTemplate", "{path}");
        let kind = template["spec"]["crd"]["spec"]["names"]["kind"].as_str().unwrap();
        assert_eq!(
            (
                constraint["kind"].as_str().unwrap(),
                template["metadata"]["name"].as_str().unwrap()
            ),
            (kind, &*kind.to_lowercase())
        );
        let rego = template["spec"]["targets"][0]["rego"].as_str().unwrap();
        assert!(
            rego.starts_with(&format!("package {}\n", kind.to_lowercase())),
            "{path}"
        );
        assert!(rego.contains("violation[{\"msg\": msg}]"), "{path}");
        assert_eq!(constraint["spec"]["enforcementAction"], "deny", "{path}");
        assert_eq!(
            constraint["spec"]["match"]["namespaces"],
            serde_json::json!(["staging", "production"]),
            "{path}"
        );
        let declared =
            template["spec"]["crd"]["spec"]["validation"]["openAPIV3Schema"]["properties"].as_object();
        let given = constraint["spec"]["parameters"].as_object();
        let names = |object: Option<&serde_json::Map<String, serde_json::Value>>| {
            object
                .map(|object| object.keys().cloned().collect::<Vec<_>>())
                .unwrap_or_default()
        };
        assert_eq!(names(declared), names(given), "{path}: parameters");
    }
}

#[test]
fn falco_knows_the_services_and_their_ports() {
    let document = yaml("infrastructure/falco/shop-rules.yaml").remove(0);
    let entries = document.as_array().unwrap();
    let list = |name: &str| {
        let found = entries.iter().find(|entry| entry["list"] == name).unwrap();
        let mut items: Vec<String> = found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item.to_string().trim_matches('"').to_owned())
            .collect();
        items.sort();
        items
    };
    let (mut names, mut ports): (Vec<String>, Vec<String>) = services()
        .into_iter()
        .map(|(name, service)| (name, service["port"].to_string()))
        .unzip();
    names.sort();
    ports.sort();
    assert_eq!((list("shop_services"), list("shop_ports")), (names, ports));
    for rule in entries.iter().filter(|entry| entry["rule"].is_string()) {
        for part in ["desc", "condition", "output", "priority", "tags"] {
            assert!(!rule[part].is_null(), "{} has no {part}", rule["rule"]);
        }
        assert!(
            rule["output"].as_str().unwrap().contains("%k8s.pod.name"),
            "{} does not say where",
            rule["rule"]
        );
    }
}
