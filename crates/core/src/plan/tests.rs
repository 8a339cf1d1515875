//! Plans: what changes, in which order, under which digest.

use serde_json::{Value, json};

use super::{Inputs, changes, lines, objects_digest, plan, with_settings};
use crate::config::{Config, Runtime};
use crate::machine::release::Finding;
use crate::object::Object;

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn make(api: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}})
}

fn deployment(image: &str, replicas: u32, level: &str, token: &str) -> Object {
    object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"},
        "spec": {"replicas": replicas, "template": {
            "metadata": {"annotations": {"checksum/config": image}},
            "spec": {"containers": [{"name": "cart", "image": image, "env": [
                {"name": "LOG_LEVEL", "value": level}, {"name": "PSP_TOKEN", "value": token}]}]},
        }},
    }))
}

fn secret(word: &str) -> Object {
    let mut value = make("v1", "Secret", "cart");
    value["stringData"] = json!({"KEY": word});
    object(value)
}

fn check(desired: &[Object], observed: &[Object], expected: &[&str]) {
    assert_eq!(lines(&changes(desired, observed)), expected);
}

#[test]
fn a_change_is_told_by_the_fields_that_differ() {
    let image = |digit: &str| format!("ghcr.io/company/cart@sha256:{}", digit.repeat(64));
    let old = deployment(&image("a"), 1, "info", "one");
    check(
        &[deployment(&image("b"), 2, "debug", "two")],
        std::slice::from_ref(&old),
        &[
            "change Deployment/cart: replicas 1 -> 2; its configuration changed; cart.env.LOG_LEVEL.value info -> debug; \
             cart.env.PSP_TOKEN.value changed (secret); image cart@aaaaaaaaaaaa -> cart@bbbbbbbbbbbb",
        ],
    );
    let same = std::slice::from_ref(&old);
    check(same, same, &[]);
    let address = |word: &str| deployment("a", 1, &format!("postgres://u:{word}@db/x"), "t");
    check(
        &[address("swordfish")],
        &[address("haddock")],
        &["change Deployment/cart: cart.env.LOG_LEVEL.value (secret) -> (secret)"],
    );
}

#[test]
fn what_is_needed_comes_first_and_goes_last() {
    let all = [
        make("apps/v1", "Deployment", "cart"),
        make("v1", "Service", "cart"),
        make("batch/v1", "Job", "migrate"),
        make("v1", "ConfigMap", "cart"),
        make("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things"),
        make("v1", "Namespace", "shop"),
        make("example.com/v1", "Thing", "one"),
    ]
    .map(object);
    check(
        &all,
        &[],
        &[
            "create Namespace/shop",
            "create CustomResourceDefinition/things",
            "create ConfigMap/cart",
            "create Service/cart",
            "create Thing/one",
            "create Job/migrate",
            "create Deployment/cart",
        ],
    );
    check(
        &[],
        &all[..4],
        &[
            "remove Deployment/cart",
            "remove Job/migrate",
            "remove Service/cart",
            "remove ConfigMap/cart",
        ],
    );
}

#[test]
fn a_wave_of_the_manifest_wins_over_the_kind() {
    let mut late = make("v1", "ConfigMap", "late");
    late["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "1"});
    check(
        &[object(late), object(make("apps/v1", "Deployment", "cart"))],
        &[],
        &["create Deployment/cart", "create ConfigMap/late"],
    );
}

#[test]
fn what_its_manifest_asks_to_keep_is_not_removed() {
    for (key, word) in [
        ("helm.sh/resource-policy", "keep"),
        ("argocd.argoproj.io/sync-options", "Validate=false, Prune=false"),
    ] {
        let mut claim = make("v1", "PersistentVolumeClaim", "data");
        claim["metadata"]["annotations"] = json!({ key: word });
        check(
            &[],
            &[object(claim)],
            &["keep PersistentVolumeClaim/data (no longer in the chart, its manifest asks to keep it)"],
        );
    }
}

#[test]
fn no_secret_is_in_a_plan() {
    let shown = format!(
        "{:?}",
        plan(&inputs(
            &[secret("swordfish"), deployment("a", 1, "i", "swordfish")],
            &[secret("haddock"), deployment("a", 1, "i", "haddock")],
        ))
    );
    assert!(shown.contains("stringData.KEY changed (secret)"), "{shown}");
    assert!(
        !shown.contains("swordfish") && !shown.contains("haddock"),
        "{shown}"
    );
}

fn inputs<'a>(desired: &'a [Object], observed: &'a [Object]) -> Inputs<'a> {
    Inputs {
        environment: "staging",
        runtime: &Runtime::Local,
        desired,
        observed,
        parent_generation: 3,
        findings: &[],
    }
}

#[test]
fn a_plan_is_known_by_all_that_it_was_made_from() {
    let (a, b) = (secret("a"), secret("b"));
    let one = [a.clone()];
    let two = [a.clone(), deployment("x", 1, "i", "t")];
    let turned = [two[1].clone(), a];
    let base = plan(&inputs(&two, &one));
    assert_eq!(
        base,
        plan(&inputs(&turned, &one)),
        "the order of rendering does not matter"
    );
    let finding = [Finding {
        rule: "r".to_owned(),
        message: "m".to_owned(),
        remedy: "y".to_owned(),
        blocks: true,
    }];
    let others = [
        plan(&Inputs {
            environment: "production",
            ..inputs(&two, &one)
        }),
        plan(&Inputs {
            parent_generation: 4,
            ..inputs(&two, &one)
        }),
        plan(&Inputs {
            findings: &finding,
            ..inputs(&two, &one)
        }),
        plan(&inputs(&two, &[])),
        plan(&inputs(&[b, two[1].clone()], &one)),
    ];
    for other in &others {
        assert_ne!(base.digest, other.digest, "{other:?}");
    }
    assert_eq!(objects_digest(&two), objects_digest(&turned));
}

#[test]
fn what_one_machine_does_not_enforce_is_said() {
    let mut placed = deployment("a", 1, "i", "t").into_value();
    placed["spec"]["template"]["spec"]["affinity"] = json!({"nodeAffinity": {}});
    let container = &mut placed["spec"]["template"]["spec"]["containers"][0];
    container["resources"] = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
    container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 5}}});
    container["startupProbe"] = json!({"grpc": {"port": 1}});
    container["livenessProbe"] = json!({"httpGet": {"port": 1, "scheme": "HTTPS"}});
    let desired = [
        object(make("networking.k8s.io/v1", "NetworkPolicy", "a")),
        object(make("networking.k8s.io/v1", "NetworkPolicy", "b")),
        object(make("policy/v1", "PodDisruptionBudget", "a")),
        object(placed),
        secret("a"),
    ];
    assert_eq!(
        plan(&inputs(&desired, &[])).not_enforced,
        [
            "CPU limit (1): processes share what the machine has",
            "HTTPS probe (1): only the connection is looked at",
            "NetworkPolicy (2): every process may connect to every other",
            "PodDisruptionBudget (1): there are no nodes to drain",
            "affinity (1): there is one machine",
            "gRPC probe (1): only the connection is looked at",
            "preStop hook (1): the proxy drains an instance, then it gets SIGTERM",
        ]
    );
    let cluster = Runtime::Kubernetes {
        context: None,
        namespace: "shop".to_owned(),
        impersonate: None,
    };
    let on_cluster = plan(&Inputs {
        runtime: &cluster,
        ..inputs(&desired, &[])
    });
    assert!(on_cluster.not_enforced.is_empty());
}

#[test]
fn settings_that_a_release_changes_are_lines_of_the_plan_and_part_of_its_digest() {
    let environment = |settings: &str| {
        let text = format!(
            "platform: shop\nservices: {{ cart: {{ image: cart }} }}\nchart: chart\nedge: cart\nenvironments:\n  test: {{ source: {{ branch: main }}, port: 3000, {settings} }}\n"
        );
        let config = Config::parse("windlass.yaml", &text).unwrap();
        config.environment("test").unwrap().clone()
    };
    let before = environment("watch: 30m, deploy: manual");
    let made = plan(&inputs(&[], &[]));
    assert_eq!(with_settings(made.clone(), &before, &before), made);
    let after = environment("watch: 1500ms, deploy: manual, strategy: recreate");
    let changed = with_settings(made.clone(), &before, &after);
    assert_eq!(
        changed.changes,
        [
            "windlass.yaml: strategy blue-green becomes recreate",
            "windlass.yaml: watch 1800s becomes 1500ms"
        ]
    );
    assert_ne!(changed.digest, made.digest);
    let other = environment("watch: 1501ms, deploy: manual, strategy: recreate");
    assert_ne!(with_settings(made, &before, &other).digest, changed.digest);
}
