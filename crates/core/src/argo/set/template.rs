//! Parameters put into a template: `{{ name }}` in plain ones, Go's templates where the set says `goTemplate`.

use serde_json::{Map, Value};

use super::Around;
use super::params::Params;
use crate::argo::Wrong;
use crate::argo::fields::Part;

/// How templates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `{{ name }}`; a name that is not known stays as it is.
    Plain,
    /// Go's.
    Go {
        /// A key that is not there is an error, not `<no value>`.
        missing_is_wrong: bool,
    },
}

/// What Go writes for a key that is not there.
const NO_VALUE: &str = "<no value>";

impl Around<'_> {
    /// A value with the parameters in all of its texts and keys.
    pub(super) fn fill(&self, part: &Part<'_>, params: &Params) -> Result<Value, Wrong> {
        match part.value() {
            Value::String(text) => Ok(Value::String(self.fill_text(part, text, params)?)),
            Value::Array(_) => {
                let items = part.list()?;
                let filled = items.iter().map(|it| self.fill(it, params));
                Ok(Value::Array(filled.collect::<Result<_, _>>()?))
            }
            Value::Object(map) => {
                let filled = map.keys().map(|key| {
                    let within = part.get(key);
                    Ok((self.fill_text(&within, key, params)?, self.fill(&within, params)?))
                });
                Ok(Value::Object(filled.collect::<Result<Map<_, _>, Wrong>>()?))
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Ok(other.clone()),
        }
    }

    fn fill_text(&self, part: &Part<'_>, text: &str, params: &Params) -> Result<String, Wrong> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let Mode::Go { missing_is_wrong } = self.mode else {
            return Ok(plain(text, params));
        };
        let values = Value::Object(params.map.clone());
        let written = self.files.template(text, &values);
        let written = written.map_err(|it| part.wrong(it, "it is a Go template with sprig's functions"))?;
        if missing_is_wrong && written.contains(NO_VALUE) {
            return Err(part.wrong(
                format!("`{text}` names a parameter that is not there"),
                "the generator gives no such parameter, and the set says missingkey=error",
            ));
        }
        Ok(written)
    }
}

fn plain(text: &str, params: &Params) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, next)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        if let Some(Value::String(value)) = params.map.get(name.trim()) {
            out.push_str(value);
        } else {
            out.push_str("{{");
            out.push_str(name);
            out.push_str("}}");
        }
        rest = next;
    }
    out.push_str(rest);
    out
}
