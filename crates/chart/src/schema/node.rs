//! A compiled schema: what each keyword asks for, references resolved.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::LazyLock;

use super::document::{Place, encode};
use super::format::Format;
use super::json::Json;
use super::pattern::Pattern;

/// A place in [`Compiled::nodes`].
pub(super) type Id = usize;

/// A draft of JSON Schema, by its number or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Of2019,
    Of2020,
}

impl Draft {
    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::Four { "id" } else { "$id" }
    }

    /// The draft that a `$schema` names.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        let address = address.strip_suffix('#').unwrap_or(address);
        let rest = address
            .strip_prefix("http://")
            .or_else(|| address.strip_prefix("https://"))?;
        match rest {
            "json-schema.org/draft-04/schema" => Some(Self::Four),
            "json-schema.org/draft-06/schema" => Some(Self::Six),
            "json-schema.org/draft-07/schema" => Some(Self::Seven),
            "json-schema.org/draft/2019-09/schema" => Some(Self::Of2019),
            "json-schema.org/draft/2020-12/schema" | "json-schema.org/schema" => Some(Self::Of2020),
            _ => None,
        }
    }
}

/// Kinds of JSON values, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Types(pub(super) u8);

/// In the order in which a message lists them.
const TYPES: [&str; 7] = [
    "null", "boolean", "number", "integer", "string", "array", "object",
];

impl Types {
    pub(super) fn read(json: &Json) -> Self {
        match json {
            Json::String(_) => Self::of_name(json.as_str().unwrap_or_default()),
            Json::Array(names) => {
                let names = names.iter().filter_map(Json::as_str);
                Self(names.fold(0, |all, it| all | Self::of_name(it).0))
            }
            _ => Self(0),
        }
    }

    pub(super) fn of_name(name: &str) -> Self {
        Self(TYPES.iter().position(|it| *it == name).map_or(0, |at| 1 << at))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn names(self) -> Vec<&'static str> {
        let all = TYPES.iter().enumerate();
        all.filter(|(at, _)| self.0 & (1 << at) != 0)
            .map(|it| *it.1)
            .collect()
    }
}

/// `additionalProperties` and `additionalItems`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Additional {
    Flag(bool),
    Schema(Id),
}

/// An entry of `dependencies`.
#[derive(Debug)]
pub(super) enum Dependency {
    Names(Vec<String>),
    Schema(Id),
}

/// `items` up to 2019-09.
#[derive(Debug)]
pub(super) enum Items {
    All(Id),
    Each(Vec<Id>),
}

/// A keyword with a number, and the number as it is written.
#[derive(Debug, Clone)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) text: String,
}

/// A keyword with a count.
pub(super) type Count = Option<i64>;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) draft: Draft,
    /// The schema with an identifier that this one is in.
    pub(super) resource: Id,
    pub(super) flag: Option<bool>,
    pub(super) types: Types,
    pub(super) constant: Option<Json>,
    pub(super) options: Option<Vec<Json>>,
    pub(super) format: Option<Format>,
    pub(super) reference: Option<Id>,
    pub(super) recursive_reference: Option<Id>,
    pub(super) recursive_anchor: bool,
    /// The target, and the anchor if there is one.
    pub(super) dynamic_reference: Option<(Id, Option<String>)>,
    pub(super) dynamic_anchor: Option<String>,
    /// Of a resource: where its dynamic anchors are.
    pub(super) dynamic_anchors: BTreeMap<String, Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) not: Option<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) object: Rare<ObjectRules>,
    pub(super) array: Rare<ArrayRules>,
    pub(super) string: Rare<StringRules>,
    pub(super) number: Rare<NumberRules>,
}

/// Rules that most schemas have none of, which take memory only where there are some.
#[derive(Debug)]
pub(super) struct Rare<T>(Option<Box<T>>);

impl<T: Rules> Rare<T> {
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Sets a rule, if there is something to set.
    pub(super) fn set<V>(&mut self, rule: impl FnOnce(&mut T) -> &mut Option<V>, value: Option<V>) {
        if value.is_some() {
            *rule(self.own()) = value;
        }
    }

    /// The rules, to change them.
    pub(super) fn own(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Rules> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::nothing())
    }
}

/// Rules of one kind of values.
pub(super) trait Rules: Default + 'static {
    /// Rules that ask for nothing.
    fn nothing() -> &'static Self;
}

macro_rules! rules {
    ($($name:ident),*) => {
        $(impl Rules for $name {
            fn nothing() -> &'static Self {
                static NOTHING: LazyLock<$name> = LazyLock::new($name::default);
                &NOTHING
            }
        })*
    };
}

rules!(ObjectRules, ArrayRules, StringRules, NumberRules);

#[derive(Debug, Default)]
pub(super) struct ObjectRules {
    pub(super) least: Count,
    pub(super) most: Count,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) patterns: Vec<(Pattern, Id)>,
    pub(super) additional: Option<Additional>,
    pub(super) names: Option<Id>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
    pub(super) dependent_schemas: BTreeMap<String, Id>,
    pub(super) dependent_required: BTreeMap<String, Vec<String>>,
    pub(super) unevaluated: Option<Id>,
}

#[derive(Debug, Default)]
pub(super) struct ArrayRules {
    pub(super) least: Count,
    pub(super) most: Count,
    pub(super) unique: bool,
    pub(super) items: Option<Items>,
    pub(super) additional: Option<Additional>,
    pub(super) prefix: Vec<Id>,
    /// `items` from 2020-12 on: what follows the prefix.
    pub(super) rest: Option<Id>,
    pub(super) contains: Option<Id>,
    pub(super) contains_least: Count,
    pub(super) contains_most: Count,
    pub(super) unevaluated: Option<Id>,
}

impl ArrayRules {
    /// Whether every item is held against a schema of this node.
    pub(super) fn sees_all(&self, draft: Draft) -> bool {
        if draft < Draft::Of2020 {
            self.additional.is_some() || matches!(self.items, Some(Items::All(_)))
        } else {
            self.rest.is_some()
        }
    }

    /// How many items from the first on are.
    pub(super) fn sees(&self, draft: Draft) -> usize {
        match &self.items {
            Some(Items::Each(each)) if draft < Draft::Of2020 => each.len(),
            _ => self.prefix.len(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct StringRules {
    pub(super) least: Count,
    pub(super) most: Count,
    pub(super) pattern: Option<Pattern>,
}

#[derive(Debug, Default)]
pub(super) struct NumberRules {
    pub(super) least: Option<Number>,
    pub(super) most: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

impl Node {
    pub(super) fn new() -> Self {
        Self {
            draft: Draft::Of2020,
            resource: 0,
            flag: None,
            types: Types::default(),
            constant: None,
            options: None,
            format: None,
            reference: None,
            recursive_reference: None,
            recursive_anchor: false,
            dynamic_reference: None,
            dynamic_anchor: None,
            dynamic_anchors: BTreeMap::new(),
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
            not: None,
            condition: None,
            then: None,
            otherwise: None,
            object: Rare::none(),
            array: Rare::none(),
            string: Rare::none(),
            number: Rare::none(),
        }
    }
}

/// A schema that values can be held against. The first node is the whole.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(super) nodes: Vec<Node>,
    /// Of the documents that they are in.
    pub(super) addresses: Vec<String>,
    /// Where each node is, which only messages ask for.
    pub(super) places: BTreeMap<Place, Id>,
}

impl Compiled {
    /// `file:///values.schema.json#/properties/a`
    pub(super) fn location(&self, id: Id) -> String {
        let Some((place, _)) = self.places.iter().find(|it| *it.1 == id) else {
            return String::new();
        };
        let address = self.addresses.get(place.document).map_or("", String::as_str);
        format!("{address}#{}", encode(&place.pointer))
    }
}
