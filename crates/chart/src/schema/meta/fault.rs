//! Whether a schema is surely without fault. Nearly all are, and to be held against the schema of schemas takes long.

use super::super::json::Json;
use super::super::node::{Draft, Types};
use super::rule::Rule;
use super::table::TABLE;
use crate::functions::regexp;

/// Nesting that is followed here.
const DEPTH_MAX: usize = 200;
/// Items that are compared each with each.
const ITEMS_MAX: usize = 200;

/// Whether nothing is wrong; what is doubtful is not free of fault.
pub(super) fn is_free(schema: &Json, draft: Draft) -> bool {
    Look { draft }.schema(schema, 0)
}

struct Look {
    draft: Draft,
}

impl Look {
    fn schema(&self, schema: &Json, depth: usize) -> bool {
        if depth > DEPTH_MAX {
            return false;
        }
        let keywords = match schema {
            Json::Bool(_) => return self.draft != Draft::Four,
            Json::Object(keywords) => keywords,
            _ => return false,
        };
        let paired = |keyword: &str, with: &str| {
            self.draft != Draft::Four || keywords.get(keyword).is_none() || keywords.get(with).is_some()
        };
        keywords.iter().all(|(name, value)| {
            match TABLE.iter().find(|it| it.name == name && it.is_of(self.draft)) {
                Some(keyword) => self.value(keyword.rule, value, depth + 1),
                None => true,
            }
        }) && paired("exclusiveMaximum", "maximum")
            && paired("exclusiveMinimum", "minimum")
    }

    fn value(&self, rule: Rule, value: &Json, depth: usize) -> bool {
        let schemas = |value: &Json| {
            value
                .as_array()
                .is_some_and(|it| !it.is_empty() && it.iter().all(|it| self.schema(it, depth)))
        };
        let by_name = |value: &Json, each: &dyn Fn(&Json) -> bool| {
            value.as_object().is_some_and(|it| it.iter().all(|it| each(it.1)))
        };
        match rule {
            Rule::Anything => true,
            Rule::Text => value.as_str().is_some(),
            Rule::Address => value
                .as_str()
                .is_some_and(|it| is_plain(it) && it.starts_with("http")),
            Rule::Reference => value.as_str().is_some_and(is_plain),
            Rule::Id => value.as_str().is_some_and(|it| is_plain(it) && !it.contains('#')),
            Rule::Anchor => value
                .as_str()
                .is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphabetic())),
            Rule::Pattern => value.as_str().is_some_and(|it| self.is_pattern(it)),
            Rule::Bool => value.as_bool().is_some(),
            Rule::Number => value.as_number().is_some(),
            Rule::Positive => value
                .as_number()
                .is_some_and(|it| it.as_f64().is_some_and(|it| it > 0.0)),
            Rule::Count | Rule::CountOrNone => value.as_number().is_some_and(serde_json::Number::is_u64),
            Rule::List => value.as_array().is_some(),
            Rule::Texts => self.texts(value),
            Rule::TextsByName => by_name(value, &|it| self.texts(it)),
            Rule::Enum => value
                .as_array()
                .is_some_and(|it| self.draft >= Draft::Of2019 || !it.is_empty() && are_different(it)),
            Rule::Type => match value {
                Json::Array(names) => !names.is_empty() && names.iter().all(is_type) && are_different(names),
                name => is_type(name),
            },
            Rule::Vocabulary => false,
            Rule::Schema => self.schema(value, depth),
            Rule::Additional => value.as_bool().is_some() || self.schema(value, depth),
            Rule::Items => schemas(value) || self.schema(value, depth),
            Rule::Schemas => schemas(value),
            Rule::Map => by_name(value, &|it| self.schema(it, depth)),
            Rule::Patterns => value.as_object().is_some_and(|it| {
                it.iter()
                    .all(|(name, it)| self.is_pattern(name) && self.schema(it, depth))
            }),
            Rule::Dependencies => by_name(value, &|it| self.texts(it) || self.schema(it, depth)),
        }
    }

    /// From 2019-09 on nobody looks at formats.
    fn is_pattern(&self, text: &str) -> bool {
        self.draft >= Draft::Of2019 || regexp::check(text).is_ok()
    }

    fn texts(&self, value: &Json) -> bool {
        value.as_array().is_some_and(|it| {
            it.iter().all(|it| it.as_str().is_some())
                && are_different(it)
                && (self.draft != Draft::Four || !it.is_empty())
        })
    }
}

fn is_type(name: &Json) -> bool {
    name.as_str().is_some_and(|it| !Types::of_name(it).is_empty())
}

fn are_different(items: &[Json]) -> bool {
    items.len() <= ITEMS_MAX && (1..items.len()).all(|at| items[..at].iter().all(|it| differ(it, &items[at])))
}

/// Whether two values are surely other ones. What contains values is doubtful.
fn differ(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Array(_) | Json::Object(_), _) | (_, Json::Array(_) | Json::Object(_)) => false,
        (Json::Number(a), Json::Number(b)) => a.as_f64() != b.as_f64(),
        (a, b) => a != b,
    }
}

/// An address, or a part of one, that needs no closer look.
fn is_plain(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .unwrap_or(text);
    rest.bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"-._/#$".contains(&it))
        && rest.bytes().filter(|it| *it == b'#').count() <= 1
}
