//! A regular expression of a schema: its syntax is looked at with the schema, and it is compiled when it is first needed.

use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::functions::regexp;

#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The expression, or what Go says of it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        regexp::check(text)?;
        Ok(Self {
            text: text.to_owned(),
            compiled: OnceLock::new(),
        })
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let compiled = self.compiled.get_or_init(|| regexp::regex(&self.text).ok());
        // Nothing is refused for an expression that is larger than what is allowed here.
        compiled.as_ref().is_none_or(|it| it.is_match(text))
    }
}
