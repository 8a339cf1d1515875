//! What the driver gets over, and what it says when it does not.

use serde_json::json;
use windlass_core::object::Object;

use crate::apply::{object, until};
use crate::server::Server;

fn service(version: &str) -> Object {
    object(
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "edge" },
        "spec": { "selector": { "app": "edge", "version": version } } }),
    )
}

#[tokio::test]
async fn a_busy_server_and_a_lost_connection_are_tried_again() {
    let server = Server::start().await;
    let place = server.place("production").await;
    server.fail("PATCH", 429, 1);
    server.fail("PATCH", 0, 1);
    server.fail("PATCH", 503, 1);
    assert_eq!(place.apply(&[service("blue")]).await.unwrap().writes, 1);
    assert_eq!(server.requests("PATCH"), 4);
}

#[tokio::test]
async fn a_refusal_is_said_at_once_and_names_the_object() {
    let server = Server::start().await;
    let place = server.place("production").await;
    server.fail("PATCH", 403, 1);
    let error = place.apply(&[service("blue")]).await.unwrap_err().to_string();
    assert!(
        error.contains("Service prod/edge cannot be applied") && error.contains("hint:"),
        "{error}"
    );
    assert_eq!(server.requests("PATCH"), 1);
}

#[tokio::test]
async fn unknown_kinds_are_all_named_before_the_first_write() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let strange = |kind: &str| {
        object(json!({ "apiVersion": "example.org/v1", "kind": kind, "metadata": { "name": "a" } }))
    };
    let error = place
        .apply(&[service("blue"), strange("One"), strange("Two")])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no One of example.org/v1") && error.contains("no Two of example.org/v1"),
        "{error}"
    );
    assert_eq!(server.requests("PATCH"), 0);
}

#[tokio::test]
async fn a_version_that_is_not_served_is_answered_with_those_that_are() {
    let server = Server::start().await;
    let place = server.place("production").await;
    let old =
        object(json!({ "apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": { "name": "a" } }));
    let error = place.apply(&[old]).await.unwrap_err().to_string();
    assert!(error.contains("hint: the cluster serves apps/v1"), "{error}");
}

#[tokio::test]
async fn a_watch_that_fails_begins_anew_and_misses_nothing() {
    let server = Server::start().await;
    server.fail(
        "services?labelSelector=windlass.dev%2Fmanaged%3Dtrue&watch=1",
        410,
        2,
    );
    let place = server.place("production").await;
    place.apply(&[service("blue")]).await.unwrap();
    server.write(
        "/api/v1/namespaces/prod/services/edge",
        "kubectl-patch",
        &json!({ "spec": { "selector": { "version": "green" } } }),
    );
    until(&place, || {
        place
            .way("edge")
            .is_some_and(|way| way.changed_by.as_deref() == Some("kubectl-patch"))
    })
    .await;
}
