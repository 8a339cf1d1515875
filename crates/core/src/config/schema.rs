//! The JSON Schema of `windlass.yaml`, for editors, from the same description that checks the file.

use serde_json::{Map, Value, json};

use super::layout::PLATFORM;
use super::shape::{Layout, Shape};

/// Pattern of times: one or more amounts with their units.
const DURATION: &str = "^([0-9]+(ms|s|m|h|d))+$";
const PERCENT: &str = "^[0-9]+(\\.[0-9]+)?%$";
const WHOLE_PERCENT: &str = "^[0-9]{1,3}%$";
const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
const PATH: &str = "^(?![/~])(?!.*(^|/)\\.\\.(/|$))[^\\\\]+$";

/// The schema, draft 2020-12.
pub fn json_schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "windlass.yaml",
        "description": "A platform, its services and its environments.",
    });
    if let (Some(target), Value::Object(fields)) = (schema.as_object_mut(), of_layout(&PLATFORM)) {
        target.extend(fields);
    }
    schema
}

fn of_layout(layout: &Layout) -> Value {
    let mut properties = Map::new();
    for field in layout.fields {
        let mut schema = of(&field.shape);
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".to_owned(), json!(field.doc));
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = layout
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string", "minLength": 1}),
        Shape::Name => json!({"type": "string", "pattern": NAME}),
        Shape::Path => json!({"type": "string", "pattern": PATH}),
        Shape::Count { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Duration => json!({"type": "string", "pattern": DURATION}),
        Shape::Share => json!({"anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": PERCENT},
        ]}),
        Shape::CountOrShare => json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 1000},
            {"type": "string", "pattern": WHOLE_PERCENT},
        ]}),
        Shape::Words(words) => json!({"enum": words}),
        Shape::Tagged(variants) => {
            let alone = variants.iter().filter(|variant| variant.alone);
            let alone = alone.map(|variant| json!({"const": variant.name, "description": variant.doc}));
            let with_body = variants.iter().filter_map(|variant| {
                let body = of(variant.body?);
                Some(json!({
                    "type": "object",
                    "description": variant.doc,
                    "properties": {variant.name: body},
                    "required": [variant.name],
                    "additionalProperties": false,
                }))
            });
            json!({"anyOf": alone.chain(with_body).collect::<Vec<_>>()})
        }
        Shape::List(shape) => json!({"type": "array", "items": of(shape)}),
        Shape::MapOf(shape) => json!({
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": of(shape),
        }),
        Shape::Fields(layout) => of_layout(layout),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(of).collect::<Vec<_>>()}),
    }
}
