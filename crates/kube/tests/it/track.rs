//! Tracks: what is known of them, where customers are led, and how one goes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;

use crate::apply::{object, until};
use crate::server::Server;

const EDGE: &str = "/api/v1/namespaces/prod/services/edge";
const WITHIN: Duration = Duration::from_secs(20);

fn edge(version: &str) -> Object {
    object(
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "edge" },
        "spec": { "selector": { "app": "edge", "version": version } } }),
    )
}

fn own(kind: &str, version: &str, color: &str) -> Object {
    object(
        json!({ "apiVersion": version, "kind": kind, "metadata": { "name": format!("edge-{color}"),
        "labels": { "version": color }, "annotations": { "windlass.dev/name": "edge" } }, "spec": { "replicas": 1 } }),
    )
}

fn track(color: &str) -> Vec<Object> {
    vec![own("Deployment", "apps/v1", color), own("ConfigMap", "v1", color)]
}

fn pod(color: &str, state: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "labels": { "version": color } },
        "status": { "phase": "Running", "containerStatuses": [{ "name": "app", "state": state }] } })
}

#[tokio::test]
async fn a_persons_switch_is_seen_with_its_author_and_left_by_an_apply() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&[edge("blue")]).await.unwrap();
    assert_eq!(place.take(&[edge("green")]).await.unwrap(), 1);
    assert_eq!(place.take(&[edge("green")]).await.unwrap(), 0);
    server.write(
        EDGE,
        "kubectl-patch",
        &json!({ "spec": { "selector": { "version": "blue" } } }),
    );
    until(&place, || {
        place
            .way("edge")
            .is_some_and(|way| way.leads_to == Some(Color::Blue))
    })
    .await;
    assert_eq!(
        place.way("edge").unwrap().changed_by.as_deref(),
        Some("kubectl-patch")
    );
    let applied = place.apply(&[edge("green")]).await.unwrap();
    assert_eq!((applied.writes, applied.overrides.len()), (0, 1));
    assert_eq!(
        server.object(EDGE).unwrap()["spec"]["selector"]["version"],
        "blue"
    );
    // The next rollout asks for a switch by name.
    assert_eq!(place.take(&[edge("green")]).await.unwrap(), 1);
    assert_eq!(place.way("edge").unwrap().leads_to, Some(Color::Green));
    assert_eq!(place.way("edge").unwrap().changed_by, None);
}

#[tokio::test]
async fn a_way_is_known_by_the_pods_behind_it() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&[edge("blue")]).await.unwrap();
    let pods = "/api/v1/namespaces/prod/pods";
    server.write(
        &format!("{pods}/a"),
        "kubelet",
        &pod("blue", &json!({ "running": {} })),
    );
    server.write(
        &format!("{pods}/b"),
        "kubelet",
        &pod("green", &json!({ "running": {} })),
    );
    let endpoint =
        |pod: &str, ready: bool| json!({ "targetRef": { "name": pod }, "conditions": { "ready": ready } });
    let slice = |endpoints: &[Value]| {
        json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "labels": { "kubernetes.io/service-name": "edge" } }, "endpoints": endpoints })
    };
    let path = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices/edge-1";
    server.write(
        path,
        "endpointslice-controller",
        &slice(&[endpoint("a", true), endpoint("b", false)]),
    );
    let ready = || place.way("edge").map(|way| way.ready).unwrap_or_default();
    until(&place, || ready() == BTreeMap::from([(Some(Color::Blue), 1)])).await;
    server.write(
        path,
        "endpointslice-controller",
        &slice(&[endpoint("a", true), endpoint("b", true)]),
    );
    until(&place, || {
        ready() == BTreeMap::from([(Some(Color::Blue), 1), (Some(Color::Green), 1)])
    })
    .await;
    place.end_connections("edge").await.unwrap();
    until(&place, || {
        !server.paths().iter().any(|path| path.contains("/pods/"))
    })
    .await;
}

#[tokio::test]
async fn a_track_that_cannot_become_ready_is_known_by_its_first_sign() {
    let server = Server::start().await;
    let place = server.place("production").await;
    place.apply(&track("green")).await.unwrap();
    assert_eq!(place.track(Color::Green).workloads.len(), 1);
    assert_eq!(place.track(Color::Green).hopeless, None);
    let stuck = pod(
        "green",
        &json!({ "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } }),
    );
    server.write("/api/v1/namespaces/prod/pods/edge-green", "kubelet", &stuck);
    until(&place, || place.track(Color::Green).hopeless.is_some()).await;
    assert!(
        place
            .track(Color::Green)
            .hopeless
            .unwrap()
            .contains("ImagePullBackOff: no such image")
    );
    assert_eq!(place.track(Color::Blue).hopeless, None);
}

#[tokio::test]
async fn a_track_goes_as_a_whole_and_takes_nothing_else_along() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let shared = object(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "shared" } }));
    for color in ["blue", "green"] {
        place.apply(&track(color)).await.unwrap();
    }
    place.apply(&[shared, edge("green")]).await.unwrap();
    // The next controller knows no kind but those that it looks for.
    let next = server.place("production").await;
    assert_eq!(next.remove_track(Color::Blue, WITHIN).await.unwrap(), 2);
    let left = server.paths();
    assert!(left.iter().all(|path| !path.ends_with("edge-blue")), "{left:?}");
    assert_eq!(left.len(), 4, "{left:?}");
}

#[tokio::test]
async fn what_the_chart_lost_is_pruned_and_what_others_have_is_not() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let map =
        |name: &str| object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } }));
    place
        .apply(&[map("kept"), map("lost"), edge("green")])
        .await
        .unwrap();
    place.apply(&track("blue")).await.unwrap();
    server
        .place("staging")
        .await
        .apply(&[map("theirs")])
        .await
        .unwrap();
    let by_hand = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" } });
    server.write(
        "/api/v1/namespaces/prod/configmaps/by-hand",
        "kubectl-create",
        &by_hand,
    );
    assert_eq!(
        place
            .prune(Color::Green, &[map("kept"), edge("green")])
            .await
            .unwrap(),
        ["ConfigMap/lost"]
    );
    let maps: Vec<String> = server
        .paths()
        .into_iter()
        .filter(|path| path.contains("configmaps"))
        .collect();
    assert_eq!(maps.len(), 4, "{maps:?}");
}
