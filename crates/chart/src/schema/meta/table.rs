//! The keywords of JSON Schema, draft by draft.

use super::super::node::Draft;
use super::rule::Rule;
use Draft::{Four, Of2019, Of2020, Seven, Six};

/// What a keyword is about: schemas of schemas are made of these parts from 2019-09 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Core,
    Applicator,
    Unevaluated,
    Validation,
    About,
    Format,
    Content,
}

impl Part {
    /// The last part of its address; empty for the whole.
    pub(super) fn name(self, draft: Draft) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Core => "core",
            Self::Applicator => "applicator",
            Self::Unevaluated => "unevaluated",
            Self::Validation => "validation",
            Self::About => "meta-data",
            Self::Format if draft == Of2019 => "format",
            Self::Format => "format-annotation",
            Self::Content => "content",
        }
    }

    /// In the order in which they are looked at.
    pub(super) fn all(draft: Draft) -> impl Iterator<Item = Self> {
        let all = [
            Self::Core,
            Self::Applicator,
            Self::Unevaluated,
            Self::Validation,
            Self::About,
            Self::Format,
            Self::Content,
        ];
        all.into_iter()
            .filter(move |it| draft == Of2020 || *it != Self::Unevaluated)
    }

    pub(super) fn of_name(name: &str, draft: Draft) -> Option<Self> {
        let is_of_parts = draft >= Of2019;
        Self::all(draft).find(|it| is_of_parts && it.name(draft) == name)
    }
}

pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    first: Draft,
    last: Draft,
    pub(super) part: Part,
}

impl Keyword {
    pub(super) fn is_of(&self, draft: Draft) -> bool {
        self.first <= draft && draft <= self.last
    }
}

const fn since(first: Draft, part: Part, name: &'static str, rule: Rule) -> Keyword {
    within(first, Of2020, part, name, rule)
}

const fn within(first: Draft, last: Draft, part: Part, name: &'static str, rule: Rule) -> Keyword {
    Keyword {
        name,
        rule,
        first,
        last,
        part,
    }
}

pub(super) static TABLE: &[Keyword] = &[
    within(Four, Four, Part::Core, "id", Rule::Id),
    since(Six, Part::Core, "$id", Rule::Id),
    since(Four, Part::Core, "$schema", Rule::Address),
    since(Four, Part::Core, "$ref", Rule::Reference),
    since(Of2019, Part::Core, "$anchor", Rule::Anchor),
    within(Of2019, Of2019, Part::Core, "$recursiveRef", Rule::Reference),
    within(Of2019, Of2019, Part::Core, "$recursiveAnchor", Rule::Bool),
    since(Of2020, Part::Core, "$dynamicRef", Rule::Reference),
    since(Of2020, Part::Core, "$dynamicAnchor", Rule::Anchor),
    since(Of2019, Part::Core, "$vocabulary", Rule::Vocabulary),
    since(Seven, Part::Core, "$comment", Rule::Text),
    since(Of2019, Part::Core, "$defs", Rule::Map),
    since(Of2020, Part::Applicator, "prefixItems", Rule::Schemas),
    within(Four, Of2019, Part::Applicator, "items", Rule::Items),
    since(Of2020, Part::Applicator, "items", Rule::Schema),
    within(
        Four,
        Of2019,
        Part::Applicator,
        "additionalItems",
        Rule::Additional,
    ),
    since(Six, Part::Applicator, "contains", Rule::Schema),
    since(Four, Part::Applicator, "additionalProperties", Rule::Additional),
    since(Four, Part::Applicator, "properties", Rule::Map),
    since(Four, Part::Applicator, "patternProperties", Rule::Patterns),
    since(Of2019, Part::Applicator, "dependentSchemas", Rule::Map),
    since(Six, Part::Applicator, "propertyNames", Rule::Schema),
    since(Seven, Part::Applicator, "if", Rule::Schema),
    since(Seven, Part::Applicator, "then", Rule::Schema),
    since(Seven, Part::Applicator, "else", Rule::Schema),
    since(Four, Part::Applicator, "allOf", Rule::Schemas),
    since(Four, Part::Applicator, "anyOf", Rule::Schemas),
    since(Four, Part::Applicator, "oneOf", Rule::Schemas),
    since(Four, Part::Applicator, "not", Rule::Schema),
    within(Of2019, Of2019, Part::Applicator, "unevaluatedItems", Rule::Schema),
    within(
        Of2019,
        Of2019,
        Part::Applicator,
        "unevaluatedProperties",
        Rule::Schema,
    ),
    since(Of2020, Part::Unevaluated, "unevaluatedItems", Rule::Schema),
    since(Of2020, Part::Unevaluated, "unevaluatedProperties", Rule::Schema),
    since(Four, Part::Validation, "type", Rule::Type),
    since(Six, Part::Validation, "const", Rule::Anything),
    since(Four, Part::Validation, "enum", Rule::Enum),
    since(Four, Part::Validation, "multipleOf", Rule::Positive),
    since(Four, Part::Validation, "maximum", Rule::Number),
    within(Four, Four, Part::Validation, "exclusiveMaximum", Rule::Bool),
    since(Six, Part::Validation, "exclusiveMaximum", Rule::Number),
    since(Four, Part::Validation, "minimum", Rule::Number),
    within(Four, Four, Part::Validation, "exclusiveMinimum", Rule::Bool),
    since(Six, Part::Validation, "exclusiveMinimum", Rule::Number),
    since(Four, Part::Validation, "maxLength", Rule::Count),
    since(Four, Part::Validation, "minLength", Rule::CountOrNone),
    since(Four, Part::Validation, "pattern", Rule::Pattern),
    since(Four, Part::Validation, "maxItems", Rule::Count),
    since(Four, Part::Validation, "minItems", Rule::CountOrNone),
    since(Four, Part::Validation, "uniqueItems", Rule::Bool),
    since(Of2019, Part::Validation, "maxContains", Rule::Count),
    since(Of2019, Part::Validation, "minContains", Rule::Count),
    since(Four, Part::Validation, "maxProperties", Rule::Count),
    since(Four, Part::Validation, "minProperties", Rule::CountOrNone),
    since(Four, Part::Validation, "required", Rule::Texts),
    since(Of2019, Part::Validation, "dependentRequired", Rule::TextsByName),
    since(Four, Part::About, "title", Rule::Text),
    since(Four, Part::About, "description", Rule::Text),
    since(Of2019, Part::About, "deprecated", Rule::Bool),
    since(Seven, Part::About, "readOnly", Rule::Bool),
    since(Seven, Part::About, "writeOnly", Rule::Bool),
    since(Seven, Part::About, "examples", Rule::List),
    since(Four, Part::Format, "format", Rule::Text),
    since(Seven, Part::Content, "contentMediaType", Rule::Text),
    since(Seven, Part::Content, "contentEncoding", Rule::Text),
    since(Of2019, Part::Content, "contentSchema", Rule::Schema),
    since(Four, Part::Whole, "definitions", Rule::Map),
    since(Four, Part::Whole, "dependencies", Rule::Dependencies),
];
