//! The keywords of JSON Schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::Problem;
use super::reference;

/// Schemas within schemas while one value is checked.
const DEPTH_MAX: usize = 200;

/// Keywords that hold the same value against other schemas. Most schemas have none of them.
const COMBINED: [&str; 5] = ["allOf", "anyOf", "oneOf", "not", "if"];

pub(super) struct Validator<'s> {
    root: &'s Json,
    /// Up to draft 7, what stands beside a `$ref` is ignored.
    references_stand_alone: bool,
}

/// Where a value is, and what has been seen of it by the schemas that fit.
struct Place<'i> {
    at: String,
    instance: &'i Json,
    seen: BTreeSet<String>,
    seen_items: usize,
    depth: usize,
}

type Problems = Vec<Problem>;

impl<'s> Validator<'s> {
    pub(super) fn new(root: &'s Json) -> Self {
        let draft = root.get("$schema").and_then(Json::as_str).unwrap_or_default();
        let old = ["draft-04", "draft-06", "draft-07"];
        Self {
            root,
            references_stand_alone: old.iter().any(|it| draft.contains(it)),
        }
    }

    pub(super) fn validate(&self, instance: &Json) -> Problems {
        self.check(self.root, &mut place(String::new(), instance, 0))
    }

    fn check(&self, schema: &Json, place: &mut Place<'_>) -> Problems {
        if place.depth > DEPTH_MAX {
            return Vec::new();
        }
        let keywords = match schema {
            Json::Bool(false) => return vec![place.problem("false schema")],
            Json::Object(map) => map,
            _ => return Vec::new(),
        };
        if let Some(problem) = any_type(keywords, place) {
            return vec![problem];
        }
        let mut problems = Vec::new();
        if let Some(reference) = keywords
            .get("$ref")
            .or_else(|| keywords.get("$dynamicRef"))
            .and_then(Json::as_str)
        {
            if let Some(target) = reference::resolve(self.root, reference) {
                problems.extend(self.in_place(target, place));
            }
            if self.references_stand_alone {
                return problems;
            }
        }
        number(keywords, place, &mut problems);
        string(keywords, place, &mut problems);
        self.object(keywords, place, &mut problems);
        self.array(keywords, place, &mut problems);
        if keywords.keys().any(|it| COMBINED.contains(&it.as_str())) {
            self.combined(keywords, place, &mut problems);
        }
        self.unevaluated(keywords, place, &mut problems);
        problems
    }

    /// The same value against another schema; what it saw counts when it fits.
    fn in_place(&self, schema: &Json, place: &mut Place<'_>) -> Problems {
        let mut inner = Place {
            at: place.at.clone(),
            instance: place.instance,
            seen: BTreeSet::new(),
            seen_items: 0,
            depth: place.depth + 1,
        };
        let problems = self.check(schema, &mut inner);
        if problems.is_empty() {
            place.seen.append(&mut inner.seen);
            place.seen_items = place.seen_items.max(inner.seen_items);
        }
        problems
    }

    fn inner(&self, schema: &Json, parent: &Place<'_>, key: &str, instance: &Json) -> Problems {
        let at = if key.contains(['~', '/']) {
            let key = key.replace('~', "~0").replace('/', "~1");
            format!("{}/{key}", parent.at)
        } else {
            [&parent.at, "/", key].concat()
        };
        self.check(schema, &mut place(at, instance, parent.depth + 1))
    }

    fn object(&self, keywords: &Map<String, Json>, place: &mut Place<'_>, problems: &mut Problems) {
        let Json::Object(object) = place.instance else {
            return;
        };
        count(
            keywords,
            ("minProperties", "maxProperties"),
            object.len(),
            place,
            problems,
        );
        if let Some(required) = keywords.get("required").and_then(Json::as_array) {
            let names = required
                .iter()
                .filter_map(Json::as_str)
                .filter(|it| !object.contains_key(*it));
            missing(&names.collect::<Vec<_>>(), place, problems);
        }
        let properties = keywords.get("properties").and_then(Json::as_object);
        let patterns = keywords.get("patternProperties").and_then(Json::as_object);
        let mut additional = Vec::new();
        for (name, value) in object {
            let mut known = false;
            if let Some(schema) = properties.and_then(|it| it.get(name)) {
                known = true;
                problems.extend(self.inner(schema, place, name, value));
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if pattern_matches(pattern, name) {
                    known = true;
                    problems.extend(self.inner(schema, place, name, value));
                }
            }
            if !known {
                match keywords.get("additionalProperties") {
                    Some(Json::Bool(false)) => additional.push(name.as_str()),
                    Some(schema) => {
                        known = true;
                        problems.extend(self.inner(schema, place, name, value));
                    }
                    None => {}
                }
            }
            if known {
                place.seen.insert(name.clone());
            }
            if let Some(schema) = keywords.get("propertyNames") {
                let name = Json::String(name.clone());
                let causes = self.check(schema, &mut self::place(place.at.clone(), &name, place.depth + 1));
                if !causes.is_empty() {
                    problems.push(Problem {
                        causes,
                        ..place.problem(&format!("invalid propertyName {}", shown(&name)))
                    });
                }
            }
        }
        if !additional.is_empty() {
            problems.push(place.problem(&format!(
                "additional properties {} not allowed",
                quoted(&additional)
            )));
        }
        self.dependent(keywords, object, place, problems);
    }

    fn dependent(
        &self,
        keywords: &Map<String, Json>,
        object: &Map<String, Json>,
        place: &mut Place<'_>,
        problems: &mut Problems,
    ) {
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let Some(all) = keywords.get(keyword).and_then(Json::as_object) else {
                continue;
            };
            for (name, wanted) in all.iter().filter(|it| object.contains_key(it.0)) {
                if let Some(names) = wanted.as_array() {
                    let absent: Vec<&str> = names
                        .iter()
                        .filter_map(Json::as_str)
                        .filter(|it| !object.contains_key(*it))
                        .collect();
                    if !absent.is_empty() {
                        let absent = quoted(&absent);
                        problems.push(
                            place.problem(&format!("properties {absent} required, if '{name}' exists")),
                        );
                    }
                } else {
                    problems.extend(self.in_place(wanted, place));
                }
            }
        }
    }

    fn array(&self, keywords: &Map<String, Json>, place: &mut Place<'_>, problems: &mut Problems) {
        let Json::Array(items) = place.instance else {
            return;
        };
        count(keywords, ("minItems", "maxItems"), items.len(), place, problems);
        let (prefix, rest) = match (keywords.get("prefixItems"), keywords.get("items")) {
            (Some(Json::Array(prefix)), rest) => (prefix.as_slice(), rest),
            (_, Some(Json::Array(prefix))) => (prefix.as_slice(), keywords.get("additionalItems")),
            (_, rest) => (&[][..], rest),
        };
        for (at, item) in items.iter().enumerate() {
            if let Some(schema) = prefix.get(at).or(rest) {
                problems.extend(self.inner(schema, place, &at.to_string(), item));
                place.seen_items = place.seen_items.max(at + 1);
            }
        }
        if let Some(schema) = keywords.get("contains") {
            let found = items
                .iter()
                .enumerate()
                .filter(|(at, it)| self.inner(schema, place, &at.to_string(), it).is_empty());
            let found = found.count() as u64;
            let least = keywords.get("minContains").and_then(Json::as_u64).unwrap_or(1);
            if found < least {
                problems.push(place.problem("no items match contains schema"));
            }
        }
        if keywords.get("uniqueItems") == Some(&Json::Bool(true)) {
            for (at, item) in items.iter().enumerate() {
                if let Some(first) = items[..at].iter().position(|it| it == item) {
                    problems.push(place.problem(&format!("items at {first} and {at} are equal")));
                    break;
                }
            }
        }
    }

    fn combined(&self, keywords: &Map<String, Json>, place: &mut Place<'_>, problems: &mut Problems) {
        let list = |keyword: &str| {
            keywords
                .get(keyword)
                .and_then(Json::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        let causes: Problems = list("allOf")
            .iter()
            .flat_map(|it| self.in_place(it, place))
            .collect();
        if !causes.is_empty() {
            problems.push(Problem {
                causes,
                ..place.problem("'allOf' failed")
            });
        }
        let any = list("anyOf");
        let results: Vec<Problems> = any.iter().map(|it| self.in_place(it, place)).collect();
        if !any.is_empty() && results.iter().all(|it| !it.is_empty()) {
            let causes = results.into_iter().flatten().collect();
            problems.push(Problem {
                causes,
                ..place.problem("'anyOf' failed")
            });
        }
        let one = list("oneOf");
        let results: Vec<Problems> = one.iter().map(|it| self.in_place(it, place)).collect();
        let fitting: Vec<usize> = (0..results.len()).filter(|at| results[*at].is_empty()).collect();
        if let [first, second, ..] = fitting[..] {
            problems.push(place.problem(&format!("'oneOf' failed, subschemas {first}, {second} matched")));
        } else if !one.is_empty() && fitting.is_empty() {
            let causes = results.into_iter().flatten().collect();
            problems.push(Problem {
                causes,
                ..place.problem("'oneOf' failed, none matched")
            });
        }
        if let Some(schema) = keywords.get("not")
            && self
                .check(
                    schema,
                    &mut self::place(place.at.clone(), place.instance, place.depth + 1),
                )
                .is_empty()
        {
            problems.push(place.problem("'not' failed"));
        }
        if let Some(schema) = keywords.get("if") {
            let branch = if self.in_place(schema, place).is_empty() {
                "then"
            } else {
                "else"
            };
            if let Some(schema) = keywords.get(branch) {
                problems.extend(self.in_place(schema, place));
            }
        }
    }

    fn unevaluated(&self, keywords: &Map<String, Json>, place: &mut Place<'_>, problems: &mut Problems) {
        if let (Some(schema), Json::Object(object)) = (keywords.get("unevaluatedProperties"), place.instance)
        {
            let unseen: Vec<&String> = object.keys().filter(|it| !place.seen.contains(*it)).collect();
            let bad: Vec<&str> = unseen
                .iter()
                .filter(|it| !self.inner(schema, place, it, &object[it.as_str()]).is_empty())
                .map(|it| it.as_str())
                .collect();
            if !bad.is_empty() {
                problems.push(place.problem(&format!("unevaluated properties {} not allowed", quoted(&bad))));
            }
        }
        if let (Some(Json::Bool(false)), Json::Array(items)) =
            (keywords.get("unevaluatedItems"), place.instance)
            && items.len() > place.seen_items
        {
            problems.push(place.problem("unevaluated items not allowed"));
        }
    }
}

impl Place<'_> {
    fn problem(&self, what: &str) -> Problem {
        Problem {
            at: self.at.clone(),
            what: what.to_owned(),
            causes: Vec::new(),
        }
    }
}

fn place(at: String, instance: &Json, depth: usize) -> Place<'_> {
    Place {
        at,
        instance,
        seen: BTreeSet::new(),
        seen_items: 0,
        depth,
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn is_kind(value: &Json, wanted: &str) -> bool {
    kind(value) == wanted || wanted == "integer" && value.as_f64().is_some_and(|it| it.fract() == 0.0)
}

/// What any value is held to: where its type is wrong, nothing else of it is looked at.
fn any_type(keywords: &Map<String, Json>, place: &Place<'_>) -> Option<Problem> {
    let wanted: Vec<&str> = match keywords.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    if !wanted.is_empty() && !wanted.iter().any(|it| is_kind(place.instance, it)) {
        let got = kind(place.instance);
        return Some(place.problem(&format!("got {got}, want {}", wanted.join(" or "))));
    }
    if let Some(wanted) = keywords.get("const")
        && !equal(wanted, place.instance)
    {
        return Some(place.problem(&format!("value must be {}", shown(wanted))));
    }
    let options = keywords.get("enum").and_then(Json::as_array)?;
    if options.iter().any(|it| equal(it, place.instance)) {
        return None;
    }
    let options: Vec<String> = options.iter().map(shown).collect();
    Some(place.problem(&format!("value must be one of {}", options.join(", "))))
}

/// JSON's equality: numbers by their value.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn number(keywords: &Map<String, Json>, place: &Place<'_>, problems: &mut Problems) {
    let Some(value) = place.instance.as_f64() else {
        return;
    };
    let limit = |keyword: &str| keywords.get(keyword).and_then(Json::as_f64);
    let strict = |keyword: &str| keywords.get(keyword) == Some(&Json::Bool(true));
    let got = place.instance;
    let mut fail = |keyword: &str, limit: f64| {
        let limit = crate::go::number::format_f(limit);
        problems.push(place.problem(&format!("{keyword}: got {got}, want {limit}")));
    };
    if let Some(least) = limit("minimum") {
        if value < least {
            fail("minimum", least);
        } else if strict("exclusiveMinimum") && value <= least {
            fail("exclusiveMinimum", least);
        }
    }
    if let Some(most) = limit("maximum") {
        if value > most {
            fail("maximum", most);
        } else if strict("exclusiveMaximum") && value >= most {
            fail("exclusiveMaximum", most);
        }
    }
    if let Some(least) = limit("exclusiveMinimum").filter(|it| value <= *it) {
        fail("exclusiveMinimum", least);
    }
    if let Some(most) = limit("exclusiveMaximum").filter(|it| value >= *it) {
        fail("exclusiveMaximum", most);
    }
    if let Some(of) = limit("multipleOf").filter(|it| *it > 0.0)
        && (value / of).fract().abs() > 1e-9
    {
        fail("multipleOf", of);
    }
}

fn string(keywords: &Map<String, Json>, place: &Place<'_>, problems: &mut Problems) {
    let Json::String(text) = place.instance else {
        return;
    };
    count(
        keywords,
        ("minLength", "maxLength"),
        text.chars().count(),
        place,
        problems,
    );
    if let Some(pattern) = keywords.get("pattern").and_then(Json::as_str)
        && !pattern_matches(pattern, text)
    {
        problems.push(place.problem(&format!(
            "{} does not match pattern '{pattern}'",
            shown(place.instance)
        )));
    }
}

fn count(
    keywords: &Map<String, Json>,
    (least, most): (&str, &str),
    got: usize,
    place: &Place<'_>,
    problems: &mut Problems,
) {
    let got = got as u64;
    if let Some(limit) = keywords.get(least).and_then(Json::as_u64).filter(|it| got < *it) {
        problems.push(place.problem(&format!("{least}: got {got}, want {limit}")));
    }
    if let Some(limit) = keywords.get(most).and_then(Json::as_u64).filter(|it| got > *it) {
        problems.push(place.problem(&format!("{most}: got {got}, want {limit}")));
    }
}

fn missing(names: &[&str], place: &Place<'_>, problems: &mut Problems) {
    match names {
        [] => {}
        [one] => problems.push(place.problem(&format!("missing property '{one}'"))),
        many => problems.push(place.problem(&format!("missing properties {}", quoted(many)))),
    }
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|it| format!("'{it}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

/// A pattern that the crate regex does not know (look-around) is taken as fitting.
fn pattern_matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|it| it.is_match(text)) || regex::Regex::new(pattern).is_err()
}
