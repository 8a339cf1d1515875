//! The shapes that values of the configuration may have: checks a tree against them and normalises it.
//!
//! One description serves three ends: errors that point at their place, the typed configuration, and the JSON
//! Schema for editors. It does not know which keys there are (that is `layout`) nor what they mean together.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a form that does not fit is an error, whichever it is"
)]

use serde_json::{Map, Value, json};

use super::error::{Problem, suggest};
use super::node::{Kind, Node, Span};

/// A kind of value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Text that is not empty.
    Text,
    /// A DNS label: lower-case letters, digits and `-`, at most 63.
    Name,
    /// A path inside the repository: relative, without `..`.
    Path,
    /// A whole number within limits.
    Count { min: u32, max: u32 },
    /// True or false.
    Flag,
    /// A time such as `90s`, `30m`, `1h30m`; becomes milliseconds.
    Duration,
    /// A share such as `1%` or `0.01`; becomes a number from 0 to 1.
    Share,
    /// A count or a share of the replicas, as Kubernetes' rolling updates take it: `1` or `"25%"`.
    CountOrShare,
    /// One of several words.
    Words(&'static [&'static str]),
    /// A word, or a map of one key with more to say. Becomes `word`, or `{word: {...}}` for those with more.
    Tagged(&'static [Variant]),
    /// The values of a list, all of one shape.
    List(&'static Shape),
    /// A map from names to values of one shape.
    MapOf(&'static Shape),
    /// A map with known keys.
    Fields(&'static Layout),
    /// The first shape whose outer form fits (text, number, list or map).
    Either(&'static [Shape]),
}

/// A map with known keys.
#[derive(Debug)]
pub(super) struct Layout {
    /// What it describes, for messages: "an environment".
    pub(super) what: &'static str,
    pub(super) fields: &'static [Field],
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) doc: &'static str,
}

/// A word that may have more to say.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) body: Option<&'static Shape>,
    /// Whether the word alone is enough.
    pub(super) alone: bool,
    pub(super) doc: &'static str,
}

impl Shape {
    /// Checks a value and turns it into plain JSON.
    pub(super) fn read(&self, node: &Node) -> Result<Value, Problem> {
        match self {
            Self::Text | Self::Name | Self::Path => self.text(node),
            Self::Count { min, max } => match node.kind {
                Kind::Int(number) if (i64::from(*min)..=i64::from(*max)).contains(&number) => {
                    Ok(json!(number))
                }
                _ => Err(self.mismatch(node)),
            },
            Self::Flag => match node.kind {
                Kind::Bool(value) => Ok(json!(value)),
                _ => Err(self.mismatch(node)),
            },
            Self::Duration => match &node.kind {
                Kind::Text(text) => duration_ms(text)
                    .map(Value::from)
                    .ok_or_else(|| self.mismatch(node)),
                _ => Err(self.mismatch(node)),
            },
            Self::Share => share(node).map(Value::from).ok_or_else(|| self.mismatch(node)),
            Self::CountOrShare => match &node.kind {
                Kind::Int(number) if (0..=1000).contains(number) => Ok(json!(number)),
                Kind::Text(text) if whole_percent(text) => Ok(json!(text)),
                _ => Err(self.mismatch(node)),
            },
            Self::Words(words) => match &node.kind {
                Kind::Text(text) if words.contains(&text.as_str()) => Ok(json!(text)),
                Kind::Text(text) => {
                    let cause = format!("`{text}` is not {}", self.expected());
                    Err(Problem::new(
                        node.span,
                        cause,
                        suggest(text, words.iter().copied()),
                    ))
                }
                _ => Err(self.mismatch(node)),
            },
            Self::Tagged(variants) => self.tagged(variants, node),
            Self::List(shape) => match &node.kind {
                Kind::List(items) => items.iter().map(|item| shape.read(item)).collect(),
                _ => Err(self.mismatch(node)),
            },
            Self::MapOf(shape) => self.map_of(shape, node),
            Self::Fields(layout) => layout.read(node).map(Value::Object),
            Self::Either(shapes) => match shapes.iter().find(|shape| shape.fits(node)) {
                Some(shape) => shape.read(node),
                None => Err(self.mismatch(node)),
            },
        }
    }

    /// What is expected, for messages.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Name => "a name of lower-case letters, digits and `-`".to_owned(),
            Self::Path => "a path inside the repository".to_owned(),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Duration => "a time such as `90s` or `30m`".to_owned(),
            Self::Share => "a share such as `1%` or `0.01`".to_owned(),
            Self::CountOrShare => "a count or a share such as `25%`".to_owned(),
            Self::Words(words) => format!("one of {}", quoted(words.iter().copied())),
            Self::Tagged(variants) => {
                format!("one of {}", quoted(variants.iter().map(|variant| variant.name)))
            }
            Self::List(shape) => format!("a list, each entry {}", shape.expected()),
            Self::MapOf(_) => "a map by name".to_owned(),
            Self::Fields(layout) => format!("a map that describes {}", layout.what),
            Self::Either(shapes) => {
                let all: Vec<String> = shapes.iter().map(Self::expected).collect();
                all.join(", or ")
            }
        }
    }

    fn text(&self, node: &Node) -> Result<Value, Problem> {
        let Kind::Text(text) = &node.kind else {
            return Err(self.mismatch(node));
        };
        let good = match self {
            Self::Name => is_name(text),
            Self::Path => is_inside(text),
            _ => !text.trim().is_empty(),
        };
        if good {
            Ok(json!(text))
        } else {
            Err(self.mismatch(node))
        }
    }

    fn tagged(&self, variants: &[Variant], node: &Node) -> Result<Value, Problem> {
        let names = || variants.iter().map(|variant| variant.name);
        let unknown = |word: &str, span: Span| {
            Problem::new(
                span,
                format!("`{word}` is not {}", self.expected()),
                suggest(word, names()),
            )
        };
        let (word, span, body) = match &node.kind {
            Kind::Text(word) => (word, node.span, None),
            Kind::Map(entries) => match entries.as_slice() {
                [(key, body)] => (&key.text, key.span, Some(body)),
                _ => return Err(self.mismatch(node)),
            },
            _ => return Err(self.mismatch(node)),
        };
        let Some(variant) = variants.iter().find(|variant| variant.name == word) else {
            return Err(unknown(word, span));
        };
        match (body, variant.body) {
            (None, None) => Ok(json!(word)),
            (None, Some(_)) if variant.alone => Ok(json!({ word: {} })),
            (None, Some(shape)) => {
                let cause = format!("`{word}` alone does not say enough");
                let hint = format!("write `{{ {word}: ... }}` with {}", shape.expected());
                Err(Problem::new(span, cause, hint))
            }
            (Some(body), Some(shape)) => Ok(json!({ word: shape.read(body)? })),
            (Some(_), None) => {
                let cause = format!("`{word}` has nothing more to say");
                Err(Problem::new(span, cause, format!("write `{word}` alone")))
            }
        }
    }

    fn map_of(&self, shape: &Self, node: &Node) -> Result<Value, Problem> {
        let Kind::Map(entries) = &node.kind else {
            return Err(self.mismatch(node));
        };
        let mut map = Map::new();
        for (key, value) in entries {
            if !is_name(&key.text) {
                let cause = format!("`{}` is not {}", key.text, Self::Name.expected());
                return Err(Problem::new(key.span, cause, "for example `user-service`"));
            }
            map.insert(key.text.clone(), shape.read(value)?);
        }
        Ok(Value::Object(map))
    }

    /// Whether the outer form is the right one.
    fn fits(&self, node: &Node) -> bool {
        match self {
            Self::Text | Self::Name | Self::Path | Self::Duration | Self::Words(_) => {
                matches!(node.kind, Kind::Text(_))
            }
            Self::Count { .. } => matches!(node.kind, Kind::Int(_)),
            Self::Flag => matches!(node.kind, Kind::Bool(_)),
            Self::Share | Self::CountOrShare => {
                matches!(node.kind, Kind::Int(_) | Kind::Float(_) | Kind::Text(_))
            }
            Self::List(_) => matches!(node.kind, Kind::List(_)),
            Self::MapOf(_) | Self::Fields(_) => matches!(node.kind, Kind::Map(_)),
            Self::Tagged(variants) => match &node.kind {
                Kind::Text(_) => true,
                Kind::Map(entries) => {
                    entries.len() == 1 && variants.iter().any(|v| v.name == entries[0].0.text)
                }
                _ => false,
            },
            Self::Either(shapes) => shapes.iter().any(|shape| shape.fits(node)),
        }
    }

    fn mismatch(&self, node: &Node) -> Problem {
        let cause = format!("expected {}, found {}", self.expected(), node.describe());
        let hint = match (self, &node.kind) {
            (Self::Text | Self::Name | Self::Path, Kind::Int(_) | Kind::Float(_) | Kind::Bool(_)) => {
                "put it in quotes to make it text".to_owned()
            }
            (Self::Duration, Kind::Int(number)) => format!("say the unit: `{number}s` or `{number}m`"),
            (Self::Path, _) => {
                "paths are relative to windlass.yaml and never lead out of the repository".to_owned()
            }
            (Self::List(_), Kind::Text(text)) => format!("write `[{text}]`"),
            (_, Kind::Null) => "write a value, or remove the key to get the default".to_owned(),
            _ => "schemas/windlass.schema.json describes every key; editors complete from it".to_owned(),
        };
        Problem::new(node.span, cause, hint)
    }
}

impl Layout {
    pub(super) fn read(&self, node: &Node) -> Result<Map<String, Value>, Problem> {
        let Kind::Map(entries) = &node.kind else {
            let cause = format!(
                "expected a map that describes {}, found {}",
                self.what,
                node.describe()
            );
            let names = self.fields.iter().map(|field| field.name);
            return Err(Problem::new(
                node.span,
                cause,
                format!("its keys are {}", quoted(names)),
            ));
        };
        let names = || self.fields.iter().map(|field| field.name);
        let mut map = Map::new();
        for (key, value) in entries {
            let Some(field) = self.fields.iter().find(|field| field.name == key.text) else {
                let cause = format!("unknown key `{}` in {}", key.text, self.what);
                return Err(Problem::new(
                    key.span,
                    cause,
                    suggest(&key.text, names().collect::<Vec<_>>()),
                ));
            };
            map.insert(key.text.clone(), field.shape.read(value)?);
        }
        for field in self.fields.iter().filter(|field| field.required) {
            if !map.contains_key(field.name) {
                let cause = format!("{} has no `{}`", self.what, field.name);
                return Err(Problem::new(
                    node.span,
                    cause,
                    format!("add `{}:` {}", field.name, field.shape.expected()),
                ));
            }
        }
        Ok(map)
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    all.join(", ")
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_inside(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['/', '~'])
        && !text.contains(['\\', '\0'])
        && text.split('/').all(|part| part != "..")
}

/// `500ms`, `90s`, `1h30m`, `7d`; `None` for anything else and for more than ten years.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    const LONGEST_MS: u64 = 10 * 365 * 86_400_000;
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(amount.checked_mul(unit)?)?;
    }
    (!text.is_empty() && total <= LONGEST_MS).then_some(total)
}

fn share(node: &Node) -> Option<f64> {
    let share = match &node.kind {
        Kind::Int(0) => 0.0,
        Kind::Int(1) => 1.0,
        Kind::Float(number) => *number,
        Kind::Text(text) => percent(text)?,
        _ => return None,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

fn whole_percent(text: &str) -> bool {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<u32>().ok());
    number.is_some_and(|number| number <= 100)
}

fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number / 100.0)
}
