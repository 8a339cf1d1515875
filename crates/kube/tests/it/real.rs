//! The driver against a real control plane, whose nodes pretend: their pods become ready by themselves.

use std::time::Duration;

use http::Request;
use kube::Client;
use serde_json::{Value, json};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_core::track;
use windlass_kube::{Cluster, Owner, Place, Target};

use crate::apply::{object, until};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A namespace of its own, and a way to act as somebody else.
struct Real {
    place: Place,
    target: Target,
    client: Client,
    namespace: String,
}

impl Real {
    async fn begin(test: &str) -> Option<Self> {
        let cluster = windlass_cluster::Cluster::shared()?;
        let target = Target {
            kubeconfig: Some(cluster.kubeconfig().to_owned()),
            context: None,
            ..Target::default()
        };
        let file = kube::config::Kubeconfig::read_from(target.kubeconfig.as_ref().unwrap()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap();
        let namespace = format!("wl-{test}-{}", std::process::id());
        let mut real = Self {
            place: Place::new(Cluster::connect(&target).await.unwrap(), &namespace, owner()),
            client: Client::try_from(config).unwrap(),
            target,
            namespace,
        };
        real.place = real.another().await;
        Some(real)
    }

    /// The next controller's place.
    async fn another(&self) -> Place {
        let place = Place::new(
            Cluster::connect(&self.target).await.unwrap(),
            &self.namespace,
            owner(),
        );
        place.open().await.unwrap();
        place
    }

    /// A person with `kubectl`.
    async fn merge(&self, path: &str, manager: &str, patch: &Value) {
        let uri = format!("{path}?fieldManager={manager}");
        let request = Request::patch(uri)
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string().into_bytes());
        self.client.request::<Value>(request.unwrap()).await.unwrap();
    }

    async fn delete(&self, path: &str) {
        self.client
            .request::<Value>(Request::delete(path).body(Vec::new()).unwrap())
            .await
            .unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        self.client
            .request(Request::get(path).body(Vec::new()).unwrap())
            .await
            .unwrap()
    }

    fn path(&self, api: &str, rest: &str) -> String {
        format!("/{api}/namespaces/{}/{rest}", self.namespace)
    }

    async fn end(self) {
        self.delete(&format!("/api/v1/namespaces/{}", self.namespace))
            .await;
    }
}

fn owner() -> Owner {
    Owner {
        platform: "shop".to_owned(),
        environment: "production".to_owned(),
    }
}

/// A chart of the usual kinds with the usual details that a server fills in or writes differently.
fn chart(image: &str) -> Vec<Object> {
    let labels = json!({ "app": "cart" });
    let container = json!({ "name": "cart", "image": image, "imagePullPolicy": "IfNotPresent", "stdin": false,
        "ports": [{ "name": "http", "containerPort": 8080 }, { "containerPort": 9090 }],
        "env": [{ "name": "A", "value": "" }, { "name": "B", "valueFrom": { "configMapKeyRef": { "name": "cart", "key": "k" } } }],
        "resources": { "requests": { "cpu": "0.1", "memory": "1024Ki" }, "limits": { "cpu": "1000m", "memory": "64Mi" } },
        "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"], "add": [] } },
        "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }] });
    vec![
        object(
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart", "creationTimestamp": null, "labels": labels },
            "spec": { "replicas": 2, "selector": { "matchLabels": labels }, "strategy": {},
                "template": { "metadata": { "labels": labels, "annotations": {} }, "spec": { "containers": [container],
                    "hostNetwork": false, "nodeSelector": {}, "tolerations": [], "volumes": [{ "name": "tmp", "emptyDir": {} }],
                    "topologySpreadConstraints": [{ "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": { "matchLabels": labels } }] } } },
            "status": {} }),
        ),
        object(
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "cart" }, "spec": { "type": "ClusterIP",
            "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }, { "name": "m", "port": 81, "targetPort": 9090, "protocol": "TCP" }] } }),
        ),
        object(
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "cart" }, "data": { "k": "v", "empty": "" } }),
        ),
        object(
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "cart" }, "type": "Opaque", "stringData": { "p": "hunter2" } }),
        ),
        object(
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "cart" }, "automountServiceAccountToken": false }),
        ),
        object(
            json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "cart" },
            "spec": { "minAvailable": "50%", "selector": { "matchLabels": labels } } }),
        ),
        object(
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "cart" },
            "spec": { "podSelector": { "matchLabels": labels }, "policyTypes": ["Ingress"], "ingress": [{ "from": [{ "podSelector": {} }], "ports": [{ "port": 8080 }] }] } }),
        ),
        object(
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "cart" },
            "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }] }),
        ),
    ]
}

async fn in_time<T>(what: &str, done: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, done)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

#[tokio::test]
async fn a_real_cluster_is_sent_nothing_when_nothing_changed() {
    let Some(real) = Real::begin("same").await else {
        return;
    };
    let all = chart("cart:1");
    real.place.check(&all).await.unwrap();
    assert_eq!(real.place.apply(&all).await.unwrap().writes, 8);
    assert_eq!(real.place.apply(&all).await.unwrap().writes, 0);
    let next = real.another().await;
    assert_eq!(next.apply(&all).await.unwrap(), windlass_kube::Applied::default());
    assert_eq!(next.cluster().writes(), 0);
    assert_eq!(next.apply(&chart("cart:2")).await.unwrap().writes, 1);
    assert_eq!(
        windlass_core::plan::lines(&next.differences(&chart("cart:3")).await.unwrap()),
        ["change Deployment/cart: image cart:2 -> cart:3"]
    );
    real.end().await;
}

#[tokio::test]
async fn a_real_cluster_is_healed_where_nobody_decided_and_left_where_somebody_did() {
    let Some(real) = Real::begin("heal").await else {
        return;
    };
    let all = chart("cart:1");
    real.place.apply(&all).await.unwrap();
    let deployment = real.path("apis/apps/v1", "deployments/cart");
    real.merge(
        &deployment,
        "kubectl-patch",
        &json!({ "spec": { "replicas": 4 } }),
    )
    .await;
    let desired =
        |count: u32| move |place: &Place| place.shared_workloads().iter().any(|one| one.desired == count);
    in_time("the patch", until(&real.place, || desired(4)(&real.place))).await;
    let applied = real.place.apply(&all).await.unwrap();
    assert_eq!((applied.writes, applied.overrides.len()), (0, 1), "{applied:?}");
    assert_eq!(
        applied.overrides[0].to_string(),
        "Deployment/cart: kubectl-patch decided about .spec.replicas"
    );
    let applied = real.place.apply(&chart("cart:2")).await.unwrap();
    assert_eq!((applied.writes, applied.overrides.len()), (1, 1), "{applied:?}");
    assert_eq!(real.get(&deployment).await["spec"]["replicas"], 4);

    let service = real.path("api/v1", "services/cart");
    real.delete(&service).await;
    in_time(
        "the deletion",
        until(&real.place, || real.place.way("cart").is_none()),
    )
    .await;
    assert_eq!(real.place.apply(&chart("cart:2")).await.unwrap().writes, 1);
    real.merge(
        &service,
        "kubectl-edit",
        &json!({ "spec": { "selector": { "app": null } } }),
    )
    .await;
    let seen = in_time("the service to be healed", async {
        loop {
            if real.place.apply(&chart("cart:2")).await.unwrap().writes == 1 {
                return real.get(&service).await;
            }
            real.place.changes().changed().await.unwrap();
        }
    });
    assert_eq!(seen.await["spec"]["selector"], json!({ "app": "cart" }));
    real.end().await;
}

#[tokio::test]
async fn a_real_cluster_switches_from_track_to_track_and_loses_one() {
    let Some(real) = Real::begin("switch").await else {
        return;
    };
    let place = &real.place;
    for color in [Color::Blue, Color::Green] {
        let coloured = track::colour(&chart("cart:1"), color, "cart");
        place.apply(&coloured.running()).await.unwrap();
        in_time(
            "the track to be ready",
            until(place, || {
                let track = place.track(color);
                track.workloads.len() == 1 && track.workloads.iter().all(|one| one.ready == one.desired)
            }),
        )
        .await;
        place.take(&coloured.switched).await.unwrap();
        in_time(
            "the addresses to follow",
            until(place, || {
                place
                    .way("cart")
                    .is_some_and(|way| way.ready.len() == 1 && way.ready.get(&Some(color)) == Some(&2))
            }),
        )
        .await;
    }
    let green = track::colour(&chart("cart:1"), Color::Green, "cart");
    let service = real.path("api/v1", "services/cart");
    real.merge(
        &service,
        "kubectl-patch",
        &json!({ "spec": { "selector": { "version": "blue" } } }),
    )
    .await;
    in_time(
        "the person's switch",
        until(place, || {
            place
                .way("cart")
                .is_some_and(|way| way.changed_by.as_deref() == Some("kubectl-patch"))
        }),
    )
    .await;
    assert_eq!(place.apply(&green.switched).await.unwrap().writes, 0);
    assert_eq!(place.way("cart").unwrap().leads_to, Some(Color::Blue));
    place.take(&green.switched).await.unwrap();
    assert_eq!(place.way("cart").unwrap().changed_by, None);

    let next = real.another().await;
    assert!(next.remove_track(Color::Blue, PATIENCE).await.unwrap() >= 4);
    assert!(next.track(Color::Blue).workloads.is_empty());
    assert_eq!(
        next.prune(Color::Green, &green.all()).await.unwrap(),
        Vec::<String>::new()
    );
    let fewer: Vec<Object> = green
        .all()
        .into_iter()
        .filter(|object| object.kind() != "Role")
        .collect();
    assert_eq!(next.prune(Color::Green, &fewer).await.unwrap(), ["Role/cart"]);
    real.end().await;
}

#[tokio::test]
async fn a_real_cluster_refuses_invalid_objects_all_at_once_and_before_any_write() {
    let Some(real) = Real::begin("bad").await else {
        return;
    };
    real.place.apply(&chart("cart:1")[2..3]).await.unwrap();
    let writes = real.place.cluster().writes();
    let bad = [
        object(
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "one" }, "spec": { "ports": [{ "prot": 80 }] } }),
        ),
        object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "Two_" } })),
    ];
    let error = real.place.check(&bad).await.unwrap_err().to_string();
    assert!(
        error.contains("Service") && error.contains("prot") && error.contains("Two_"),
        "{error}"
    );
    assert_eq!(real.place.cluster().writes(), writes);
    real.end().await;
}
