//! What is sent, what is not, and whose fields are whose.

use serde_json::{Value, json};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;

use crate::server::Server;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/prod/deployments/cart";
const MAP: &str = "/api/v1/namespaces/prod/configmaps/settings";

pub(crate) fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn map(name: &str, value: &str) -> Object {
    object(
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "key": value } }),
    )
}

fn deployment(image: &str) -> Object {
    object(
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart" },
        "spec": { "replicas": 2, "template": { "spec": { "image": image } } } }),
    )
}

fn chart(image: &str) -> Vec<Object> {
    vec![deployment(image), map("settings", "1")]
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_changed_also_by_the_next_controller() {
    let server = Server::start().await;
    let place = server.place("production").await;
    assert_eq!(place.apply(&chart("a")).await.unwrap().writes, 2);
    assert_eq!(place.apply(&chart("a")).await.unwrap().writes, 0);
    assert_eq!(place.apply(&chart("b")).await.unwrap().writes, 1);
    let next = server.place("production").await;
    assert_eq!(next.apply(&chart("b")).await.unwrap().writes, 0);
    assert_eq!(server.requests("PATCH"), 3);
}

#[tokio::test]
async fn what_others_need_is_applied_before_them() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&chart("a")).await.unwrap();
    let deployment = server.object(DEPLOYMENT).unwrap();
    let settings = server.object(MAP).unwrap();
    let version = |value: &Value| {
        value["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert!(version(&settings) < version(&deployment));
}

#[tokio::test]
async fn a_field_that_a_person_decided_about_stays_and_the_rest_is_released() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&chart("a")).await.unwrap();
    server.write(DEPLOYMENT, "kubectl-scale", &json!({ "spec": { "replicas": 5 } }));
    until(&place, || {
        place
            .track(Color::Blue)
            .workloads
            .iter()
            .any(|one| one.desired == 5)
    })
    .await;
    let applied = place.apply(&chart("a")).await.unwrap();
    assert_eq!((applied.writes, applied.overrides.len()), (0, 1));
    let applied = place.apply(&chart("b")).await.unwrap();
    assert_eq!(
        applied.overrides[0].to_string(),
        "Deployment/cart: kubectl-scale decided about .spec.replicas"
    );
    let live = server.object(DEPLOYMENT).unwrap();
    assert_eq!(
        (
            &live["spec"]["replicas"],
            &live["spec"]["template"]["spec"]["image"]
        ),
        (&json!(5), &json!("b"))
    );
}

#[tokio::test]
async fn a_person_whom_no_watch_has_told_of_is_found_by_the_conflict() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&chart("a")).await.unwrap();
    server.hush();
    server.write(DEPLOYMENT, "kubectl-edit", &json!({ "spec": { "replicas": 7 } }));
    let changed = deployment("b")
        .edited(|value| value["spec"]["replicas"] = json!(3))
        .unwrap();
    let applied = place.apply(&[changed, map("settings", "1")]).await.unwrap();
    assert_eq!(applied.overrides.len(), 1);
    assert_eq!(server.object(DEPLOYMENT).unwrap()["spec"]["replicas"], 7);
}

#[tokio::test]
async fn what_nobody_decided_is_made_right_again() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&chart("a")).await.unwrap();
    let mut changes = place.changes();
    server.delete(MAP);
    changes.changed().await.unwrap();
    server.strip(DEPLOYMENT, &["spec", "replicas"]);
    changes.changed().await.unwrap();
    until(&place, || {
        place
            .track(Color::Blue)
            .workloads
            .iter()
            .any(|one| one.desired == 1)
    })
    .await;
    let applied = place.apply(&chart("a")).await.unwrap();
    assert_eq!((applied.writes, applied.overrides.len()), (2, 0));
    assert_eq!(server.object(DEPLOYMENT).unwrap()["spec"]["replicas"], 2);
    assert!(server.object(MAP).is_some());
}

#[tokio::test]
async fn what_helm_installed_is_taken_over_once() {
    let server = Server::start().await;
    let body =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": { "replicas": 9, "paused": true } });
    server.write(DEPLOYMENT, "helm", &body);
    let place = server.place("production").await;
    let applied = place.apply(&chart("a")).await.unwrap();
    assert_eq!(applied.overrides, []);
    assert_eq!(server.object(DEPLOYMENT).unwrap()["spec"]["replicas"], 2);
    assert_eq!(place.apply(&chart("a")).await.unwrap().writes, 0);
}

#[tokio::test]
async fn an_environment_does_not_take_anothers_objects() {
    let server = Server::start().await;
    server.place("production").await.apply(&chart("a")).await.unwrap();
    let error = server
        .place("staging")
        .await
        .apply(&chart("b"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("belongs to shop/production") && error.contains("hint:"),
        "{error}"
    );
    assert_eq!(
        server.object(DEPLOYMENT).unwrap()["spec"]["template"]["spec"]["image"],
        "a"
    );
}

#[tokio::test]
async fn an_autoscaler_keeps_its_replicas_and_a_new_workload_starts_with_as_many_as_its_counterpart() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let coloured = |color: &str, name: &str| {
        object(
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "labels": { "version": color },
            "annotations": { "windlass.dev/name": "cart" } }, "spec": { "replicas": 2, "paused": false } }),
        )
    };
    let scaler = |name: &str, target: &str| {
        object(
            json!({ "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": { "name": name },
            "spec": { "minReplicas": 3, "scaleTargetRef": { "kind": "Deployment", "name": target } } }),
        )
    };
    let blue = [coloured("blue", "cart"), scaler("cart", "cart")];
    place.apply(&blue).await.unwrap();
    assert_eq!(server.object(DEPLOYMENT).unwrap()["spec"]["replicas"], 3);
    server.write(
        DEPLOYMENT,
        "kube-controller-manager",
        &json!({ "spec": { "replicas": 8 } }),
    );
    until(&place, || {
        place
            .track(Color::Blue)
            .workloads
            .iter()
            .any(|one| one.desired == 8)
    })
    .await;
    assert_eq!(
        place.apply(&blue).await.unwrap(),
        windlass_kube::Applied::default()
    );
    place
        .apply(&[
            coloured("green", "cart-green"),
            scaler("cart-green", "cart-green"),
        ])
        .await
        .unwrap();
    let green = server
        .object("/apis/apps/v1/namespaces/prod/deployments/cart-green")
        .unwrap();
    assert_eq!(green["spec"]["replicas"], 8);
}

#[tokio::test]
async fn a_difference_shows_what_would_change_and_no_secret() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let secret = |word: &str| {
        object(
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "password": word } }),
        )
    };
    place.apply(&[deployment("a"), secret("hunter2")]).await.unwrap();
    let changes = place
        .differences(&[deployment("b"), secret("swordfish"), map("new", "1")])
        .await
        .unwrap();
    let lines = windlass_core::plan::lines(&changes);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines.iter().any(|line| line == "create ConfigMap/new"),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.contains("image a -> b")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("(secret)")), "{lines:?}");
    assert_eq!(server.requests("PATCH"), 2 + server.requests("dryRun"));
    assert!(server.object("/api/v1/namespaces/prod/configmaps/new").is_none());
}

/// Waits until what watches tell makes something true.
pub(crate) async fn until(place: &windlass_kube::Place, is: impl Fn() -> bool) {
    let mut changes = place.changes();
    while !is() {
        changes.changed().await.unwrap();
    }
}
