//! docs/openapi.json is in step with the code: every route is described, and the answers fit their schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::controller::{Server, VIEW};

const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");
const API: &str = include_str!("../../src/api.rs");
const HOOK: &str = include_str!("../../src/hook.rs");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let routes = |source: &'static str| {
        source
            .split(".route(")
            .skip(1)
            .filter_map(|rest| rest.split('"').nth(1))
    };
    let routed: BTreeSet<&str> = routes(API).chain(routes(HOOK)).collect();
    let document = document();
    let described: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(routed, described);
}

#[tokio::test]
async fn answers_fit_their_schemas_with_every_field_described() {
    let server = Server::start().await;
    let document = document();
    for (path, asked) in [
        ("/api/v1/health", "/api/v1/health"),
        ("/api/v1/view", "/api/v1/view"),
        ("/api/v1/events", "/api/v1/events?after=1"),
        (
            "/api/v1/environments/{environment}/workloads",
            "/api/v1/environments/production/workloads",
        ),
        (
            "/api/v1/environments/{environment}/services/{service}/logs",
            "/api/v1/environments/staging/services/storefront/logs",
        ),
    ] {
        let answer = server.send("GET", asked, &[], "").await;
        let schema =
            &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut wrong = Vec::new();
        fit(
            &document,
            schema,
            &serde_json::from_str(&answer.body).unwrap(),
            path,
            &mut wrong,
        );
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn a_view_with_a_strange_or_a_missing_field_does_not_fit() {
    let document = document();
    let check = |change: fn(&mut Value), expected: &str| {
        let mut view: Value = serde_json::from_str(VIEW).unwrap();
        change(&mut view);
        let mut wrong = Vec::new();
        fit(
            &document,
            &serde_json::json!({ "$ref": "#/components/schemas/View" }),
            &view,
            "view",
            &mut wrong,
        );
        assert_eq!(wrong, [expected]);
    };
    check(|view| view["moon"] = Value::Null, "view.moon is not described");
    check(
        |view| {
            view["environments"][0].as_object_mut().unwrap().remove("summary");
        },
        "view.environments.0.summary is missing",
    );
    check(
        |view| view["seq"] = "many".into(),
        "view.seq is \"many\", not \"integer\"",
    );
}

/// The part of JSON Schema that the document uses.
fn fit(document: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#')).unwrap();
        return fit(document, target, value, place, wrong);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let chosen = if value.is_null() {
            choices.last()
        } else {
            choices.first()
        };
        return fit(document, chosen.unwrap(), value, place, wrong);
    }
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let named = |kind: &str| kind == is || (kind == "number" && is == "integer");
    let kinds = schema["type"]
        .as_array()
        .map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    let fits = kinds.iter().filter_map(Value::as_str).any(named);
    if !fits {
        return wrong.push(format!("{place} is {value}, not {}", schema["type"]));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        fit(document, &schema["items"], item, &format!("{place}.{at}"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    for (name, field) in fields {
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(true)) => {}
            (Value::Null, other @ Value::Object(_)) => {
                fit(document, other, field, &format!("{place}.{name}"), wrong);
            }
            (Value::Null, _) => wrong.push(format!("{place}.{name} is not described")),
            (described, _) => fit(document, described, field, &format!("{place}.{name}"), wrong),
        }
    }
    let required = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    wrong.extend(
        required
            .filter(|name| !fields.contains_key(*name))
            .map(|name| format!("{place}.{name} is missing")),
    );
}
