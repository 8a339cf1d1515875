//! values.schema.json: whether the values are what the chart expects. A validator of JSON Schema from draft 4 to
//! 2020-12 as Helm's: a schema is compiled with everything that it leads to, and then values are held against it. It
//! fetches nothing itself: other documents come from [`RemoteSchemas`].

mod compile;
mod document;
mod format;
mod json;
mod meta;
mod node;
mod pattern;
mod problem;
mod validate;
mod value;

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::any::{Any, Map};
use crate::error::ChartError;
use crate::profile::Profile;
use crate::tree::Branch;
pub(crate) use format::Format;
pub(crate) use node::Compiled;
use validate::{Stop, Validator};

type Load = dyn Fn(&str) -> Result<Vec<u8>, String> + Send + Sync;

/// Where schemas that a `$ref` names by `http://` or `https://` come from. By default nowhere: a chart does not decide
/// what is fetched.
#[derive(Clone, Default)]
pub struct RemoteSchemas(Option<Arc<Load>>);

impl RemoteSchemas {
    /// Schemas that `load` fetches by their address; its error says why it could not.
    pub fn by(load: impl Fn(&str) -> Result<Vec<u8>, String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(load)))
    }

    fn load(&self, address: &str) -> Result<Vec<u8>, String> {
        match &self.0 {
            Some(load) => load(address),
            None => Err(
                "schemas from elsewhere are not fetched here\nhint: copy the schema into values.schema.json, or leave schemas out"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Debug for RemoteSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "fetched" } else { "refused" })
    }
}

/// Compiles values.schema.json; the error is what Helm prints.
pub(crate) fn compile(text: &[u8], remote: &RemoteSchemas) -> Result<Compiled, String> {
    compile::compile(&read(text)?, remote)
}

/// JSON, with the words of Go and of the validator for what is wrong with it.
fn read(text: &[u8]) -> Result<json::Json, String> {
    let text = text.trim_ascii_start();
    serde_json::from_slice(text).map_err(|other| match crate::json::read(text) {
        Err(_) if text.is_empty() => "EOF".to_owned(),
        Err(error) if error == "unexpected end of JSON input" => "unexpected EOF".to_owned(),
        Err(error) if error.ends_with("after top-level value") => {
            "invalid character after top-level value".to_owned()
        }
        Err(error) => error,
        Ok(_) => other.to_string(),
    })
}

/// Checks the values of the chart and of its dependencies against their schemas.
pub(crate) fn check(
    root: &Branch,
    values: &Map,
    profile: Profile,
    remote: &RemoteSchemas,
) -> Result<(), ChartError> {
    let report = report(root, values, profile, remote)?;
    if report.is_empty() {
        return Ok(());
    }
    let before = "values don't meet the specifications of the schema(s) in the following chart(s):";
    Err(ChartError::Values(format!("{before}\n{report}")))
}

/// What does not fit, chart by chart; nothing where all of it does.
pub(crate) fn report(
    branch: &Branch,
    values: &Map,
    profile: Profile,
    remote: &RemoteSchemas,
) -> Result<String, ChartError> {
    let mut report = String::new();
    if let Some(compiled) = branch.chart.compiled_schema(remote) {
        let outcome = match compiled {
            Ok(schema) => against(&schema, &Any::Map(values.clone()))?,
            Err(why) => Some(why),
        };
        if let Some(outcome) = outcome {
            let _ = write!(report, "{}:\n{outcome}", branch.name);
        }
    }
    for child in &branch.children {
        match values.get(child.name.as_bytes()) {
            None | Some(Any::Nil) => {}
            Some(Any::Map(section)) => report.push_str(&self::report(child, &section, profile, remote)?),
            Some(other) => {
                let got = other.type_name(profile);
                let what = "invalid type for values: expected object (map), got";
                let _ = write!(report, "{}:\n{what} {got}\n", child.name);
            }
        }
    }
    Ok(report)
}

/// Checks values against a schema, which is given as text; the error is the validator's.
pub(crate) fn check_one(schema: &[u8], values: &crate::Value, remote: &RemoteSchemas) -> Result<(), String> {
    let compiled = compile(schema, remote)?;
    match against(&compiled, &Any::from(values)) {
        Ok(None) => Ok(()),
        Ok(Some(report)) => Err(report),
        Err(error) => Err(error.to_string()),
    }
}

fn against(schema: &Compiled, values: &Any) -> Result<Option<String>, ChartError> {
    match Validator::new(schema).validate(values) {
        Ok(()) => Ok(None),
        Err(Stop::Problem(problem)) => Ok(Some(problem.report())),
        Err(Stop::Limit(what)) => Err(ChartError::Limit(what)),
    }
}

#[cfg(test)]
mod tests;
