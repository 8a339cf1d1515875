//! Schemas held against the schema of schemas of their draft: one table of keywords, from which the schemas of schemas are
//! written as the validator knows them, and by which a schema without fault is told quickly.

mod fault;
mod rule;
mod table;

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::json::Json;
use super::node::{Compiled, Draft};
use super::validate::{Stop, Validator};
use super::{RemoteSchemas, compile};
use crate::any::{Any, List, Map};
use rule::Rule;
use table::{Part, TABLE};

/// Whether keywords lead from the whole of a document to the place of a pointer.
pub(super) fn is_within(pointer: &str, draft: Draft) -> bool {
    let mut parts = pointer.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let keyword = TABLE.iter().find(|it| it.name == part && it.is_of(draft));
        let is_next = match keyword.map(|it| it.rule) {
            Some(Rule::Schema | Rule::Additional) => true,
            Some(Rule::Items) => {
                let is_number = |it: &&str| it.bytes().all(|it| it.is_ascii_digit());
                parts.next_if(is_number);
                true
            }
            Some(Rule::Schemas | Rule::Map | Rule::Patterns | Rule::Dependencies) => parts.next().is_some(),
            _ => false,
        };
        if !is_next {
            return false;
        }
    }
    true
}

/// What is wrong with a schema, in the validator's words; `place` is where it is.
pub(super) fn check(schema: &Json, draft: Draft, place: &str) -> Result<(), String> {
    if fault::is_free(schema, draft) {
        return Ok(());
    }
    match Validator::new(of_draft(draft)?).validate(&any(schema)) {
        Ok(()) => Ok(()),
        Err(Stop::Problem(problem)) => Err(format!(
            "{} is not valid against metaschema: jsonschema validation failed with '{}#'\n{}",
            crate::go::quote::quoted(place.as_bytes()),
            home(draft),
            problem.report().trim_end_matches('\n')
        )),
        Err(Stop::Limit(what)) => Err(what),
    }
}

/// Where the schema of schemas of a draft is.
fn home(draft: Draft) -> &'static str {
    match draft {
        Draft::Four => "http://json-schema.org/draft-04/schema",
        Draft::Six => "http://json-schema.org/draft-06/schema",
        Draft::Seven => "http://json-schema.org/draft-07/schema",
        Draft::Of2019 => "https://json-schema.org/draft/2019-09/schema",
        Draft::Of2020 => "https://json-schema.org/draft/2020-12/schema",
    }
}

const DRAFTS: [Draft; 5] = [
    Draft::Four,
    Draft::Six,
    Draft::Seven,
    Draft::Of2019,
    Draft::Of2020,
];

fn of_draft(draft: Draft) -> Result<&'static Compiled, String> {
    type Kept = LazyLock<Result<Compiled, String>>;
    fn read(draft: Draft) -> Result<Compiled, String> {
        compile::compile_as_is(
            &super::read(text(draft, Part::Whole).as_bytes())?,
            &RemoteSchemas::default(),
        )
    }
    static ALL: [Kept; 5] = [
        Kept::new(|| read(Draft::Four)),
        Kept::new(|| read(Draft::Six)),
        Kept::new(|| read(Draft::Seven)),
        Kept::new(|| read(Draft::Of2019)),
        Kept::new(|| read(Draft::Of2020)),
    ];
    let at = DRAFTS.iter().position(|it| *it == draft).unwrap_or_default();
    ALL[at].as_ref().map_err(Clone::clone)
}

/// The schema of schemas, or a part of one, that has an address: the validator carries them along.
pub(super) fn embedded(address: &str) -> Option<Json> {
    let text = DRAFTS.iter().find_map(|draft| {
        let rest = address.strip_prefix(home(*draft).strip_suffix("schema")?)?;
        if rest == "schema" {
            return Some(text(*draft, Part::Whole));
        }
        let part = Part::of_name(rest.strip_prefix("meta/")?, *draft)?;
        Some(text(*draft, part))
    });
    super::read(text?.as_bytes()).ok()
}

/// Writes a part of a schema of schemas. Up to draft 7 it is one document; later ones are made of parts.
fn text(draft: Draft, part: Part) -> String {
    let is_of_parts = draft >= Draft::Of2019;
    let address = match part.name(draft) {
        "" => home(draft).to_owned(),
        name => format!("{}/meta/{name}", home(draft).trim_end_matches("/schema")),
    };
    let (id, end) = (draft.id_keyword(), if is_of_parts { "" } else { "#" });
    let mut out = format!(r#"{{"$schema":"{}{end}","{id}":"{address}{end}""#, home(draft));
    match draft {
        Draft::Of2019 => out.push_str(r#","$recursiveAnchor":true"#),
        Draft::Of2020 => out.push_str(r#","$dynamicAnchor":"meta""#),
        Draft::Four | Draft::Six | Draft::Seven => {}
    }
    if is_of_parts && part == Part::Whole {
        let parts = Part::all(draft);
        let parts = parts.map(|it| format!(r#"{{"$ref":"meta/{}"}}"#, it.name(draft)));
        let _ = write!(out, r#","allOf":[{}]"#, parts.collect::<Vec<_>>().join(","));
    }
    out.push_str(match draft {
        Draft::Four => r#","type":"object","dependencies":{"exclusiveMaximum":["maximum"],"exclusiveMinimum":["minimum"]}"#,
        _ => r#","type":["object","boolean"]"#,
    });
    let of_part = TABLE
        .iter()
        .filter(|it| it.is_of(draft) && (!is_of_parts || it.part == part));
    let properties = of_part.map(|it| format!(r#""{}":{}"#, it.name, it.rule.schema(draft)));
    let _ = write!(
        out,
        r#","properties":{{{}}}"#,
        properties.collect::<Vec<_>>().join(",")
    );
    let definitions = if is_of_parts { "$defs" } else { "definitions" };
    let _ = write!(out, r#","{definitions}":{{{}}}}}"#, rule::definitions(draft));
    out
}

fn any(json: &Json) -> Any {
    match json {
        Json::Null => Any::Nil,
        Json::Bool(it) => Any::Bool(*it),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Any::Int64(whole),
            None => Any::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(it) => Any::Str(it.clone()),
        Json::Array(items) => Any::List(List::new(items.iter().map(any).collect())),
        Json::Object(entries) => {
            let map = Map::empty();
            for (key, value) in entries.iter() {
                map.set(key, any(value));
            }
            Any::Map(map)
        }
    }
}

#[cfg(test)]
mod tests;
