//! Rendered sets: what the release, the environment and the track put into them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use windlass_core::config::Config;
use windlass_core::machine::event::Color;
use windlass_core::machine::release::Release;
use windlass_core::object::Object;

use super::{Rendered, on_track, pin, plan, values};

const PLATFORM: &str = "
platform: shop
registry: ghcr.io/company
services:
  cart: { build: { cargo: cart } }
  cache: { image: 'localhost:5000/mirror/redis:7' }
chart: chart
edge: cart
environments:
  staging: { runtime: local, source: { branch: develop }, port: 3100 }
";

fn config() -> Config {
    Config::parse("windlass.yaml", PLATFORM).unwrap()
}

fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn release() -> Release {
    Release {
        id: "sha-abc1234".to_owned(),
        commit: "abc1234".repeat(6),
        subject: "Add carts".to_owned(),
        version: "0.1.0+abc1234".to_owned(),
        images: BTreeMap::from([
            ("cart".to_owned(), digest("a")),
            ("cache".to_owned(), digest("b")),
        ]),
        built_at_ms: 0,
    }
}

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn workload(kind: &str, name: &str, image: &str) -> Object {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    object(
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "initContainers": [{"name": "first", "image": image}],
                "containers": [{"name": "main", "image": image, "envFrom": [{"configMapRef": {"name": "cart"}}]}],
            }},
        }}),
    )
}

fn set() -> Vec<Object> {
    vec![
        object(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}, "spec": {
                "selector": {"app": "cart"}, "ports": [{"name": "http", "port": 3003}],
            }}),
        ),
        object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {"CART_URL": "http://cart:3003/x"}}),
        ),
        workload("Deployment", "cart", "ghcr.io/company/cart:v1"),
        workload("Job", "cart-migrate-1", "ghcr.io/company/cart:v1"),
    ]
}

#[test]
fn images_of_services_are_pinned_to_the_release_and_no_others() {
    let images = values::images(&config(), &release());
    let cart = format!("ghcr.io/company/cart@{}", digest("a"));
    let cases = [
        ("cart", cart.as_str()),
        ("ghcr.io/company/cart:latest", &cart),
        ("other:5000/x/cart", &cart),
        ("ghcr.io/company/carts:v1", "ghcr.io/company/carts:v1"),
        ("pgbouncer:1.18.0", "pgbouncer:1.18.0"),
    ];
    for (image, expected) in cases {
        let pinned = pin::pinned(&workload("Deployment", "x", image), &images);
        let pod = pinned.workload().unwrap().pod().unwrap();
        for container in [pod.init_containers(), pod.containers()].concat() {
            assert_eq!(container.image(), expected, "{image}");
        }
    }
    assert_eq!(
        images["cache"],
        format!("localhost:5000/mirror/redis@{}", digest("b"))
    );
}

#[test]
fn values_files_are_laid_over_each_other_and_under_the_release() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let files = [
        file(
            "a.yaml",
            "replicas: 1\nglobal: {version: old, region: eu}\nresources: {limits: {cpu: 1}}\n",
        ),
        file("b.yaml", "replicas: 2\nresources: {limits: {memory: 1Gi}}\n"),
    ];
    let found = values::values(&files, &config(), &release()).unwrap().to_json();
    assert_eq!(found["replicas"], 2);
    assert_eq!(found["resources"]["limits"], json!({"cpu": 1, "memory": "1Gi"}));
    assert_eq!(found["global"]["version"], "0.1.0+abc1234");
    assert_eq!(found["global"]["region"], "eu");
    assert_eq!(
        found["global"]["images"]["cart"],
        format!("ghcr.io/company/cart@{}", digest("a"))
    );
    for wrong in ["- a list", "a: b: c", "a: 1\n---\nb: 2"] {
        let error = values::values(&[file("w.yaml", wrong)], &config(), &release()).unwrap_err();
        assert!(error.to_string().contains("w.yaml"), "{wrong}: {error}");
    }
}

#[test]
fn a_plan_says_what_changes_and_what_is_wrong() {
    let config = config();
    let environment = config.environment("staging").unwrap();
    let desired = Rendered::of(set(), String::new());
    let first = plan(environment, &desired, &[], 3);
    assert_eq!(first.objects, desired.digest);
    assert_eq!(first.parent_generation, 3);
    assert_eq!(first.changes.len(), 4, "{:?}", first.changes);
    assert!(
        first
            .findings
            .iter()
            .any(|finding| finding.rule == "non-root" && finding.blocks)
    );
    let same = plan(environment, &desired, &desired.all(), 4);
    assert_eq!(same.changes, Vec::<String>::new());
    assert_ne!(same.digest, first.digest);
}

#[test]
fn on_this_machine_every_reference_leads_into_the_own_track() {
    for color in [Color::Blue, Color::Green] {
        let track = on_track(&set(), color, "cart");
        let edge = format!("cart-{}", color.name());
        assert_eq!(track.edge, edge);
        let ports: Vec<_> = track
            .ports
            .iter()
            .map(|port| (port.service.as_str(), port.plain.as_str(), port.number))
            .collect();
        assert_eq!(ports, [(edge.as_str(), "cart", 3003)]);
        let address: SocketAddr = "127.0.0.1:9001".parse().unwrap();
        let local = track.localised(&BTreeMap::from([((edge.clone(), 3003), address)]));
        // The Job is shared and reads the ConfigMap under its plain name.
        let urls: Vec<_> = local
            .iter()
            .filter(|object| object.is("", "ConfigMap"))
            .map(|object| {
                (
                    object.name(),
                    object.value()["data"]["CART_URL"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(urls.len(), 2, "{urls:?}");
        assert!(
            urls.iter().all(|(_, url)| *url == "http://127.0.0.1:9001/x"),
            "{urls:?}"
        );
        assert_eq!(super::Track::jobs(&local).len(), 1);
    }
}

#[test]
fn only_jobs_of_this_moment_run_before_the_start() {
    let job = |name: &str, annotations: Value| {
        workload("Job", name, "cart")
            .edited(|value| value["metadata"]["annotations"] = annotations)
            .unwrap()
    };
    let jobs = [
        job("plain", json!({})),
        job("early", json!({"argocd.argoproj.io/sync-wave": "-1"})),
        job(
            "second",
            json!({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "2"}),
        ),
        job("first", json!({"argocd.argoproj.io/hook": "PreSync"})),
        job("after", json!({"helm.sh/hook": "post-install"})),
        job("test", json!({"helm.sh/hook": "test"})),
        workload("Deployment", "cart", "cart"),
    ];
    let names: Vec<_> = super::Track::jobs(&jobs)
        .iter()
        .map(|job| job.name().to_owned())
        .collect();
    assert_eq!(names, ["first", "second", "early", "plain"]);
}
