//! Errors of templates in Helm's form.

use crate::any::Str;
use crate::error::ChartError;
use crate::functions::{WARN_END, WARN_START};
use crate::profile::Profile;
use crate::template::failure::Failure;

/// What a chart that passes a limit mostly has.
const LIMIT_HINT: &str = "look for a loop over a huge number or an include without an end";

/// `parse error at (FILE:LINE): what`.
pub(super) fn parse(file: &Str, text: &str) -> ChartError {
    let tokens: Vec<&str> = text.split(": ").collect();
    let message = match tokens.as_slice() {
        [_, location, .., last] => format!("parse error at ({location}): {last}"),
        [_, location] => format!("parse error at ({location}): {location}"),
        _ => format!("parse error in ({}): {text}", file.text()),
    };
    ChartError::Template { message }
}

/// `execution error at (FILE:LINE:COLUMN): what` for what a chart says itself, else the chain of Go's messages.
pub(super) fn execution(file: &Str, fail: &Failure, profile: Profile) -> ChartError {
    if fail.limit {
        let (file, text) = (file.text(), fail.text());
        let text = text.strip_prefix("template: ").unwrap_or(text);
        // What is passed within another file's definition or within a text of `tpl` tells where, not from which file.
        let text = if text.starts_with(&*file) {
            text.to_owned()
        } else {
            format!("{file}: {text}")
        };
        return ChartError::Limit(format!("{text}\nhint: {LIMIT_HINT}"));
    }
    let text = fail.text().to_owned();
    if !fail.from_template {
        return ChartError::Template { message: text };
    }
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
        let message = format!("execution error in ({}): {text}", file.text());
        return ChartError::Template { message };
    };
    if let Some(start) = rest.find(WARN_START)
        && let Some(end) = rest.rfind(WARN_END)
        && start < end
    {
        let said = &rest[start + WARN_START.len()..end];
        return ChartError::Template {
            message: format!("execution error at ({location}): {said}"),
        };
    }
    if profile == Profile::Helm3 {
        return ChartError::Template { message: text };
    }
    let message = trace(&fail.texts).unwrap_or(text);
    ChartError::Template { message }
}

/// Helm 4's trace: one block for each error of the chain; `None` when one of them is not of a known form.
fn trace(texts: &[String]) -> Option<String> {
    let mut blocks: Vec<String> = Vec::new();
    for text in texts {
        let block = block(text.strip_prefix("template: ")?, text)?;
        if blocks.last() != Some(&block) {
            blocks.push(block);
        }
    }
    Some(blocks.concat().trim().to_owned())
}

fn block(rest: &str, whole: &str) -> Option<String> {
    if rest.starts_with("no template ") {
        return Some(format!("{whole}\n"));
    }
    if let Some((location, after)) = rest.split_once(": executing \"")
        && let Some((function, after)) = after.split_once('"')
        && let Some((place, message)) = after.strip_prefix(" at <").and_then(|it| it.split_once(">: "))
    {
        let message = without_next(message);
        return Some(format!(
            "{location}\n  executing \"{function}\" at <{place}>:\n    {message}\n"
        ));
    }
    let (location, message) = rest.rsplit_once(": ")?;
    Some(format!("{location}\n  {}\n", without_next(message)))
}

fn without_next(message: &str) -> &str {
    message.find(" template:").map_or(message, |at| &message[..at])
}
