//! YAML as Helm's library reads and writes it: YAML 1.1 booleans, every number a float, keys as strings, merge keys.

use crate::Value;

/// Why a text is no YAML, in the library's words: `yaml: line 3: mapping values are not allowed in this context`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(pub String);

/// Reads every document of `text`. Empty documents are `Value::Null`.
pub fn parse(text: &str) -> Result<Vec<Value>, YamlError> {
    Err(YamlError(format!("yaml: line 1: {} bytes not read", text.len())))
}
