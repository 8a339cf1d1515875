//! What a keyword's value must be, as a schema.

use super::super::node::Draft;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Anything,
    Text,
    /// The address of a document.
    Address,
    Reference,
    Id,
    Anchor,
    /// A regular expression.
    Pattern,
    Bool,
    Number,
    Positive,
    Count,
    CountOrNone,
    List,
    Texts,
    TextsByName,
    Enum,
    Type,
    Vocabulary,
    Schema,
    /// A schema; in draft 4 schemas are no booleans, and a boolean may be here.
    Additional,
    Items,
    Schemas,
    /// Schemas by name.
    Map,
    /// Schemas by regular expression.
    Patterns,
    Dependencies,
}

/// A schema within.
fn own(draft: Draft) -> &'static str {
    match draft {
        Draft::Four | Draft::Six | Draft::Seven => r##"{"$ref":"#"}"##,
        Draft::Of2019 => r##"{"$recursiveRef":"#"}"##,
        Draft::Of2020 => r##"{"$dynamicRef":"#meta"}"##,
    }
}

fn defined(draft: Draft, name: &str) -> String {
    let definitions = if draft < Draft::Of2019 {
        "definitions"
    } else {
        "$defs"
    };
    format!(r##"{{"$ref":"#/{definitions}/{name}"}}"##)
}

const TEXT: &str = r#"{"type":"string"}"#;
const ADDRESS: &str = r#"{"type":"string","format":"uri"}"#;
const REFERENCE: &str = r#"{"type":"string","format":"uri-reference"}"#;
/// An identifier has no fragment.
const WHOLE: &str = r#""pattern":"^[^#]*#?$""#;

impl Rule {
    /// The schema that the keyword's value is held against. References are where messages show them: a value that does not
    /// fit what is referred to in more than one way makes a line of its own.
    pub(super) fn schema(self, draft: Draft) -> String {
        let own = own(draft);
        let named = |name: &str| defined(draft, name);
        match self {
            Self::Anything => "{}".to_owned(),
            Self::Text => TEXT.to_owned(),
            Self::Address if draft == Draft::Of2020 => named("address"),
            Self::Address => ADDRESS.to_owned(),
            Self::Reference | Self::Id if draft == Draft::Four => TEXT.to_owned(),
            Self::Id if draft == Draft::Of2020 => {
                format!(r##"{{"$ref":"#/$defs/reference",{WHOLE}}}"##)
            }
            Self::Id if draft == Draft::Of2019 => {
                format!(r#"{{"type":"string","format":"uri-reference",{WHOLE}}}"#)
            }
            Self::Reference if draft == Draft::Of2020 => named("reference"),
            Self::Reference | Self::Id => REFERENCE.to_owned(),
            Self::Anchor if draft == Draft::Of2020 => named("anchor"),
            Self::Anchor => r#"{"type":"string","pattern":"^[A-Za-z][-A-Za-z0-9.:_]*$"}"#.to_owned(),
            Self::Pattern => r#"{"type":"string","format":"regex"}"#.to_owned(),
            Self::Bool => r#"{"type":"boolean"}"#.to_owned(),
            Self::Number => r#"{"type":"number"}"#.to_owned(),
            Self::Positive if draft == Draft::Four => {
                r#"{"type":"number","minimum":0,"exclusiveMinimum":true}"#.to_owned()
            }
            Self::Positive => r#"{"type":"number","exclusiveMinimum":0}"#.to_owned(),
            Self::Count => named("count"),
            Self::CountOrNone => named("countOrNone"),
            Self::Texts => named("texts"),
            Self::TextsByName => format!(r#"{{"type":"object","additionalProperties":{}}}"#, named("texts")),
            Self::Enum if draft < Draft::Of2019 => {
                r#"{"type":"array","minItems":1,"uniqueItems":true}"#.to_owned()
            }
            Self::List | Self::Enum => r#"{"type":"array"}"#.to_owned(),
            Self::Type => {
                let one = named("type");
                format!(
                    r#"{{"anyOf":[{one},{{"type":"array","items":{one},"minItems":1,"uniqueItems":true}}]}}"#
                )
            }
            Self::Vocabulary => {
                let name = Self::Address.schema(draft);
                format!(
                    r#"{{"type":"object","propertyNames":{name},"additionalProperties":{{"type":"boolean"}}}}"#
                )
            }
            Self::Additional if draft == Draft::Four => {
                format!(r#"{{"anyOf":[{{"type":"boolean"}},{own}]}}"#)
            }
            Self::Schema | Self::Additional => own.to_owned(),
            Self::Items => format!(r#"{{"anyOf":[{own},{}]}}"#, named("schemas")),
            Self::Schemas => named("schemas"),
            Self::Map => format!(r#"{{"type":"object","additionalProperties":{own}}}"#),
            Self::Patterns if draft < Draft::Seven => Self::Map.schema(draft),
            Self::Patterns => {
                format!(
                    r#"{{"type":"object","additionalProperties":{own},"propertyNames":{{"format":"regex"}}}}"#
                )
            }
            Self::Dependencies => {
                let either = format!(r#"{{"anyOf":[{own},{}]}}"#, named("texts"));
                format!(r#"{{"type":"object","additionalProperties":{either}}}"#)
            }
        }
    }
}

/// What schemas refer to.
pub(super) fn definitions(draft: Draft) -> String {
    let least = if draft == Draft::Four {
        r#""minItems":1,"#
    } else {
        ""
    };
    let count = defined(draft, "count");
    let count_or_none = if draft < Draft::Of2019 {
        format!(r#"{{"allOf":[{count},{{}}]}}"#)
    } else {
        count
    };
    [
        format!(
            r#""schemas":{{"type":"array","minItems":1,"items":{}}}"#,
            own(draft)
        ),
        r#""count":{"type":"integer","minimum":0}"#.to_owned(),
        format!(r#""countOrNone":{count_or_none}"#),
        r#""type":{"enum":["array","boolean","integer","null","number","object","string"]}"#.to_owned(),
        format!(r#""texts":{{"type":"array",{least}"items":{TEXT},"uniqueItems":true}}"#),
        r#""anchor":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"}"#.to_owned(),
        format!(r#""address":{ADDRESS}"#),
        format!(r#""reference":{REFERENCE}"#),
    ]
    .join(",")
}
