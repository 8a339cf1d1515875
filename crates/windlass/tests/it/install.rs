//! Windlass in a cluster: what `windlass install` prints, our chart beside it, and both on a real control plane.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_cluster::Cluster;
use windlass_core::config::Severity;
use windlass_core::object::Object;
use windlass_engine::render::read_objects;
use windlass_guard::{Policy, judge};

use super::access::text;
use super::place::{Place, until};

const PAIR: &str = include_str!("../helper/pair.yaml");
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/windlass");
const IMAGE: &str =
    "ghcr.io/company/windlass@sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A platform whose one environment is on the cluster that Windlass is to run in.
fn platform(namespace: &str) -> Place {
    let place = Place::new(&format!(
        "    runtime: {{ kubernetes: {{ namespace: {namespace} }} }}\n    strategy: blue-green\n"
    ));
    place.write("chart/templates/web.yaml", PAIR);
    place.write(
        "chart/values.yaml",
        "greeting: hello\nfault: \"\"\nmigration: 0\npatience: 60\n",
    );
    let text = place.read("windlass.yaml");
    let remote = "source: { branch: develop, repository: \"https://git.example.com/shop.git\" }";
    place.write(
        "windlass.yaml",
        &text.replace("source: { branch: develop }", remote),
    );
    place
}

fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!(
        "{} {}/{}",
        object["kind"], metadata["namespace"], metadata["name"]
    )
}

fn by_name(all: Vec<Value>) -> BTreeMap<String, Value> {
    all.into_iter().map(|object| (key(&object), object)).collect()
}

/// What our chart gives with the values that `windlass install --values` prints.
fn of_chart(place: &Place, namespace: &str, more: &[&str]) -> Vec<Value> {
    let values = place.json(&[&["install", "--image", IMAGE, "--values"], more].concat());
    let file = place.root().join("values.json");
    std::fs::write(&file, values.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let template = [
        "helm",
        "template",
        "windlass",
        CHART,
        "--namespace",
        namespace,
        "--values",
        file,
    ];
    let output = place.run(&template);
    assert!(output.status.success(), "{}", text(&output));
    let objects = read_objects("the chart", &String::from_utf8_lossy(&output.stdout)).unwrap();
    objects.into_iter().map(|object| object.value().clone()).collect()
}

#[test]
fn the_chart_gives_what_install_prints_and_no_rule_finds_anything() {
    let place = platform("shop");
    let cases: [&[&str]; 3] = [
        &[],
        &["--shared-storage", "--storage-class", "efs", "--storage", "20Gi"],
        &["--namespace", "delivery"],
    ];
    for more in cases {
        let printed = place.json(&[&["install", "--image", IMAGE], more].concat());
        let printed: Vec<Value> = printed.as_array().unwrap().clone();
        let namespace = if more.contains(&"delivery") {
            "delivery"
        } else {
            "windlass"
        };
        // Helm makes the namespace of a release itself; those of environments are there.
        let own = printed
            .iter()
            .filter(|object| object["kind"] != "Namespace")
            .cloned()
            .collect();
        let (own, chart) = (by_name(own), by_name(of_chart(&place, namespace, more)));
        assert_eq!(
            own.keys().collect::<Vec<_>>(),
            chart.keys().collect::<Vec<_>>(),
            "{more:?}"
        );
        for (name, object) in &own {
            assert_eq!(object, &chart[name], "{more:?}: {name}");
        }
        let policy = Policy {
            production: true,
            blocks_from: Severity::Low,
        };
        let objects: Vec<Object> = printed.into_iter().map(|one| Object::new(one).unwrap()).collect();
        assert_eq!(judge(&objects, policy), Vec::new(), "{more:?}");
    }
}

#[test]
fn what_a_pod_could_not_reach_is_said_before_anything_is_installed() {
    let place = platform("shop");
    let text_of = place.read("windlass.yaml");
    let cases = [
        (
            ("{ kubernetes: { namespace: shop } }", "local"),
            "on the machine where windlass runs",
        ),
        (
            ("{ namespace: shop }", "{ namespace: shop, context: eks }"),
            "names the context eks",
        ),
        (
            (", repository: \"https://git.example.com/shop.git\"", ""),
            "files of this machine",
        ),
    ];
    for ((from, to), words) in cases {
        assert!(text_of.contains(from), "{from}");
        place.write("windlass.yaml", &text_of.replace(from, to));
        let output = place.run(&["install", "--image", IMAGE]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words) && said.contains("hint: "), "{said}");
    }
}

#[test]
fn what_install_applies_becomes_ready_on_a_restricted_namespace() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = "wl-install";
    let place = platform("wl-installed-shop");
    let kubeconfig = cluster.kubeconfig().to_str().unwrap();
    let apply = || {
        let output = place
            .windlass(&["install", "--image", IMAGE, "--namespace", namespace, "--apply"])
            .env("KUBECONFIG", kubeconfig)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    apply();
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/windlass");
    let ready = until("both replicas", || {
        let deployment = cluster.client().get(&path).unwrap();
        (deployment["status"]["readyReplicas"] == 2).then_some(deployment)
    });
    // Again is nothing new.
    apply();
    let again = cluster.client().get(&path).unwrap();
    assert_eq!(again["metadata"]["generation"], ready["metadata"]["generation"]);
    let pods = cluster
        .client()
        .get(&format!("/api/v1/namespaces/{namespace}/pods"))
        .unwrap();
    let nodes: Vec<&Value> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["spec"]["nodeName"])
        .collect();
    assert!(
        nodes.len() == 2 && nodes[0] == nodes[1],
        "both are where the volume is: {nodes:?}"
    );
}
