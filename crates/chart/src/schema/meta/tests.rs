//! Schemas with faults, with what the validator says of them; it was asked.

use super::*;

fn check(schema: &str, expected: &str) {
    let found = crate::schema::compile(schema.as_bytes(), &RemoteSchemas::default());
    let found = found.map(drop).err().unwrap_or_default();
    let (_, found) = found.split_once("schema#'\n").unwrap_or(("", &found));
    assert_eq!(found, expected, "{schema}");
}

#[test]
fn schemas_of_schemas_are_without_fault_themselves() {
    for draft in DRAFTS {
        let own = crate::schema::read(text(draft, Part::Whole).as_bytes()).unwrap();
        let found = Validator::new(of_draft(draft).unwrap()).validate(&any(&own));
        assert!(found.is_ok(), "{draft:?}");
    }
}

const TYPE: &str = "value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'";

#[test]
fn faults_of_schemas_are_told_as_helm_tells_them() {
    let of_2020 = format!(
        "- at '': 'allOf' failed
  - at '/type': 'anyOf' failed
    - at '/type': {TYPE}
    - at '/type': got string, want array"
    );
    check(r#"{"type":"strin"}"#, &of_2020);
    let two = format!(
        "- at '': 'allOf' failed
  - at '': validation failed
    - at '/required': got number, want array
    - at '/type': 'anyOf' failed
      - at '/type': {TYPE}
      - at '/type': got string, want array"
    );
    check(r#"{"type":"x","required":5}"#, &two);
    check(
        r#"{"$schema":"http://json-schema.org/draft-07/schema#","pattern":"(?!a)b"}"#,
        "- at '/pattern': '(?!a)b' is not valid regex: error parsing regexp: invalid or unsupported Perl syntax: `(?!`",
    );
    check(
        r#"{"$schema":"http://json-schema.org/draft-04/schema#","required":[]}"#,
        "- at '/required': minItems: got 0, want 1",
    );
}

#[test]
fn schemas_without_fault_are_free_at_first_sight_and_by_the_schema_of_schemas() {
    let schema = r##"{"$id":"https://charts.io/a","$defs":{"port":{"type":"integer","minimum":1}},
        "type":["object","null"],"required":["a","b"],"properties":{"a":{"$ref":"#/$defs/port"},"b":true,
        "c":{"items":{"enum":["x",1,null]},"minItems":0,"pattern":"^a"}},"additionalProperties":false,
        "allOf":[{"if":{"not":{"const":1}},"then":{"multipleOf":0.5}}],"description":"d","examples":[1]}"##;
    let schema = crate::schema::read(schema.as_bytes()).unwrap();
    for draft in DRAFTS.into_iter().skip(1) {
        assert!(fault::is_free(&schema, draft), "{draft:?}");
        assert!(
            Validator::new(of_draft(draft).unwrap())
                .validate(&any(&schema))
                .is_ok(),
            "{draft:?}"
        );
    }
    // A boolean is no schema there.
    assert!(!fault::is_free(&schema, Draft::Four));
}

#[test]
fn what_only_a_reference_leads_to_is_looked_at_too() {
    assert!(is_within("/properties/a~1b/items/0/not", Draft::Seven));
    assert!(!is_within("/$defs/a", Draft::Seven));
    let schema =
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/own","own":{"minimum":"1"}}"##;
    check(schema, "- at '/minimum': got string, want number");
    let unused = r#"{"$schema":"http://json-schema.org/draft-07/schema#","own":{"minimum":"1"}}"#;
    check(unused, "");
}
