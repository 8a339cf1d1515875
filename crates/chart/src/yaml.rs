//! YAML as Helm's library reads and writes it: YAML 1.1 booleans, every number a float, keys as strings, merge keys;
//! natural order of keys, lines folded at 80 columns, its rules of quoting.

mod compose;
mod parse;
mod resolve;
mod scan;
mod write;

use crate::Value;
use crate::any::Any;
use crate::limits::Limits;
use compose::Composer;
use parse::Parser;

pub(crate) use write::{write, write_pretty};

/// Why a text is no YAML, in the library's words: `yaml: line 3: mapping values are not allowed in this context`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(pub String);

impl YamlError {
    fn plain(problem: &str) -> Self {
        Self(format!("yaml: {problem}"))
    }

    /// An error of the conversion to JSON.
    fn bare(problem: &str) -> Self {
        Self(problem.to_owned())
    }

    /// Lines count from 0. The library tells the line after the scanner's, or where the context began.
    fn scanner(problem: &str, line: usize, context_line: usize) -> Self {
        match (line, context_line) {
            (0, 0) => Self::plain(problem),
            (0, context) => Self::plain(&format!("line {context}: {problem}")),
            (line, _) => Self::plain(&format!("line {}: {problem}", line + 1)),
        }
    }

    fn parser(problem: &str, line: usize, context_line: Option<usize>) -> Self {
        match (line, context_line.unwrap_or(0)) {
            (0, 0) => Self::plain(problem),
            (0, line) | (line, _) => Self::plain(&format!("line {line}: {problem}")),
        }
    }
}

/// Reads every document of `text`. Empty documents are `Value::Null`.
pub fn parse(text: &str) -> Result<Vec<Value>, YamlError> {
    Ok(read_all(text.as_bytes(), &Limits::default())?
        .iter()
        .map(Any::to_value)
        .collect())
}

/// Reads the first document of `text`, which is all that Helm looks at where it wants one: what follows may be anything.
pub fn parse_first(text: &str) -> Result<Value, YamlError> {
    read(text.as_bytes(), &Limits::default()).map(|it| it.to_value())
}

/// A value as Helm writes YAML, with a newline at its end.
pub fn to_text(value: &Value) -> String {
    let text = write(&Any::from(value)).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

/// Every document.
pub(crate) fn read_all(text: &[u8], limits: &Limits) -> Result<Vec<Any>, YamlError> {
    check(text)?;
    let mut parser = Parser::new(text, limits.yaml_depth_max);
    let mut composer = Composer::new(limits.yaml_nodes_max);
    let mut documents = Vec::new();
    while let Some(node) = parser.document()? {
        documents.push(composer.value(&node)?);
    }
    Ok(documents)
}

/// The first document, which is all that the library's `Unmarshal` looks at; nothing is null.
pub(crate) fn read(text: &[u8], limits: &Limits) -> Result<Any, YamlError> {
    check(text)?;
    let mut parser = Parser::new(text, limits.yaml_depth_max);
    match parser.document()? {
        Some(node) => Composer::new(limits.yaml_nodes_max).value(&node),
        None => Ok(Any::Nil),
    }
}

/// What a plain scalar without a tag is; `None` where JSON has nothing for it.
pub(crate) fn plain(text: &[u8]) -> Option<Any> {
    compose::plain(text)
}

/// As [`read`], within the usual limits.
pub(crate) fn read_first(text: &[u8]) -> Result<Any, String> {
    read(text, &Limits::default()).map_err(|it| it.0)
}

/// The library's reader: UTF-8 without control characters.
fn check(text: &[u8]) -> Result<(), YamlError> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            return Err(YamlError::plain("incomplete UTF-8 octet sequence"));
        }
        Err(error) => {
            let leading = matches!(text[error.valid_up_to()], 0x80..=0xBF | 0xF8..=0xFF);
            let what = if leading { "leading" } else { "trailing" };
            return Err(YamlError::plain(&format!("invalid {what} UTF-8 octet")));
        }
    };
    if is_plain(text.as_bytes()) {
        return Ok(());
    }
    match text.chars().find(|it| !is_allowed(*it)) {
        Some(_) => Err(YamlError::plain("control characters are not allowed")),
        None => Ok(()),
    }
}

/// Whether there is nothing but ASCII without control characters. Blocks of a known length are looked at without branches.
fn is_plain(text: &[u8]) -> bool {
    const BLOCK: usize = 32;
    let is_good = |it: u8| {
        let is_printed = u8::from((b' '..=b'~').contains(&it));
        is_printed | u8::from(it == b'\n') | u8::from(it == b'\t') | u8::from(it == b'\r')
    };
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let in_block = |block: &[u8; BLOCK]| block.iter().fold(1, |good, it| good & is_good(*it));
    blocks.iter().all(|it| in_block(it) == 1) && rest.iter().all(|it| is_good(*it) == 1)
}

fn is_allowed(rune: char) -> bool {
    matches!(
        rune,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}'
            | '\u{10000}'..='\u{10FFFF}'
    )
}
