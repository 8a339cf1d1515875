//! Schemas and values, with what the validator says; it was asked.

use super::*;

fn with(remote: &RemoteSchemas, schema: &str, instance: &str) -> String {
    let compiled = match compile(schema.as_bytes(), remote) {
        Ok(compiled) => compiled,
        Err(error) => return error,
    };
    let instance = crate::json::read(instance.as_bytes()).unwrap();
    against(&compiled, &instance).unwrap().unwrap_or_default()
}

fn check(schema: &str, instance: &str, expected: &str) {
    assert_eq!(
        with(&RemoteSchemas::default(), schema, instance),
        expected,
        "{schema} {instance}"
    );
}

#[test]
fn schemas_find_what_is_wrong() {
    let schema = r##"{"type":"object","required":["name"],"additionalProperties":false,
        "properties":{"name":{"type":"string","minLength":2},"port":{"$ref":"#/$defs/port"},
        "kind":{"enum":["a","b"]},"many":{"type":"array","items":{"type":"integer"},"uniqueItems":true}},
        "$defs":{"port":{"type":["integer","null"],"minimum":1,"maximum":65535}}}"##;
    check(schema, r#"{"name":"ab","port":80,"kind":"a","many":[1,2]}"#, "");
    check(schema, r#"{"name":"ab","port":null}"#, "");
    check(schema, "{}", "- at '': missing property 'name'\n");
    check(schema, r#"{"name":5}"#, "- at '/name': got number, want string\n");
    check(
        schema,
        r#"{"name":"ab","x":1}"#,
        "- at '': additional properties 'x' not allowed\n",
    );
    check(
        schema,
        r#"{"name":"ab","port":70000}"#,
        "- at '/port': maximum: got 70,000, want 65,535\n",
    );
    check(
        schema,
        r#"{"name":"ab","kind":"c"}"#,
        "- at '/kind': value must be one of 'a', 'b'\n",
    );
    check(
        schema,
        r#"{"name":"ab","many":[1,1]}"#,
        "- at '/many': items at 0 and 1 are equal\n",
    );
    let either = r#"{"oneOf":[{"type":"string"},{"type":"number"}],"not":{"const":"no"}}"#;
    check(either, "\"yes\"", "");
    check(either, "\"no\"", "- at '': 'not' failed\n");
    let typed = r#"{"type":"string","enum":["a"],"minLength":3}"#;
    check(typed, "null", "- at '': got null, want string\n");
    check(typed, "\"b\"", "- at '': value must be 'a'\n");
    let beside = r##"{"$schema":"http://json-schema.org/draft-07/schema#",
        "$ref":"#/definitions/any","minLength":3,"definitions":{"any":{}}}"##;
    check(beside, "\"b\"", "");
    let when = r#"{"if":{"properties":{"on":{"const":true}}},"then":{"required":["host"]}}"#;
    check(when, r#"{"on":false}"#, "");
    check(when, r#"{"on":true}"#, "- at '': missing property 'host'\n");
}

#[test]
fn several_problems_at_one_place_are_a_group() {
    let schema = r#"{"properties":{"a":{"minLength":3,"pattern":"^b"},"b":{"type":"null"}}}"#;
    let both = "- at '/a': minLength: got 1, want 3\n- at '/a': 'c' does not match pattern '^b'\n";
    check(schema, r#"{"a":"c"}"#, both);
    let group = "- at '/a': validation failed\n  - at '/a': minLength: got 1, want 3\n  - at '/a': 'c' does not match pattern '^b'\n- at '/b': got number, want null\n";
    check(schema, r#"{"a":"c","b":1}"#, group);
}

#[test]
fn what_no_schema_has_seen_is_unevaluated() {
    let schema = r#"{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}"#;
    check(schema, r#"{"a":1}"#, "");
    check(schema, r#"{"a":1,"b":2}"#, "- at '/b': false schema\n");
    let items = r#"{"prefixItems":[true],"unevaluatedItems":false}"#;
    check(items, "[1]", "");
    check(items, "[1,2]", "- at '/1': false schema\n");
}

#[test]
fn formats_are_checked_up_to_draft_7() {
    let of = |draft: &str| format!(r#"{{"$schema":"{draft}","format":"ipv4"}}"#);
    let expected = "- at '': 'x' is not valid ipv4: expected four decimals\n";
    check(&of("http://json-schema.org/draft-07/schema#"), "\"x\"", expected);
    check(&of("https://json-schema.org/draft/2020-12/schema"), "\"x\"", "");
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = r##"{"$ref":"#"}"##;
    let cycle =
        "- at '': both /$ref and  resolve to \"file:///values.schema.json#\" causing reference cycle\n";
    check(schema, "1", cycle);
}

#[test]
fn references_lead_to_identifiers_anchors_and_nowhere() {
    let schema = r#"{"properties":{"a":{"$ref":"inner.json#here"}},
        "$defs":{"x":{"$id":"inner.json","$defs":{"y":{"$anchor":"here","type":"null"}}}}}"#;
    check(schema, r#"{"a":null}"#, "");
    check(schema, r#"{"a":1}"#, "- at '/a': got number, want null\n");
    check(
        r##"{"$ref":"#/nowhere"}"##,
        "1",
        "json-pointer in \"file:///values.schema.json#/nowhere\" not found",
    );
    check(
        r#"{"$ref":"../secret.json"}"#,
        "1",
        "failing loading \"file:///secret.json\": open /secret.json: no such file or directory",
    );
}

#[test]
fn schemas_from_elsewhere_come_from_the_caller() {
    let schema = r#"{"properties":{"a":{"$ref":"https://example.com/a/b.json#/$defs/c"}}}"#;
    let refused = with(&RemoteSchemas::default(), schema, "{}");
    assert!(refused.starts_with("failing loading \"https://example.com/a/b.json\": schemas from elsewhere"));
    let remote = RemoteSchemas::by(|address| match address {
        "https://example.com/a/b.json" => Ok(br#"{"$defs":{"c":{"$ref":"c.json"}}}"#.to_vec()),
        "https://example.com/a/c.json" => Ok(br#"{"type":"string"}"#.to_vec()),
        other => Err(format!("no {other}")),
    });
    assert_eq!(with(&remote, schema, r#"{"a":"b"}"#), "");
    let expected = "- at '/a': got number, want string\n";
    assert_eq!(with(&remote, schema, r#"{"a":1}"#), expected);
}

#[test]
fn a_schema_that_never_ends_is_stopped() {
    let schema = r##"{"$defs":{"a":{"anyOf":[{"properties":{"x":{"$ref":"#/$defs/a"}}},
        {"properties":{"x":{"$ref":"#/$defs/a"}}}],"required":["x"]}},"$ref":"#/$defs/a"}"##;
    let depth = 40;
    let instance = format!("{}1{}", r#"{"x":"#.repeat(depth), "}".repeat(depth));
    let compiled = compile(schema.as_bytes(), &RemoteSchemas::default()).unwrap();
    let outcome = against(&compiled, &crate::json::read(instance.as_bytes()).unwrap());
    assert!(matches!(outcome, Ok(_) | Err(ChartError::Limit(_))));
}
