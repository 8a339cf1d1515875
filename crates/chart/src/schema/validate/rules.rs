//! What a schema asks of one value, without the schemas within it.

use super::super::node::{Node, Number, Types};
use super::super::problem::{Kind, quote, shown};
use super::super::value::{self, Json};
use super::{Check, Unseen};
use crate::any::{Any, Str};

/// What a schema with this node leaves unseen of a value before it looks.
pub(super) fn unseen(value: &Any, node: &Node, asked: bool) -> Unseen {
    let mut unseen = Unseen::default();
    match value {
        Any::Map(map) if node.object.additional.is_none() && (asked || node.object.unevaluated.is_some()) => {
            unseen.properties = Some(map.keys().iter().map(|it| it.to_vec()).collect());
        }
        Any::List(list) => {
            let from = node.array.sees(node.draft);
            if !node.array.sees_all(node.draft)
                && (asked || node.array.unevaluated.is_some())
                && from < list.len()
            {
                unseen.items = Some((from..list.len()).collect());
            }
        }
        _ => {}
    }
    unseen
}

/// What any value is held to first: where one of these is wrong, nothing else of it is looked at.
pub(super) fn own(node: &Node, value: &Any) -> Option<Kind> {
    let kind = value::kind(value);
    if !node.types.is_empty() {
        let types = Types::of_name(kind);
        let fits = node.types.contains(types)
            || node.types.contains(Types::of_name("integer"))
                && value::number(value).is_some_and(|it| it.fract() == 0.0);
        if !fits {
            let wanted = node.types.names().join(" or ");
            return Some(Kind::Text(format!("got {kind}, want {wanted}")));
        }
    }
    if let Some(constant) = &node.constant
        && !value::equal_json(value, constant)
    {
        let text = match constant {
            Json::Array(_) | Json::Object(_) => "'const' failed".to_owned(),
            _ => format!("value must be {}", shown(constant)),
        };
        return Some(Kind::Text(text));
    }
    if let Some(options) = &node.options
        && !options.iter().any(|it| value::equal_json(value, it))
    {
        return Some(Kind::Text(no_option(options)));
    }
    let format = node.format?;
    let problem = format.problem(value)?;
    let value = match value {
        Any::Str(text) => quote(&text.text()),
        _ => String::new(),
    };
    Some(Kind::Text(format!(
        "{value} is not valid {}: {problem}",
        format.name
    )))
}

fn no_option(options: &[Json]) -> String {
    if options
        .iter()
        .any(|it| matches!(it, Json::Array(_) | Json::Object(_)))
    {
        return "'enum' failed".to_owned();
    }
    let options: Vec<String> = options.iter().map(shown).collect();
    match options.as_slice() {
        [one] => format!("value must be {one}"),
        many => format!("value must be one of {}", many.join(", ")),
    }
}

pub(super) fn string(check: &mut Check<'_>, node: &Node, text: &Str) {
    let rules = &node.string;
    if rules.least.is_some() || rules.most.is_some() {
        let length = crate::go::runes::runes(text).count();
        check.count(("minLength", rules.least), ("maxLength", rules.most), length);
    }
    if let Some(pattern) = &rules.pattern
        && !pattern.matches(text)
    {
        check.problem(|| {
            format!(
                "{} does not match pattern {}",
                quote(&text.text()),
                quote(&pattern.text)
            )
        });
    }
}

pub(super) fn numeric(check: &mut Check<'_>, node: &Node, got: f64) {
    let rules = &node.number;
    let mut limit = |keyword: &str, limit: &Option<Number>, passed: fn(f64, f64) -> bool| {
        if let Some(limit) = limit.as_ref().filter(|it| passed(got, it.value)) {
            check.problem(|| {
                let (got, want) = (value::localized(got), value::localized(limit.value));
                format!("{keyword}: got {got}, want {want}")
            });
        }
    };
    limit("minimum", &rules.least, |got, limit| got < limit);
    limit("maximum", &rules.most, |got, limit| got > limit);
    limit("exclusiveMinimum", &rules.above, |got, limit| got <= limit);
    limit("exclusiveMaximum", &rules.below, |got, limit| got >= limit);
    if let Some(of) = rules.multiple_of.as_ref()
        && !value::is_multiple(check.value, of)
    {
        check.problem(|| {
            let (got, want) = (value::localized(got), value::localized(of.value));
            format!("multipleOf: got {got}, want {want}")
        });
    }
}
