//! What does not fit, as the validator writes it.

use std::fmt::Write as _;

use super::value::{self, Json};

/// What is wrong at one place, and why in detail.
#[derive(Debug)]
pub(super) struct Problem {
    /// A JSON pointer.
    pub(super) at: String,
    pub(super) kind: Kind,
    pub(super) causes: Vec<Problem>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(String),
    /// Several things are wrong at one place.
    Group,
    /// Something is wrong by a schema that this one refers to.
    Reference,
}

impl Kind {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Problem {
    /// Lines of the whole report: the outermost group is not a line.
    pub(super) fn report(&self) -> String {
        let mut out = String::new();
        match self.kind {
            Kind::Group => self.causes.iter().for_each(|it| it.show(0, &mut out)),
            _ => self.show(0, &mut out),
        }
        out
    }

    fn show(&self, depth: usize, out: &mut String) {
        let passed_over = matches!(self.kind, Kind::Reference) && self.causes.len() == 1;
        let mut inner = depth;
        if !passed_over {
            let what = match &self.kind {
                Kind::Text(text) => text.as_str(),
                Kind::Group | Kind::Reference => "validation failed",
            };
            let _ = writeln!(out, "{}- at {}: {what}", "  ".repeat(depth), quote(&self.at));
            inner += 1;
        }
        for cause in &self.causes {
            cause.show(inner, out);
        }
    }
}

/// A text between single quotes, as Go escapes it.
pub(super) fn quote(text: &str) -> String {
    let quoted = crate::go::quote::quoted(text.as_bytes());
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

pub(super) fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|it| quote(it)).collect();
    names.join(", ")
}

/// A value of a schema.
pub(super) fn shown(json: &Json) -> String {
    match json {
        Json::Null => "<nil>".to_owned(),
        Json::String(_) => quote(json.as_str().unwrap_or_default()),
        Json::Array(_) | Json::Object(_) => "value".to_owned(),
        Json::Bool(it) => it.to_string(),
        Json::Number(number) => value::written(number),
    }
}
