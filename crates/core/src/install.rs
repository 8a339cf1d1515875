//! Windlass in a cluster: the objects that run it there, each for a cluster that enforces the level "restricted". Pure; who
//! applies them it does not know.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::access::Access;
use crate::config::Impersonate;
use crate::digest::Digest;

/// The name of all of them.
pub const NAME: &str = "windlass";
/// API and release page, and what probes ask.
const PORTS: (u16, u16) = (3900, 3901);
/// Of the user in the container: no user of a node has it.
const USER: u32 = 10_001;
/// Where the ledger is in the container.
const STATE: &str = "/var/lib/windlass";
const CONFIG: &str = "/etc/windlass";
const CACHE: &str = "/var/cache/windlass";
/// Where clients look for what tells the cluster who they are. It is mounted by name, for this container alone.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const RBAC: &str = "rbac.authorization.k8s.io";

/// What differs from cluster to cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Where Windlass is.
    pub namespace: String,
    /// Its image: a reference with a tag or, better, a digest.
    pub image: String,
    /// The text of windlass.yaml.
    pub config: String,
    /// Size of the volume of the ledger.
    pub storage: String,
    /// Class of the volume; `None` for the cluster's default.
    pub storage_class: Option<String>,
    /// Whether machines can share the volume.
    pub sharing: Sharing,
    /// The environments that it releases to.
    pub environments: Vec<Place>,
}

/// Who can have the volume of the ledger at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The pods of one node, as most volumes have it: both replicas are there.
    Node,
    /// All pods: the replicas are spread.
    Nodes,
}

/// An environment on this cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// What its objects need.
    pub access: Access,
    /// Whom Windlass stands in for there.
    pub impersonate: Option<Impersonate>,
}

impl Sharing {
    fn mode(self) -> &'static str {
        match self {
            Self::Node => "ReadWriteOnce",
            Self::Nodes => "ReadWriteMany",
        }
    }
}

impl Install {
    /// All objects, in the order in which they are applied.
    pub fn manifests(&self) -> Vec<Value> {
        let mut all = vec![self.home()];
        let mut places: Vec<&str> = self
            .environments
            .iter()
            .map(|one| one.namespace.as_str())
            .collect();
        places.retain(|place| *place != self.namespace);
        places.sort_unstable();
        places.dedup();
        all.extend(places.into_iter().map(|place| namespace(place, &json!({}))));
        all.push(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": self.metadata(), "automountServiceAccountToken": false }));
        all.extend(self.lease());
        for one in self.grants() {
            // Several environments may stand in for one account, or be one.
            if !all.iter().any(|other| is_same(other, &one)) {
                all.push(one);
            }
        }
        all.extend([
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": self.metadata(), "data": { "windlass.yaml": self.config } }),
            self.claim(),
            self.service(),
            self.network_policy(),
            self.disruption_budget(),
            self.deployment(),
        ]);
        all
    }

    /// The values with which the chart `charts/windlass` gives the same objects.
    pub fn values(&self) -> Value {
        let own = |one: &Value| {
            is_same(
                one,
                &json!({ "kind": "ServiceAccount", "metadata": self.metadata() }),
            )
        };
        let mut grants: Vec<Value> = Vec::new();
        for one in self.grants().into_iter().filter(|one| !own(one)) {
            if !grants.iter().any(|other| is_same(other, &one)) {
                grants.push(one);
            }
        }
        json!({
            "image": self.image, "config": self.config, "grants": grants,
            "storage": { "size": self.storage, "class": self.storage_class, "shared": self.sharing == Sharing::Nodes },
        })
    }

    fn grants(&self) -> Vec<Value> {
        let account = (self.namespace.as_str(), NAME);
        let granted = self
            .environments
            .iter()
            .flat_map(|place| match &place.impersonate {
                Some(who) => place.access.manifests_for(&place.namespace, who, account),
                None => place.access.manifests(&place.namespace, account),
            });
        let own = json!({ "kind": "ServiceAccount", "metadata": self.metadata() });
        granted.filter(|one| !is_same(one, &own)).collect()
    }

    fn metadata(&self) -> Value {
        json!({ "name": NAME, "namespace": self.namespace, "labels": labels() })
    }

    fn home(&self) -> Value {
        let level = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        namespace(&self.namespace, &level)
    }

    /// Which of the replicas acts.
    fn lease(&self) -> [Value; 2] {
        let metadata = json!({ "name": "windlass-lease", "namespace": self.namespace, "labels": labels() });
        let api = format!("{RBAC}/v1");
        let leases = |names: Value, verbs: &[&str]| {
            let mut rule =
                json!({ "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs });
            if !names.is_null() {
                rule["resourceNames"] = names;
            }
            rule
        };
        [
            json!({ "apiVersion": api, "kind": "Role", "metadata": metadata,
                "rules": [leases(Value::Null, &["create"]), leases(json!([NAME]), &["get", "update"])] }),
            json!({ "apiVersion": api, "kind": "RoleBinding", "metadata": metadata,
                "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": metadata["name"] },
                "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": self.namespace }] }),
        ]
    }

    fn claim(&self) -> Value {
        let mut spec = json!({
            "accessModes": [self.sharing.mode()], "resources": { "requests": { "storage": self.storage } },
        });
        if let Some(class) = &self.storage_class {
            spec["storageClassName"] = json!(class);
        }
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": self.metadata(), "spec": spec })
    }

    fn service(&self) -> Value {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": self.metadata(), "spec": {
            "selector": selector(), "ports": [{ "name": "http", "port": PORTS.0, "targetPort": "http" }],
        } })
    }

    /// In comes who calls the API; out goes what clusters, repositories and registries are asked, and a replica that stands
    /// by to the one that acts.
    fn network_policy(&self) -> Value {
        let tcp = |port: u16| json!({ "protocol": "TCP", "port": port });
        let dns = ["UDP", "TCP"].map(|protocol| json!({ "protocol": protocol, "port": 53 }));
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": self.metadata(), "spec": {
            "podSelector": { "matchLabels": selector() }, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "from": [{ "namespaceSelector": {} }], "ports": [tcp(PORTS.0)] }],
            "egress": [
                { "ports": dns },
                { "ports": [tcp(443), tcp(6443), tcp(22)] },
                { "to": [{ "podSelector": { "matchLabels": selector() } }], "ports": [tcp(PORTS.0)] },
            ],
        } })
    }

    fn disruption_budget(&self) -> Value {
        json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": self.metadata(),
            "spec": { "minAvailable": 1, "selector": { "matchLabels": selector() } } })
    }

    fn deployment(&self) -> Value {
        let digest = Digest::of_bytes(self.config.as_bytes()).to_string();
        let mut pod = json!({
            "serviceAccountName": NAME, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 30,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [self.container()],
            "volumes": [
                { "name": "state", "persistentVolumeClaim": { "claimName": NAME } },
                { "name": "config", "configMap": { "name": NAME } },
                { "name": "cache", "emptyDir": { "sizeLimit": "5Gi" } },
                { "name": "tmp", "emptyDir": { "sizeLimit": "1Gi" } },
                { "name": "token", "projected": { "sources": [
                    { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
                    { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                    { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } }] } },
                ] } },
            ],
        });
        let own = json!({ "labelSelector": { "matchLabels": selector() }, "topologyKey": "kubernetes.io/hostname" });
        pod["affinity"] = match self.sharing {
            Sharing::Node => {
                json!({ "podAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [own] } })
            }
            Sharing::Nodes => {
                json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
                { "weight": 100, "podAffinityTerm": own },
            ] } })
            }
        };
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.metadata(), "spec": {
            "replicas": 2, "revisionHistoryLimit": 3,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "selector": { "matchLabels": selector() },
            "template": {
                "metadata": { "labels": labels(), "annotations": { "windlass.dev/config": digest } },
                "spec": pod,
            },
        } })
    }

    fn container(&self) -> Value {
        let (http, probe) = PORTS;
        let probed = |path: &str, period: u32, failures: u32| {
            json!({ "httpGet": { "path": path, "port": "probe" }, "periodSeconds": period, "failureThreshold": failures,
                "timeoutSeconds": 2 })
        };
        let field = |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
        json!({
            "name": NAME, "image": self.image, "imagePullPolicy": "IfNotPresent",
            "args": [
                "serve", "--config", format!("{CONFIG}/windlass.yaml"), "--state", STATE,
                "--listen", format!("0.0.0.0:{http}"), "--probe", format!("0.0.0.0:{probe}"),
                "--lease", format!("{}/{NAME}", self.namespace),
            ],
            "env": [
                field("POD_NAME", "metadata.name"), field("POD_IP", "status.podIP"),
                { "name": "XDG_CACHE_HOME", "value": CACHE }, { "name": "HOME", "value": "/tmp" },
            ],
            "ports": [{ "name": "http", "containerPort": http }, { "name": "probe", "containerPort": probe }],
            "startupProbe": probed("/livez", 2, 30),
            "readinessProbe": probed("/readyz", 5, 3),
            "livenessProbe": probed("/livez", 5, 3),
            "resources": {
                "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "cpu": "2", "memory": "1Gi" },
            },
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
                "capabilities": { "drop": ["ALL"] },
            },
            "volumeMounts": [
                { "name": "state", "mountPath": STATE }, { "name": "config", "mountPath": CONFIG, "readOnly": true },
                { "name": "cache", "mountPath": CACHE }, { "name": "tmp", "mountPath": "/tmp" },
                { "name": "token", "mountPath": TOKEN, "readOnly": true },
            ],
        })
    }
}

fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": NAME })
}

fn selector() -> Value {
    json!({ "app.kubernetes.io/name": NAME })
}

fn namespace(name: &str, labels: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
}

fn is_same(one: &Value, other: &Value) -> bool {
    let name = |object: &Value, key: &str| object["metadata"][key].clone();
    one["kind"] == other["kind"]
        && name(one, "name") == name(other, "name")
        && name(one, "namespace") == name(other, "namespace")
}
