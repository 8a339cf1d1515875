//! Objects: what makes one, and what each typed view reads from a manifest.

use super::*;
use serde_json::json;

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn deployment() -> Object {
    object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "labels": {"app": "cart"}, "annotations": {"note": "n"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": {"app": "cart", "tier": "back"}},
                "spec": {
                    "terminationGracePeriodSeconds": 45,
                    "initContainers": [{"name": "wait", "image": "busybox"}],
                    "containers": [{
                        "name": "cart", "image": "r/cart:v1", "command": ["cart"], "args": ["serve"],
                        "ports": [{"name": "http", "containerPort": 3003}, {"containerPort": 0}],
                        "env": [
                            {"name": "PORT", "value": "3003"},
                            {"name": "EMPTY"},
                            {"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "cart-config", "key": "url"}}},
                            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "cart-secret", "key": "k", "optional": true}}},
                            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        ],
                        "envFrom": [{"prefix": "C_", "configMapRef": {"name": "all"}}, {"secretRef": {"name": "s", "optional": true}}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 2},
                        "livenessProbe": {"exec": {"command": ["cart", "health"]}},
                        "startupProbe": {"tcpSocket": {"port": 3003}, "failureThreshold": 30},
                        "resources": {"requests": {"cpu": 1, "memory": "256Mi"}, "limits": {"cpu": "500m"}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "conf", "mountPath": "/etc/x", "subPath": "a", "readOnly": true}],
                    }],
                    "volumes": [
                        {"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}},
                        {"name": "conf", "configMap": {"name": "cart-config", "items": [{"key": "a", "path": "b"}]}},
                        {"name": "tmp", "emptyDir": {}},
                        {"name": "both", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}},
                        {"name": "drv", "csi": {"driver": "x"}},
                    ],
                },
            },
        },
    }))
}

#[test]
fn names_of_an_object_are_read() {
    let object = deployment();
    assert_eq!(object.reference().to_string(), "apps/Deployment shop/cart");
    assert_eq!(
        (object.label("app"), object.annotation("note")),
        (Some("cart"), Some("n"))
    );
    assert!(object.is("apps", "Deployment") && !object.is("extensions", "Deployment"));
    let json = serde_json::to_string(&object).unwrap();
    assert_eq!(serde_json::from_str::<Object>(&json).unwrap(), object);
}

#[test]
fn what_is_no_object_is_refused_by_name() {
    for (value, expected) in [
        (json!(null), "the manifest is empty, not a map"),
        (json!(["x"]), "the manifest is a list, not a map"),
        (json!({}), "an object has no `apiVersion`"),
        (json!({"apiVersion": "v1"}), "an object has no `kind`"),
        (
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {}}),
            "Service has no `metadata.name`",
        ),
        (
            json!({"kind": "Service", "metadata": {"name": "cart"}}),
            "Service cart has no `apiVersion`",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": 5}}),
            "Service has no `metadata.name`",
        ),
    ] {
        let error = Object::new(value).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn an_edit_cannot_unmake_an_object() {
    let object = deployment();
    let renamed = object
        .edited(|value| value["metadata"]["name"] = json!("other"))
        .unwrap();
    assert_eq!((renamed.name(), object.name()), ("other", "cart"));
    assert!(object.edited(|value| *value = json!(null)).is_err());
}

#[test]
fn a_workload_shows_its_pod() {
    let object = deployment();
    let workload = object.workload().unwrap();
    let pod = workload.pod().unwrap();
    assert_eq!(
        (workload.kind(), workload.replicas()),
        (WorkloadKind::Deployment, 3)
    );
    assert_eq!((pod.grace_s(), pod.restart_policy()), (45, "Always"));
    assert_eq!(pod.labels().get("tier"), Some(&"back"));
    assert_eq!(pod.init_containers()[0].name(), "wait");
    let sources: Vec<_> = pod.volumes().into_iter().map(|volume| volume.source).collect();
    assert_eq!(sources[0], VolumeSource::Claim { name: "cart-data" });
    let items = vec![VolumeItem { key: "a", path: "b" }];
    assert_eq!(
        sources[1],
        VolumeSource::ConfigMap {
            name: "cart-config",
            items,
            optional: false
        }
    );
    assert_eq!(sources[2], VolumeSource::EmptyDir);
    let VolumeSource::Projected { sources: parts } = &sources[3] else {
        panic!("{sources:?}")
    };
    assert!(matches!(parts[0], VolumeSource::Secret { name: "s", .. }));
    assert_eq!(sources[4], VolumeSource::Other { kind: "csi" });
}

#[test]
fn every_kind_of_workload_has_its_pod_in_its_own_place() {
    let pod = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (api, kind, spec) in [
        ("apps/v1", "StatefulSet", json!({"template": pod})),
        ("apps/v1", "DaemonSet", json!({"template": pod})),
        ("batch/v1", "Job", json!({"template": pod})),
        (
            "batch/v1",
            "CronJob",
            json!({"jobTemplate": {"spec": {"template": pod}}}),
        ),
        ("v1", "Pod", pod["spec"].clone()),
    ] {
        let object =
            object(json!({"apiVersion": api, "kind": kind, "metadata": {"name": "n"}, "spec": spec}));
        assert_eq!(object.workload().unwrap().containers()[0].image(), "i", "{kind}");
    }
    let foreign = object(json!({"apiVersion": "x.io/v1", "kind": "Deployment", "metadata": {"name": "n"}}));
    assert!(foreign.workload().is_none());
}

#[test]
fn a_container_shows_what_it_runs_with() {
    let object = deployment();
    let container = object.workload().unwrap().containers()[0];
    assert_eq!(
        (container.command(), container.args()),
        (vec!["cart"], vec!["serve"])
    );
    assert_eq!(
        container.ports(),
        [Port {
            name: Some("http"),
            number: 3003,
            protocol: "TCP"
        }]
    );
    assert_eq!(container.port(&PortName::Named("http".to_owned())), Some(3003));
    let values: Vec<_> = container.env().into_iter().map(|env| env.value).collect();
    let key = |name, key, optional| KeySource { name, key, optional };
    assert_eq!(
        values,
        [
            EnvValue::Literal("3003"),
            EnvValue::Literal(""),
            EnvValue::ConfigMap(key("cart-config", "url", false)),
            EnvValue::Secret(key("cart-secret", "k", true)),
            EnvValue::Field("metadata.name"),
        ]
    );
    let from = container.env_from();
    assert_eq!(
        (from[0].prefix, from[0].source, from[0].optional),
        ("C_", EnvFromSource::ConfigMap("all"), false)
    );
    assert_eq!(
        (from[1].source, from[1].optional),
        (EnvFromSource::Secret("s"), true)
    );
    assert_eq!(container.resources().requests["cpu"], "1");
    assert_eq!(container.resources().limits["cpu"], "500m");
    assert_eq!(container.mounts()[1].sub_path, Some("a"));
}

#[test]
fn probes_have_the_defaults_of_kubernetes() {
    let object = deployment();
    let container = object.workload().unwrap().containers()[0];
    let ready = container.readiness().unwrap();
    assert_eq!(
        (
            ready.period_s,
            ready.timeout_s,
            ready.success_threshold,
            ready.failure_threshold
        ),
        (2, 1, 1, 3)
    );
    let Check::Http { path, port, tls, .. } = ready.check else {
        panic!("{ready:?}")
    };
    assert_eq!((path, port.to_string().as_str(), tls), ("/ready", "http", false));
    assert_eq!(
        container.liveness().unwrap().check,
        Check::Exec {
            command: vec!["cart", "health"]
        }
    );
    assert_eq!(
        container.startup().unwrap().check,
        Check::Tcp {
            port: PortName::Number(3003)
        }
    );
}

#[test]
fn a_service_shows_ports_and_selects_pods() {
    let object = object(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"},
        "spec": {"selector": {"app": "cart"}, "ports": [{"port": 80, "targetPort": "http"}, {"port": 3003}, {"port": 70000}]},
    }));
    let service = object.service().unwrap();
    assert_eq!((service.kind(), service.is_headless()), ("ClusterIP", false));
    let ports: Vec<_> = service
        .ports()
        .into_iter()
        .map(|port| (port.port, port.target.to_string()))
        .collect();
    assert_eq!(ports, [(80, "http".to_owned()), (3003, "3003".to_owned())]);
    assert!(service.selects(&[("app", "cart"), ("x", "y")].into()));
    assert!(!service.selects(&[("app", "user")].into()));
    let bare = object
        .edited(|value| value["spec"]["selector"] = json!({}))
        .unwrap();
    assert!(
        !bare.service().unwrap().selects(&[("app", "cart")].into()),
        "no selector selects nothing"
    );
}

#[test]
fn settings_are_decoded_and_secrets_never_printed() {
    let secret = object(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "data": {"a": "aGVs\nbG8=", "b": "b2xk", "bad": "%"}, "stringData": {"b": "new"},
    }));
    let secret = secret.secret().unwrap();
    let content = secret.reveal();
    assert_eq!(
        (content["a"].as_slice(), content["b"].as_slice()),
        (&b"hello"[..], &b"new"[..])
    );
    assert!(!content.contains_key("bad"));
    let shown = format!("{secret:?}");
    assert!(
        shown.contains("bad") && !shown.contains("new") && !shown.contains("aGVs"),
        "{shown}"
    );
    let config = object(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}, "binaryData": {"b": "AP8="},
    }));
    let bytes = config.config_map().unwrap().bytes();
    assert_eq!(
        (bytes["k"].as_slice(), bytes["b"].as_slice()),
        (&b"v"[..], &[0, 255][..])
    );
}

#[test]
fn a_claim_shows_its_size() {
    let object = object(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }));
    let claim = object.claim().unwrap();
    assert_eq!(
        (claim.size(), claim.class(), claim.access_modes()),
        (Some("1Gi"), None, vec!["ReadWriteOnce"])
    );
}

#[test]
fn hooks_are_read_from_helm_and_argo() {
    let hook = |annotations: Value| {
        object(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m", "annotations": annotations}})).hook()
    };
    let helm = hook(json!({"helm.sh/hook": "pre-upgrade, pre-install,pre-upgrade", "helm.sh/hook-weight": "-5", "helm.sh/hook-delete-policy": "hook-succeeded"})).unwrap();
    assert_eq!(helm.phases, [HookPhase::PreInstall, HookPhase::PreUpgrade]);
    assert_eq!(
        (helm.weight, helm.delete.as_slice()),
        (-5, &[DeletePolicy::Succeeded][..])
    );
    assert!(helm.runs_before(Initial::Yes) && helm.runs_before(Initial::No) && !helm.runs_after(Initial::No));
    let argo = hook(json!({"argocd.argoproj.io/hook": "PostSync", "helm.sh/hook": "pre-install", "argocd.argoproj.io/sync-wave": "2"})).unwrap();
    assert_eq!(
        (argo.phases.as_slice(), argo.weight),
        (&[HookPhase::PostSync][..], 2)
    );
    assert_eq!(argo.delete, [DeletePolicy::BeforeCreation]);
    assert!(argo.runs_after(Initial::Yes) && argo.runs_after(Initial::No));
    assert_eq!(
        hook(json!({"helm.sh/hook": "crd-install"})),
        None,
        "a plain object nowadays"
    );
    for unknown in [
        json!({"argocd.argoproj.io/hook": "Presync"}),
        json!({"helm.sh/hook": "pre-instal"}),
    ] {
        assert_eq!(
            hook(unknown).unwrap().phases,
            [],
            "it was meant as one, and never runs"
        );
    }
    assert_eq!(hook(json!({})), None);
    assert_eq!(hook(json!({"argocd.argoproj.io/hook": " "})), None);
    let job = object(
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m", "annotations": {"helm.sh/hook": "pre-upgrade"}}}),
    );
    assert!(job.is_hook_job());
}
