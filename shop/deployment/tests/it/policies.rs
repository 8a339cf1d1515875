//! Gatekeeper and Falco: each template has its constraint and judges as it should, run by an evaluator of its language; each
//! rule says what it found.

use serde_json::{Value, json};

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

/// A template's rules with its constraint, ready to judge.
struct Policy {
    engine: regorus::Engine,
    rule: String,
    parameters: Value,
    kinds: Vec<String>,
}

impl Policy {
    fn read(path: &str) -> Self {
        let documents = yaml(path);
        let [template, constraint] = &documents[..] else {
            panic!("{path}")
        };
        let rego = template["spec"]["targets"][0]["rego"].as_str().unwrap();
        let mut engine = regorus::Engine::new();
        // As Gatekeeper reads templates that do not say `rego.v1`.
        engine.set_rego_v0(true);
        engine
            .add_policy(path.to_owned(), rego.to_owned())
            .unwrap_or_else(|cause| panic!("{path}: {cause}"));
        let kinds = constraint["spec"]["match"]["kinds"].as_array().unwrap().iter();
        let kinds = kinds.flat_map(|one| one["kinds"].as_array().unwrap());
        Self {
            rule: format!(
                "data.{}.violation",
                template["metadata"]["name"].as_str().unwrap()
            ),
            parameters: constraint["spec"]["parameters"].clone(),
            kinds: kinds.map(|kind| kind.as_str().unwrap().to_owned()).collect(),
            engine,
        }
    }

    /// What admission would answer for this object.
    fn judges(&self, object: &Value) -> Vec<String> {
        if !self.kinds.iter().any(|kind| object["kind"] == kind.as_str()) {
            return Vec::new();
        }
        let mut engine = self.engine.clone();
        let input = json!({"review": {"object": object}, "parameters": self.parameters});
        engine.set_input_json(&input.to_string()).unwrap();
        let found = engine.eval_rule(self.rule.clone()).unwrap();
        let found: Value = serde_json::from_str(&found.to_json_str().unwrap()).unwrap();
        let found = found.as_array().unwrap().iter();
        found.map(|one| one["msg"].as_str().unwrap().to_owned()).collect()
    }
}

/// All policies' answers.
fn judged(policies: &[Policy], object: &Value) -> Vec<String> {
    policies.iter().flat_map(|policy| policy.judges(object)).collect()
}

/// What is deployed, with images named as a release names them, and the pods that come of it.
fn deployed() -> Vec<Value> {
    let digest = format!("@sha256:{}", "a".repeat(64));
    let mut objects = yaml("infrastructure/k8s/ecommerce-platform.yaml");
    let mut pods = Vec::new();
    for object in &mut objects {
        let Some(template) = object.pointer_mut("/spec/template") else {
            continue;
        };
        for container in template["spec"]["containers"].as_array_mut().unwrap() {
            let image = container["image"].as_str().unwrap();
            let named = format!("{}{digest}", image.rsplit_once(':').unwrap().0);
            container["image"] = named.into();
        }
        let mut pod = template.clone();
        pod["kind"] = "Pod".into();
        pods.push(pod);
    }
    objects.append(&mut pods);
    objects
}

fn policies() -> Vec<Policy> {
    let paths = files("infrastructure/gatekeeper", ".yaml");
    paths.iter().map(|path| Policy::read(path)).collect()
}

#[test]
fn policies_admit_what_we_deploy() {
    let policies = policies();
    let objects = deployed();
    let pods = objects.iter().filter(|object| object["kind"] == "Pod").count();
    assert!(pods >= 13, "services, their migrations, the pool: {pods}");
    for object in &objects {
        assert_eq!(judged(&policies, object), Vec::<String>::new(), "{object}");
    }
}

const IMAGE: &str = "/spec/containers/0/image";
const SECURITY: &str = "/spec/containers/0/securityContext";
const NOT_READY: &str = "/spec/template/spec/containers/0/readinessProbe";

/// What is changed where in an object of this kind (null: taken away), and what is said to it.
const BROKEN: [(&str, &str, &str, &str, &str); 12] = [
    (
        "Pod",
        IMAGE,
        "",
        r#""ghcr.io/company/user-service:v1.2.3""#,
        "is not named by its digest",
    ),
    (
        "Pod",
        IMAGE,
        "",
        r#""docker.io/company/x@sha256:aa""#,
        "is from none of",
    ),
    (
        "Pod",
        IMAGE,
        "",
        r#""ghcr.io/companyevil/x@sha256:aa""#,
        "is from none of",
    ),
    ("Pod", SECURITY, "/runAsNonRoot", "false", "may run as root"),
    (
        "Pod",
        SECURITY,
        "/allowPrivilegeEscalation",
        "true",
        "may gain privileges",
    ),
    (
        "Pod",
        SECURITY,
        "/readOnlyRootFilesystem",
        "false",
        "can write its own image",
    ),
    (
        "Pod",
        SECURITY,
        "/capabilities/drop",
        r#"["NET_RAW"]"#,
        "keeps capabilities",
    ),
    ("Pod", SECURITY, "", "{}", "may gain privileges"),
    (
        "Pod",
        "/spec/containers/0/resources/limits",
        "",
        "null",
        "has no limits.cpu, limits.memory",
    ),
    ("Deployment", NOT_READY, "", "null", "has no readinessProbe"),
    (
        "Deployment",
        "/metadata/labels/app.kubernetes.io~1part-of",
        "",
        "null",
        "label app.kubernetes.io/part-of is missing",
    ),
    (
        "Service",
        "/metadata/labels/app",
        "",
        "null",
        "label app is missing",
    ),
];

#[test]
fn policies_refuse_each_thing_that_they_are_about() {
    let policies = policies();
    let objects = deployed();
    for (kind, place, below, value, expected) in BROKEN {
        let of_kind = objects.iter().find(|object| object["kind"] == kind);
        let (mut broken, at) = (of_kind.unwrap().clone(), format!("{place}{below}"));
        let value: Value = serde_json::from_str(value).unwrap();
        if value.is_null() {
            let (parent, key) = at.rsplit_once('/').unwrap();
            let parent = broken.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.remove(&key.replace("~1", "/")).unwrap();
        } else {
            *broken.pointer_mut(&at).unwrap() = value;
        }
        let answers = judged(&policies, &broken);
        assert!(
            answers.iter().any(|answer| answer.contains(expected)),
            "{at}: {answers:?} instead of {expected}"
        );
    }
}

/// What is run in a pod besides counts as well.
#[test]
fn policies_see_all_containers_of_a_pod() {
    let policies = policies();
    let objects = deployed();
    let pod = objects.iter().find(|object| object["kind"] == "Pod").unwrap();
    for more in ["initContainers", "ephemeralContainers"] {
        let mut broken = pod.clone();
        broken["spec"][more] = json!([{"name": "more", "image": "docker.io/x:latest"}]);
        let answers = judged(&policies, &broken);
        for expected in [
            "is from none of",
            "is not named by its digest",
            "may gain privileges",
            "keeps capabilities",
        ] {
            assert!(
                answers.iter().any(|answer| answer.contains(expected)),
                "{more}: {answers:?}"
            );
        }
    }
}
