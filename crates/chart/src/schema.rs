//! values.schema.json: whether the values are what the chart expects. A validator of JSON Schema from draft 4 to
//! 2020-12 without formats; references to other documents are taken as fitting, because nothing is fetched here.

mod keyword;
mod reference;

use std::fmt::Write as _;

use crate::any::{Any, Map};
use crate::error::ChartError;
use crate::profile::Profile;
use crate::tree::Branch;
use keyword::Validator;

/// Checks the values of the chart and of its dependencies against their schemas.
pub(crate) fn check(root: &Branch, values: &Map, profile: Profile) -> Result<(), ChartError> {
    let mut report = String::new();
    collect(root, values, profile, &mut report)?;
    if report.is_empty() {
        return Ok(());
    }
    let before = "values don't meet the specifications of the schema(s) in the following chart(s):";
    Err(ChartError::Values(format!("{before}\n{report}")))
}

fn collect(branch: &Branch, values: &Map, profile: Profile, report: &mut String) -> Result<(), ChartError> {
    if let Some(schema) = branch.chart.schema_read() {
        let schema =
            schema.map_err(|it| ChartError::Values(format!("{}: values.schema.json: {it}", branch.name)))?;
        let instance = Any::Map(values.clone()).to_json();
        let problems = Validator::new(schema).validate(&instance);
        if !problems.is_empty() {
            let _ = writeln!(report, "{}:", branch.name);
            for problem in problems {
                problem.show(0, report);
            }
        }
    }
    for child in &branch.children {
        match values.get(child.name.as_bytes()) {
            None | Some(Any::Nil) => {}
            Some(Any::Map(section)) => collect(child, &section, profile, report)?,
            Some(other) => {
                let got = other.type_name(profile);
                let what = "invalid type for values: expected object (map), got";
                let _ = writeln!(
                    report,
                    "{}:
{what} {got}",
                    child.name
                );
            }
        }
    }
    Ok(())
}

/// What is wrong at one place, and why in detail.
#[derive(Debug)]
pub(super) struct Problem {
    /// A JSON pointer.
    pub(super) at: String,
    pub(super) what: String,
    pub(super) causes: Vec<Problem>,
}

impl Problem {
    fn show(&self, depth: usize, out: &mut String) {
        let _ = writeln!(out, "{}- at '{}': {}", "  ".repeat(depth), self.at, self.what);
        for cause in &self.causes {
            cause.show(depth + 1, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    fn check(schema: &str, instance: &str, expected: &str) {
        let schema: Json = serde_json::from_str(schema).unwrap();
        let instance: Json = serde_json::from_str(instance).unwrap();
        let mut report = String::new();
        for problem in Validator::new(&schema).validate(&instance) {
            problem.show(0, &mut report);
        }
        assert_eq!(report, expected);
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
            r#"{"name":"ab","port":0}"#,
            "- at '/port': minimum: got 0, want 1\n",
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
        check(typed, "\"b\"", "- at '': value must be one of 'a'\n");
        let beside = r##"{"$schema":"http://json-schema.org/draft-07/schema#",
            "$ref":"#/definitions/any","minLength":3,"definitions":{"any":{}}}"##;
        check(beside, "\"b\"", "");
        let when = r#"{"if":{"properties":{"on":{"const":true}}},"then":{"required":["host"]}}"#;
        check(when, r#"{"on":false}"#, "");
        check(when, r#"{"on":true}"#, "- at '': missing property 'host'\n");
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = r##"{"$ref":"#"}"##;
        check(schema, "1", "");
    }
}
