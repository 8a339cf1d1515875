//! Docker Compose, compared with the chart.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{services, text, yaml};

fn url_variable(name: &str, service: &Value) -> String {
    let default = format!("{}_URL", name.to_uppercase().replace('-', "_"));
    service["urlVariable"].as_str().map_or(default, str::to_owned)
}

#[test]
fn compose_runs_what_the_chart_runs_with_the_same_words() {
    let compose = yaml("docker-compose.yml").remove(0);
    let names = compose["services"].as_object().unwrap().keys();
    let known = services();
    assert_eq!(
        names
            .filter(|name| !["postgres", "mongodb", "redis"].contains(&name.as_str()))
            .collect::<BTreeSet<_>>(),
        known.iter().map(|(name, _)| name).collect()
    );
    for (name, service) in &known {
        let run = &compose["services"][name];
        let port = service["port"].to_string();
        assert_eq!(run["build"]["args"]["PORT"], port.as_str(), "{name}");
        let mut expected: BTreeSet<String> = ["SHOP_ENV".to_owned(), "PORT".to_owned()].into();
        for callee in service["calls"].as_array().unwrap() {
            let callee = callee.as_str().unwrap();
            let (_, called) = known.iter().find(|(name, _)| name == callee).unwrap();
            let variable = url_variable(callee, called);
            let url = format!("http://{callee}:{}", called["port"]);
            assert_eq!(run["environment"][&variable], url.as_str(), "{name}");
            expected.insert(variable);
        }
        expected.extend(
            service["secrets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key.as_str().unwrap().to_owned()),
        );
        if service["store"]["kind"] == "embedded" {
            expected.insert("DATA_DIR".to_owned());
            assert!(run["volumes"].is_array(), "{name} would lose its data");
        }
        for outside in ["store", "shares"] {
            let Some(variable) = service[outside]["variable"].as_str() else {
                continue;
            };
            expected.insert(variable.to_owned());
            let (server, scheme) = match service[outside]["kind"].as_str().unwrap() {
                "redis" => ("redis", "redis:"),
                "mongodb" => ("mongodb", "mongodb:"),
                _ => ("postgres", "postgres:"),
            };
            let feature = server;
            let url = run["environment"][variable].as_str().unwrap();
            assert!(url.starts_with(scheme), "{name}: {url}");
            assert_eq!(run["build"]["args"]["FEATURES"], feature, "{name}");
            assert!(
                run["depends_on"][server].is_object(),
                "{name} does not wait for {server}"
            );
            let manifest = text(&format!("shop/{name}/Cargo.toml"));
            assert!(
                manifest.contains(&format!("\n{feature} = [")),
                "{name} has no feature {feature}"
            );
        }
        let set: BTreeSet<String> = run["environment"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(set, expected, "{name}");
        // The parser leaves a merge as it is written.
        assert_eq!(run["<<"]["read_only"], true, "{name}");
        let check = &run["<<"]["healthcheck"];
        assert_eq!(
            (&check["test"], &check["interval"]),
            (&json!(["CMD", "/service", "healthcheck"]), &json!("2s")),
            "{name}: others wait for it"
        );
    }
    assert_eq!(compose["services"]["api-gateway"]["ports"][0], "3000:3000");
}

#[test]
fn services_of_compose_wait_in_no_circle() {
    let compose = yaml("docker-compose.yml").remove(0);
    let services = compose["services"].as_object().unwrap();
    let mut started = BTreeSet::new();
    while started.len() < services.len() {
        let next: Vec<&String> = services
            .iter()
            .filter(|(name, _)| !started.contains(*name))
            .filter(|(_, service)| {
                let waits = service["depends_on"]
                    .as_object()
                    .into_iter()
                    .flat_map(|waits| waits.keys());
                waits.into_iter().all(|other| started.contains(other))
            })
            .map(|(name, _)| name)
            .collect();
        assert!(!next.is_empty(), "nothing can start after {started:?}");
        started.extend(next);
    }
}
