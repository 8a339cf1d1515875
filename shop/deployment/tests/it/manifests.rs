//! The plain manifests for production, which the chart's own test holds in step with the chart: each service as the guide has it.

use serde_json::{Value, json};

use crate::{services, yaml};

const PATH: &str = "infrastructure/k8s/ecommerce-platform.yaml";

struct Manifests(Vec<Value>);

impl Manifests {
    fn read() -> Self {
        Self(yaml(PATH))
    }

    fn find(&self, kind: &str, name: &str) -> &Value {
        let found: Vec<_> = self
            .0
            .iter()
            .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name)
            .collect();
        assert_eq!(found.len(), 1, "{kind} {name}");
        found[0]
    }
}

#[test]
fn each_service_includes_what_the_guide_lists() {
    let manifests = Manifests::read();
    for (name, service) in services() {
        for kind in [
            "Deployment",
            "Service",
            "ConfigMap",
            "HorizontalPodAutoscaler",
            "VerticalPodAutoscaler",
            "PodDisruptionBudget",
            "NetworkPolicy",
            "ServiceAccount",
        ] {
            let object = manifests.find(kind, &name);
            assert_eq!(object["metadata"]["namespace"], "production", "{kind} {name}");
            assert_eq!(
                object["metadata"]["labels"]["app"],
                name.as_str(),
                "{kind} {name}"
            );
            assert_eq!(
                object["metadata"]["labels"]["component"], service["component"],
                "{kind} {name}"
            );
        }
        // The Secret is made on the cluster, by the operator that this object talks to.
        let secret = manifests.find("ExternalSecret", &name);
        assert_eq!(secret["spec"]["target"]["name"], name.as_str());
        let budget = manifests.find("PodDisruptionBudget", &name);
        assert_eq!(budget["spec"]["maxUnavailable"], 1, "{name}");
        let scaler = &manifests.find("HorizontalPodAutoscaler", &name)["spec"];
        assert_eq!(scaler["scaleTargetRef"]["name"], name.as_str());
        assert!(
            scaler["minReplicas"].as_i64() < scaler["maxReplicas"].as_i64(),
            "{name}: {scaler}"
        );
        let adviser = &manifests.find("VerticalPodAutoscaler", &name)["spec"];
        assert_eq!(
            adviser["updatePolicy"]["updateMode"], "Off",
            "{name}: two that act would fight"
        );
    }
}

#[test]
fn deployments_are_the_guides() {
    let manifests = Manifests::read();
    for (name, service) in services() {
        let spec = &manifests.find("Deployment", &name)["spec"];
        assert_eq!(
            spec["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
            "{name}"
        );
        let pod = &spec["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["name"], name.as_str());
        let image = container["image"].as_str().unwrap();
        assert!(image.starts_with(&format!("ghcr.io/company/{name}:v")), "{image}");
        assert_eq!(
            container["resources"],
            json!({
                "requests": {"memory": "256Mi", "cpu": "250m"},
                "limits": {"memory": "512Mi", "cpu": "500m"},
            }),
            "{name}"
        );
        assert_eq!(container["ports"][0]["containerPort"], service["port"], "{name}");
        for (probe, path) in [("livenessProbe", "/health"), ("readinessProbe", "/ready")] {
            let probe = &container[probe]["httpGet"];
            // The port's name is that of the service's own port.
            assert_eq!(*probe, json!({"path": path, "port": "http"}), "{name}");
        }
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(security["capabilities"]["drop"], json!(["ALL"]), "{name}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        let wishes = &pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
        assert_eq!(
            wishes[0]["preference"]["matchExpressions"][0]["key"], "workload",
            "{name}"
        );
        let spread = pod["topologySpreadConstraints"].as_array().unwrap();
        assert!(
            spread
                .iter()
                .any(|one| one["topologyKey"] == "topology.kubernetes.io/zone"),
            "{name}"
        );
    }
}

#[test]
fn databases_are_reached_through_the_pool_and_volumes_have_a_class() {
    let manifests = Manifests::read();
    let settings = &manifests.find("ConfigMap", "pgbouncer")["data"]["pgbouncer.ini"];
    let settings = settings.as_str().unwrap();
    for line in [
        "users = host=",
        "users_read = host=",
        "orders = host=",
        "orders_read = host=",
        "pool_mode = session",
    ] {
        assert!(settings.contains(line), "{line} in {settings}");
    }
    let policy = manifests.find("NetworkPolicy", "pgbouncer").to_string();
    for (name, service) in services() {
        let asks = service["store"]["kind"] == "postgresql";
        assert_eq!(
            policy.contains(&format!("\"app\":\"{name}\"")),
            asks,
            "{name} and the pool"
        );
    }
    let class = yaml("infrastructure/cluster/storage-class.yaml").remove(0);
    assert_eq!(
        (&class["kind"], &class["provisioner"]),
        (&json!("StorageClass"), &json!("ebs.csi.aws.com"))
    );
    assert_eq!(
        (&class["parameters"]["type"], &class["parameters"]["encrypted"]),
        (&json!("gp3"), &json!("true"))
    );
    // A volume in another zone than the pod would be of no use to it.
    assert_eq!(class["volumeBindingMode"], "WaitForFirstConsumer");
    for object in &manifests.0 {
        if object["kind"] == "PersistentVolumeClaim" {
            assert_eq!(
                object["spec"]["storageClassName"], class["metadata"]["name"],
                "{object}"
            );
        }
    }
}

/// A volume that one node at a time may write keeps its pods together, or a rollout would wait for it for ever.
#[test]
fn pods_that_share_a_file_share_a_node() {
    let manifests = Manifests::read();
    for (name, service) in services() {
        let embedded = service["store"]["kind"] == "embedded";
        let job = format!("{name}-migrate-");
        let shares = manifests.0.iter().filter(|object| {
            let own = object["metadata"]["name"].as_str().unwrap();
            object["kind"] == "Deployment" && own == name || object["kind"] == "Job" && own.starts_with(&job)
        });
        for object in shares {
            let template = &object["spec"]["template"];
            let affinity = &template["spec"]["affinity"];
            let together = &affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
            let expected = json!([{
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"keeps-data": name}},
            }]);
            assert_eq!(*together == expected, embedded, "{name}: {affinity}");
            assert_eq!(
                template["metadata"]["labels"]["keeps-data"] == name.as_str(),
                embedded
            );
            let spread = template["spec"]["topologySpreadConstraints"].to_string();
            assert!(
                !embedded || !spread.contains("kubernetes.io/hostname"),
                "{name}: {spread}"
            );
        }
        if embedded {
            let spec = &manifests.find("Deployment", &name)["spec"];
            assert_eq!(spec["replicas"], 1, "{name}: its node could not be drained");
        }
    }
}

#[test]
fn no_service_has_rights_on_the_cluster() {
    for object in Manifests::read().0 {
        let kind = object["kind"].as_str().unwrap();
        assert!(!kind.contains("Role"), "{object}");
        if kind == "ServiceAccount" {
            assert_eq!(object["automountServiceAccountToken"], false, "{object}");
        }
    }
}
