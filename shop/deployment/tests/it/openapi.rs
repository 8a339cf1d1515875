//! The OpenAPI documents: of the routes that there are, and the edge's is that of all services behind it.
//!
//! `WRITE_OPENAPI=1 cargo test -p deployment openapi` writes the edge's anew.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{root, text};

/// Services behind the edge.
const BEHIND: [&str; 4] = ["user-service", "catalog-service", "cart-service", "order-service"];
const EDGE: &str = "shop/api-gateway/openapi.json";

fn document(service: &str) -> Value {
    let path = format!("shop/{service}/openapi.json");
    serde_json::from_str(&text(&path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

/// Path and methods of each route of the public port, as the code has them.
fn routes(service: &str) -> BTreeMap<String, BTreeSet<String>> {
    let code = text(&format!("shop/{service}/src/lib.rs"));
    let public = code.split("let admin =").next().unwrap();
    let mut found = BTreeMap::new();
    for route in public.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap().to_owned();
        // Up to the end of the call: what follows is the next route, or `.with_state`.
        let handlers = route.split(".with_state").next().unwrap();
        let methods = ["get", "post", "put", "patch", "delete"];
        let methods = methods.iter().filter(|method| {
            let first = handlers.contains(&format!(" {method}("));
            let more =
                handlers.contains(&format!(").{method}(")) || handlers.contains(&format!("\n{method}("));
            first || more
        });
        found.insert(path, methods.map(|method| (*method).to_owned()).collect());
    }
    found
}

#[test]
fn each_service_documents_the_routes_that_it_has() {
    for service in BEHIND.iter().chain(&["psp-sim"]) {
        let documented: BTreeMap<String, BTreeSet<String>> = document(service)["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, methods)| {
                (
                    path.clone(),
                    methods.as_object().unwrap().keys().cloned().collect(),
                )
            })
            .collect();
        assert_eq!(documented, routes(service), "{service}");
    }
}

#[test]
fn the_edge_documents_what_is_behind_it() {
    let (mut paths, mut components) = (Map::new(), Map::new());
    for service in BEHIND {
        let mut document = document(service);
        for (path, item) in document["paths"].as_object_mut().unwrap() {
            if !path.starts_with("/internal/") {
                paths.insert(format!("/api/v1{path}"), item.take());
            }
        }
        for (kind, some) in document["components"].as_object_mut().unwrap() {
            let all = components.entry(kind.clone()).or_insert_with(|| json!({}));
            for (name, one) in some.as_object_mut().unwrap() {
                let known = all.as_object_mut().unwrap().insert(name.clone(), one.clone());
                assert!(
                    known.is_none_or(|known| known == *one),
                    "{kind} {name} of {service} is another one elsewhere"
                );
            }
        }
    }
    components["schemas"].as_object_mut().unwrap().remove("Event");
    let expected = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The shop", "version": "1.0.0",
            "description": "Everything that customers can do, at one address.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://localhost:3000"}],
        "paths": paths,
        "components": components,
    });
    let expected = format!("{}\n", serde_json::to_string_pretty(&expected).unwrap());
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(root().join(EDGE), &expected).unwrap();
    }
    assert!(
        text(EDGE) == expected,
        "{EDGE} is not in step\nhint: WRITE_OPENAPI=1 cargo test -p deployment openapi"
    );
}
