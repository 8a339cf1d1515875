//! Sets of objects and their copies: names, selectors, references and hosts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NAME, colour, coloured_name, is_coloured, localise, plain_name};
use crate::machine::event::Color;
use crate::object::Object;

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn deployment(name: &str, pod: &Value) -> Object {
    object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name, "part-of": "shop"}}, "spec": pod},
        },
    }))
}

fn service(name: &str, port: u16) -> Object {
    object(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }))
}

fn config(name: &str, data: &Value) -> Object {
    object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}))
}

/// A gateway, a service with configuration, a database that both tracks share, and a migration.
fn shop() -> Vec<Object> {
    let users = json!({
        "containers": [{
            "name": "users", "image": "ghcr.io/company/users:3001",
            "args": ["--orders=orders:3004", "--name", "users"],
            "env": [
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "users", "key": "t"}}},
                {"name": "CALL", "value": "http://orders.shop.svc.cluster.local:3004/x"},
            ],
            "envFrom": [{"configMapRef": {"name": "users"}}, {"secretRef": {"name": "elsewhere"}}],
        }],
        "volumes": [
            {"name": "a", "configMap": {"name": "users"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "users"}}]}},
            {"name": "c", "persistentVolumeClaim": {"claimName": "users-data"}},
        ],
        "topologySpreadConstraints": [{"labelSelector": {"matchLabels": {"app": "users"}}}],
    });
    let mut objects = vec![
        deployment("gateway", &json!({"containers": []})),
        service("gateway", 3000),
        deployment("users", &users),
        service("users", 3001),
        deployment("orders", &json!({"containers": []})),
        service("orders", 3004),
        config(
            "users",
            &json!({"ORDERS": "http://orders:3004", "SELF": "users", "DB": "database:5432"}),
        ),
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"t": "x"}}),
        ),
    ];
    objects.extend(around());
    objects
}

fn around() -> Vec<Object> {
    let policy = |name: &str, pods: Value, from: Value| {
        object(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name},
            "spec": {"podSelector": pods, "ingress": [{"from": [{"podSelector": from}]}]},
        }))
    };
    vec![
        object(json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "database"},
            "spec": {"template": {"metadata": {"labels": {"app": "database"}}, "spec": {"containers": []}}},
        })),
        service("database", 5432),
        object(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "users-migrate-1"},
            "spec": {"template": {"metadata": {"labels": {"job": "migrate", "part-of": "shop"}}, "spec": {"containers": [
                {"name": "m", "envFrom": [{"configMapRef": {"name": "users"}}]}]}}},
        })),
        object(json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "users"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "users"}},
        })),
        object(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "users"},
            "spec": {"selector": {"matchLabels": {"app": "users"}}},
        })),
        policy(
            "users",
            json!({"matchLabels": {"app": "users"}}),
            json!({"matchLabels": {"app": "gateway"}}),
        ),
        policy(
            "database",
            json!({"matchLabels": {"app": "database"}}),
            json!({"matchLabels": {"app": "users"}}),
        ),
        policy("deny", json!({"matchLabels": {"part-of": "shop"}}), json!({})),
        object(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "door"},
            "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "gateway"}}}]}}]},
        })),
    ]
}

fn at<'o>(objects: &'o [Object], kind: &str, name: &str) -> &'o Value {
    let found = objects
        .iter()
        .find(|object| object.kind() == kind && object.name() == name);
    found.unwrap_or_else(|| panic!("{kind} {name}")).value()
}

fn shorts(objects: &[Object]) -> Vec<String> {
    objects.iter().map(|object| object.reference().short()).collect()
}

#[test]
fn what_holds_state_is_shared_and_the_rest_exists_in_each_track() {
    let out = colour(&shop(), Color::Green, "gateway");
    assert_eq!(
        shorts(&out.own),
        [
            "Deployment/gateway-green",
            "Service/gateway-green",
            "Deployment/users-green",
            "Service/users-green",
            "Deployment/orders-green",
            "Service/orders-green",
            "ConfigMap/users-green",
            "Secret/users-green",
            "HorizontalPodAutoscaler/users-green",
            "PodDisruptionBudget/users-green",
            "NetworkPolicy/users-green",
        ]
    );
    assert_eq!(
        shorts(&out.shared),
        [
            "StatefulSet/database",
            "Service/database",
            "Job/users-migrate-1",
            "NetworkPolicy/database",
            "NetworkPolicy/deny",
            "Ingress/door",
            // The migration reads it by its plain name.
            "ConfigMap/users",
        ]
    );
    // The migration's configuration names the orders by their plain name.
    assert_eq!(shorts(&out.switched), ["Service/gateway", "Service/orders"]);
}

#[test]
fn every_reference_of_a_coloured_object_leads_to_its_own_track() {
    let out = colour(&shop(), Color::Green, "gateway");
    let users = at(&out.own, "Deployment", "users-green");
    let expect = |pointer: &str, wanted: &str| {
        assert_eq!(users.pointer(pointer), Some(&json!(wanted)), "{pointer}");
    };
    expect("/metadata/labels/version", "green");
    expect("/spec/selector/matchLabels/version", "green");
    expect("/spec/template/metadata/labels/version", "green");
    let pod = "/spec/template/spec";
    expect(&format!("{pod}/containers/0/image"), "ghcr.io/company/users:3001");
    expect(
        &format!("{pod}/containers/0/args/0"),
        "--orders=orders-green:3004",
    );
    expect(&format!("{pod}/containers/0/args/2"), "users");
    expect(
        &format!("{pod}/containers/0/env/0/valueFrom/secretKeyRef/name"),
        "users-green",
    );
    expect(
        &format!("{pod}/containers/0/env/1/value"),
        "http://orders-green.shop.svc.cluster.local:3004/x",
    );
    expect(
        &format!("{pod}/containers/0/envFrom/0/configMapRef/name"),
        "users-green",
    );
    expect(
        &format!("{pod}/containers/0/envFrom/1/secretRef/name"),
        "elsewhere",
    );
    expect(&format!("{pod}/volumes/0/configMap/name"), "users-green");
    expect(
        &format!("{pod}/volumes/1/projected/sources/0/secret/name"),
        "users-green",
    );
    expect(
        &format!("{pod}/volumes/2/persistentVolumeClaim/claimName"),
        "users-data",
    );
    expect(
        &format!("{pod}/topologySpreadConstraints/0/labelSelector/matchLabels/version"),
        "green",
    );
    assert_eq!(
        at(&out.own, "ConfigMap", "users-green")["data"],
        json!({"ORDERS": "http://orders-green:3004", "SELF": "users", "DB": "database:5432"})
    );
    let scaler = at(&out.own, "HorizontalPodAutoscaler", "users-green");
    assert_eq!(scaler["spec"]["scaleTargetRef"]["name"], "users-green");
    let policy = &at(&out.own, "NetworkPolicy", "users-green")["spec"];
    assert_eq!(policy["podSelector"]["matchLabels"]["version"], "green");
    assert_eq!(
        policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]["version"],
        "green"
    );
}

#[test]
fn the_edge_keeps_its_name_and_only_its_selector_tells_the_track() {
    let (blue, green) = (
        colour(&shop(), Color::Blue, "gateway"),
        colour(&shop(), Color::Green, "gateway"),
    );
    let plain = service("gateway", 3000);
    for (out, color) in [(&blue, "blue"), (&green, "green")] {
        let edge = at(&out.switched, "Service", "gateway");
        let mut wanted = plain.value().clone();
        wanted["spec"]["selector"]["version"] = json!(color);
        assert_eq!(edge, &wanted);
    }
    assert_eq!(blue.shared, green.shared, "shared objects do not know tracks");
}

#[test]
fn a_route_to_another_service_than_the_edge_is_a_part_of_the_switch() {
    let mut objects = shop();
    objects.push(object(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "api"},
        "spec": {"rules": [{"backendRefs": [{"name": "orders", "port": 3004}, {"name": "gateway"}]}]},
    })));
    let out = colour(&objects, Color::Blue, "gateway");
    let route = at(&out.switched, "HTTPRoute", "api");
    assert_eq!(
        route["spec"]["rules"][0]["backendRefs"],
        json!([{"name": "orders-blue", "port": 3004}, {"name": "gateway"}])
    );
}

#[test]
fn an_object_that_is_marked_shared_stays_one() {
    let mut objects = shop();
    let secret = objects
        .iter()
        .position(|object| object.kind() == "Secret")
        .unwrap();
    objects[secret] = objects[secret]
        .edited(|value| value["metadata"]["annotations"] = json!({"windlass.dev/shared": "true"}))
        .unwrap();
    let out = colour(&objects, Color::Blue, "gateway");
    assert!(shorts(&out.shared).contains(&"Secret/users".to_owned()));
    let users = at(&out.own, "Deployment", "users-blue");
    let token = users.pointer("/spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/name");
    assert_eq!(token, Some(&json!("users")));
}

#[test]
fn secrets_are_rewritten_inside_of_their_base64() {
    use base64::Engine as _;
    let packed = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let mut objects = shop();
    objects.push(object(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "urls"},
        "data": {"a": packed("http://u:p@orders:3004/x"), "b": "AP8="},
    })));
    let out = colour(&objects, Color::Green, "gateway");
    assert_eq!(
        at(&out.own, "Secret", "urls-green")["data"],
        json!({"a": packed("http://u:p@orders-green:3004/x"), "b": "AP8="})
    );
}

#[test]
fn only_whole_host_names_are_rewritten() {
    let cases = [
        ("orders:3004", "orders-green:3004"),
        ("orders", "orders"),
        ("orders:9", "orders:9"),
        ("http://orders", "http://orders-green"),
        ("http://orders/a?b=orders", "http://orders-green/a?b=orders"),
        ("http://orders:$(PORT)/", "http://orders-green:$(PORT)/"),
        ("//orders:9", "//orders-green:9"),
        ("my-orders:3004", "my-orders:3004"),
        ("my.orders:3004", "my.orders:3004"),
        ("orders-x:3004", "orders-x:3004"),
        ("http://orders-x:3004", "http://orders-x:3004"),
        ("http://my-orders:3004", "http://my-orders:3004"),
        ("http://orders.example.com:3004", "http://orders.example.com:3004"),
        ("orders.shop:3004", "orders-green.shop:3004"),
        ("http://orders.shop.svc", "http://orders-green.shop.svc"),
        ("http://orders.other.svc:3004", "http://orders.other.svc:3004"),
        ("ghcr.io/company/orders:3004", "ghcr.io/company/orders:3004"),
        ("http://example.com/orders:3004", "http://example.com/orders:3004"),
        ("orders:30045", "orders:30045"),
        ("orders:3004x", "orders:3004x"),
        (
            "a=orders:3004,users:3001;",
            "a=orders-green:3004,users-green:3001;",
        ),
        ("\"orders:3004\"", "\"orders-green:3004\""),
        ("redis://u:p@orders:6/0", "redis://u:p@orders-green:6/0"),
        ("mail@orders:3004", "mail@orders:3004"),
        ("grüße orders:3004 ü", "grüße orders-green:3004 ü"),
        ("üorders:3004", "üorders:3004"),
        ("database:5432", "database:5432"),
        ("", ""),
    ];
    for (text, expected) in cases {
        let mut objects = shop();
        objects.push(config("probe", &json!({"text": text})));
        let out = colour(&objects, Color::Green, "gateway");
        assert_eq!(
            at(&out.own, "ConfigMap", "probe-green")["data"]["text"],
            expected,
            "{text}"
        );
    }
}

#[test]
fn on_one_machine_hosts_become_addresses() {
    let addresses = BTreeMap::from([
        (
            ("orders-green".to_owned(), 3004),
            "127.0.0.1:9001".parse().unwrap(),
        ),
        (("web".to_owned(), 80), "127.0.0.1:9002".parse().unwrap()),
    ]);
    let cases = [
        ("http://orders-green:3004/x", "http://127.0.0.1:9001/x"),
        ("orders-green:3004", "127.0.0.1:9001"),
        ("orders-green:3005", "orders-green:3005"),
        ("http://orders-green/", "http://orders-green/"),
        ("http://web/", "http://127.0.0.1:9002/"),
        ("http://web.shop.svc:80/", "http://127.0.0.1:9002/"),
        ("orders:3004", "orders:3004"),
        ("x-orders-green:3004", "x-orders-green:3004"),
    ];
    for (text, expected) in cases {
        let out = localise(
            &[service("web", 80), config("probe", &json!({"text": text}))],
            &addresses,
        );
        assert_eq!(at(&out, "ConfigMap", "probe")["data"]["text"], expected, "{text}");
    }
}

#[test]
fn a_long_name_is_cut_and_stays_unique() {
    let (a, b) = ("a".repeat(62), "a".repeat(63));
    let names: BTreeSet<String> = [&a, &b]
        .iter()
        .flat_map(|name| {
            [
                coloured_name(name, Color::Blue),
                coloured_name(name, Color::Green),
            ]
        })
        .collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.len() <= 63), "{names:?}");
}

#[test]
fn colouring_twice_is_colouring_once() {
    let once = colour(&shop(), Color::Green, "gateway");
    let twice = colour(&once.all(), Color::Green, "gateway");
    assert_eq!(twice.own, once.own);
    let names = |out: &super::Coloured| shorts(&out.all()).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(names(&twice), names(&once));
}

/// Every ConfigMap and Secret reference, scale target and host that is answered in the set, as (from, to).
fn dangling(objects: &[Object]) -> Vec<String> {
    let have: BTreeSet<(String, String)> = objects
        .iter()
        .map(|object| (object.kind().to_owned(), object.name().to_owned()))
        .collect();
    let mut missing = Vec::new();
    for object in objects {
        let mut wanted = BTreeSet::new();
        super::refer::names(object, &mut wanted);
        if let Some(target) = object.value().pointer("/spec/scaleTargetRef/name") {
            wanted.insert(("Deployment".to_owned(), target.as_str().unwrap().to_owned()));
        }
        super::host::texts(object, &mut |text| {
            if let Some(host) = text
                .strip_prefix("http://")
                .and_then(|rest| rest.split(':').next())
            {
                wanted.insert(("Service".to_owned(), host.to_owned()));
            }
        });
        missing.extend(
            wanted
                .difference(&have)
                .map(|(kind, name)| format!("{} -> {kind} {name}", object.reference().short())),
        );
    }
    missing
}

/// A set in which names repeat, contain each other and look coloured already, and everything refers to everything.
fn sets() -> impl Strategy<Value = Vec<Object>> {
    const NAMES: [&str; 6] = ["a", "a-b", "b", "b-green", "a-blue", "green"];
    let one = (0..6_usize, 0..6_usize, 0..6_usize, 0..7_u8);
    proptest::collection::vec(one, 1..14).prop_map(|picks| {
        let mut objects = Vec::new();
        for (name, other, third, kind) in picks {
            let (name, other, third) = (NAMES[name], NAMES[other], NAMES[third]);
            let pod = json!({"containers": [{
                "name": "c",
                "env": [{"name": "X", "value": format!("http://{other}:80")}],
                "envFrom": [{"configMapRef": {"name": third}}, {"secretRef": {"name": other}}],
            }]});
            objects.push(match kind {
                0 => deployment(name, &pod),
                1 => service(name, 80),
                2 => config(name, &json!({"url": format!("http://{other}:80")})),
                3 => object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})),
                4 => object(json!({
                    "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
                    "spec": {"template": {"metadata": {"labels": {"job": name}}, "spec": pod}},
                })),
                5 => object(json!({
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
                    "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": pod}},
                })),
                _ => object(json!({
                    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
                    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": other}},
                })),
            });
        }
        let mut seen = BTreeSet::new();
        objects.retain(|object| seen.insert((object.kind().to_owned(), object.name().to_owned())));
        objects
    })
}

proptest! {
    #[test]
    fn no_reference_that_was_answered_dangles(objects in sets()) {
        let target = |gap: &String| gap.split(" -> ").nth(1).unwrap().to_owned();
        let before: BTreeSet<String> = dangling(&objects).iter().map(target).collect();
        let out = colour(&objects, Color::Green, "a");
        for gap in dangling(&out.all()) {
            prop_assert!(before.contains(&target(&gap)), "{gap}");
        }
    }

    #[test]
    fn two_tracks_share_no_coloured_name_and_names_come_back(objects in sets()) {
        let blue = colour(&objects, Color::Blue, "a");
        let green = colour(&objects, Color::Green, "a");
        let names = |own: &[Object]| own.iter().map(Object::reference).collect::<BTreeSet<_>>();
        prop_assert!(names(&blue.own).is_disjoint(&names(&green.own)));
        let plain: BTreeSet<_> = objects.iter().map(|o| (o.kind(), o.name())).collect();
        for object in green.own.iter().filter(|object| is_coloured(object)) {
            prop_assert!(plain.contains(&(object.kind(), plain_name(object))), "{NAME} of {}", object.name());
        }
    }

    #[test]
    fn any_text_is_rewritten_without_a_panic(text in ".{0,60}", glue in "[/:@.a-]{0,3}") {
        let text = format!("{text}{glue}orders:3004{glue}{text}");
        let mut objects = shop();
        objects.push(config("probe", &json!({"text": text})));
        let green = colour(&objects, Color::Green, "gateway");
        let new = at(&green.own, "ConfigMap", "probe-green")["data"]["text"].as_str().unwrap();
        prop_assert_eq!(new.replace("orders-green", "orders"), text.replace("orders-green", "orders"));
    }
}
