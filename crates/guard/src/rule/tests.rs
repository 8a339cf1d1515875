//! One well-made pair of objects breaks no rule; each change to it breaks the rule that it is about, and no other.

use serde_json::{Value, json};
use windlass_core::config::Severity;
use windlass_core::object::Object;

use super::RULES;
use crate::{Policy, judge};

fn good() -> Vec<Value> {
    let digest = "0".repeat(64);
    let container = json!({
        "name": "cart",
        "image": format!("ghcr.io/company/cart@sha256:{digest}"),
        "ports": [{"containerPort": 3003}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "cart", "key": "DB_PASSWORD"}}},
            {"name": "TLS_PRIVATE_KEY", "value": "/etc/tls/key.pem"},
            {"name": "DATABASE_URL", "value": "postgres://cart:$(DB_PASSWORD)@db:5432/cart"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 3003}},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 3003}},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    });
    vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"}, "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {"metadata": {"labels": {"app": "cart"}}, "spec": {
                "automountServiceAccountToken": false,
                "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }},
        }}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "cart"}, "spec": {
            "maxUnavailable": 1, "selector": {"matchLabels": {"app": "cart"}},
        }}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}, "spec": {
            "selector": {"app": "cart"}, "ports": [{"port": 3003}],
        }}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "cart"}, "spec": {
            "podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"],
        }}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "cart"}, "spec": {
            "tls": [{"hosts": ["*.example.com"], "secretName": "tls"}], "rules": [{"host": "shop.example.com"}],
        }}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cart"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {"CART_URL": "http://cart:3003"}}),
    ]
}

fn broken(values: Vec<Value>, production: bool) -> Vec<String> {
    let objects: Vec<Object> = values
        .into_iter()
        .map(|value| Object::new(value).unwrap())
        .collect();
    let policy = Policy {
        production,
        blocks_from: Severity::High,
    };
    judge(&objects, policy)
        .into_iter()
        .map(|finding| finding.rule)
        .collect()
}

/// Sets a field of the pod (`pod/`), the container (`container/`) or an object by its index (`1/`); null removes it.
fn with(at: &str, value: Value) -> Vec<Value> {
    let mut objects = good();
    let (start, path) = at.split_once('/').unwrap();
    let mut place = match start {
        "pod" => &mut objects[0]["spec"]["template"]["spec"],
        "container" => &mut objects[0]["spec"]["template"]["spec"]["containers"][0],
        index => &mut objects[index.parse::<usize>().unwrap()],
    };
    for key in path.split('/') {
        place = match key.parse::<usize>() {
            Ok(index) if place.is_array() => &mut place[index],
            _ => &mut place[key],
        };
    }
    *place = value;
    objects
}

#[test]
fn well_made_objects_break_no_rule() {
    assert_eq!(broken(good(), true), Vec::<String>::new());
    let optional = json!([{"configMapRef": {"name": "other", "optional": true}}]);
    assert_eq!(
        broken(with("container/envFrom", optional), true),
        Vec::<String>::new()
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one case a line or two")]
fn each_rule_is_broken_by_what_it_is_about() {
    let image = |name: &str| Value::String(format!("ghcr.io/company/{name}"));
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let cases = [
        ("image-latest", "container/image", image("cart")),
        ("image-latest", "container/image", image("cart:latest")),
        ("image-digest", "container/image", image("cart:v1.2.3")),
        ("privileged", "container/securityContext/privileged", json!(true)),
        (
            "privilege-escalation",
            "container/securityContext/allowPrivilegeEscalation",
            Value::Null,
        ),
        (
            "privilege-escalation",
            "container/securityContext/allowPrivilegeEscalation",
            json!(true),
        ),
        ("non-root", "pod/securityContext/runAsNonRoot", Value::Null),
        ("non-root", "container/securityContext/runAsNonRoot", json!(false)),
        ("non-root", "container/securityContext/runAsUser", json!(0)),
        (
            "read-only-root",
            "container/securityContext/readOnlyRootFilesystem",
            Value::Null,
        ),
        (
            "capabilities",
            "container/securityContext/capabilities",
            Value::Null,
        ),
        (
            "capabilities",
            "container/securityContext/capabilities/add",
            json!(["NET_ADMIN"]),
        ),
        ("host-namespaces", "pod/hostNetwork", json!(true)),
        ("host-namespaces", "pod/hostPID", json!(true)),
        (
            "host-path",
            "pod/volumes/0",
            json!({"name": "tmp", "hostPath": {"path": "/var/run"}}),
        ),
        (
            "resources",
            "container/resources",
            json!({"requests": {"cpu": "1", "memory": "1Gi"}}),
        ),
        (
            "resources",
            "container/resources",
            json!({"limits": {"memory": "1Gi"}}),
        ),
        ("probes", "container/readinessProbe", Value::Null),
        ("probes", "container/livenessProbe", Value::Null),
        ("plain-secret", "container/env/0", variable("JWT_SECRET", "hush")),
        (
            "plain-secret",
            "container/env/0",
            variable("URL", "redis://cart:hush@redis:6379/0"),
        ),
        (
            "plain-secret",
            "container/env/0",
            variable("CERT", "-----BEGIN PRIVATE KEY-----\nhush"),
        ),
        ("plain-secret", "6/data/api-key", json!("hush")),
        ("disruption-budget", "1/spec/maxUnavailable", json!(0)),
        ("disruption-budget", "1/spec", json!({"minAvailable": "100%"})),
        (
            "disruption-budget",
            "1/spec",
            json!({"minAvailable": 2, "selector": {"matchLabels": {"app": "cart"}}}),
        ),
        (
            "pod-security",
            "container/ports",
            json!([{"containerPort": 3003, "hostPort": 80}]),
        ),
        (
            "pod-security",
            "pod/volumes/0",
            json!({"name": "tmp", "nfs": {"server": "x", "path": "/"}}),
        ),
        (
            "dangling-reference",
            "container/envFrom",
            json!([{"configMapRef": {"name": "other"}}]),
        ),
        ("dangling-reference", "pod/serviceAccountName", json!("other")),
        (
            "dangling-reference",
            "pod/volumes/0",
            json!({"name": "tmp", "persistentVolumeClaim": {"claimName": "other"}}),
        ),
        ("service-selector", "2/spec/selector/app", json!("carts")),
        (
            "network-policy",
            "3/spec/podSelector/matchLabels/app",
            json!("other"),
        ),
        ("ingress-tls", "4/spec/tls", Value::Null),
        (
            "service-account-token",
            "pod/automountServiceAccountToken",
            Value::Null,
        ),
        ("seccomp", "pod/securityContext/seccompProfile", Value::Null),
        ("replicas", "0/spec/replicas", json!(1)),
    ];
    for (rule, at, value) in &cases {
        assert_eq!(broken(with(at, value.clone()), true), [*rule], "{at} {value}");
    }
    for rule in RULES {
        assert!(
            cases.iter().any(|(name, ..)| *name == rule.name),
            "{} has no bad case",
            rule.name
        );
    }
    assert!(RULES.is_sorted_by_key(|rule| rule.name));
}

#[test]
fn an_autoscaler_and_the_environment_count_for_replicas() {
    let mut scaled = with("0/spec/replicas", json!(1));
    assert_eq!(broken(scaled.clone(), false), Vec::<String>::new());
    scaled.push(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "cart"}, "spec": {
        "minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "cart"},
    }}));
    assert_eq!(broken(scaled, true), Vec::<String>::new());
}

#[test]
fn severity_decides_what_blocks_and_no_secret_is_shown() {
    let mut bad = with("container/env/0", json!({"name": "JWT_SECRET", "value": "hush"}));
    bad[0]["spec"]["template"]["spec"]["automountServiceAccountToken"] = json!(true);
    let objects: Vec<Object> = bad.into_iter().map(|value| Object::new(value).unwrap()).collect();
    let blocking = |blocks_from: Severity| {
        let policy = Policy {
            production: true,
            blocks_from,
        };
        let found = judge(&objects, policy);
        assert!(
            found.iter().all(|finding| !finding.message.contains("hush")),
            "{found:?}"
        );
        assert_eq!(found[0].rule, "plain-secret", "the worst comes first");
        found.iter().filter(|finding| finding.blocks).count()
    };
    assert_eq!(blocking(Severity::Critical), 0);
    assert_eq!(blocking(Severity::High), 1);
    assert_eq!(blocking(Severity::Low), 2);
}
