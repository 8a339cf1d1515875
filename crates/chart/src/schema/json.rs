//! JSON as schemas are kept: objects are short lists in the order of the text, and short texts take no memory of their own.
//! It does not know schemas.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::any::Str;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(Str),
    Array(Vec<Json>),
    Object(Map),
}

/// The entries of an object; no key is there twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Map(Vec<(Str, Json)>);

impl Map {
    /// Of keys that the text has twice, the last value counts, at the place of the first.
    fn new(mut entries: Vec<(Str, Json)>) -> Self {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].0.cmp(&entries[*b].0));
        let is_double = |it: &[usize]| entries[it[0]].0 == entries[it[1]].0;
        if order.windows(2).any(is_double) {
            let mut kept: Vec<(Str, Json)> = Vec::new();
            for (key, value) in entries {
                match kept.iter_mut().find(|it| it.0 == key) {
                    Some(old) => old.1 = value,
                    None => kept.push((key, value)),
                }
            }
            entries = kept;
        }
        Self(entries)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|it| &*it.0 == key.as_bytes()).map(|it| &it.1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (text(key), value))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A text of JSON, which is UTF-8.
fn text(it: &Str) -> &str {
    std::str::from_utf8(it).unwrap_or_default()
}

impl Json {
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    pub(super) fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(it) => Some(text(it)),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(it) => Some(*it),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(it) => Some(it),
            _ => None,
        }
    }

    /// What a JSON pointer leads to.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let parts = pointer.strip_prefix('/')?.split('/');
        parts
            .map(|it| it.replace("~1", "/").replace("~0", "~"))
            .try_fold(self, |json, part| match json {
                Self::Object(map) => map.get(&part),
                Self::Array(items) => index(&part).and_then(|it| items.get(it)),
                _ => None,
            })
    }
}

/// The number that a token of a JSON pointer is.
fn index(token: &str) -> Option<usize> {
    if token.starts_with('+') || token.starts_with('0') && token.len() > 1 {
        return None;
    }
    token.parse().ok()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Json, E> {
        Ok(Json::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Json, E> {
        Ok(Json::Number(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Json, E> {
        Ok(Json::Number(it.into()))
    }

    fn visit_f64<E: Error>(self, it: f64) -> Result<Json, E> {
        Ok(Number::from_f64(it).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, it: &str) -> Result<Json, E> {
        Ok(Json::String(it.into()))
    }

    fn visit_string<E>(self, it: String) -> Result<Json, E> {
        Ok(Json::String(it.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Json::Object(Map::new(entries)))
    }
}

struct Key(Str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Self("".into()))
    }
}

impl Visitor<'_> for Key {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, it: &str) -> Result<Self, E> {
        Ok(Self(it.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_parts_and_the_last_of_two_values_counts() {
        let text = r#"{"a": [1, {"b/c": "x"}], "d~": true, "a long key of an object": null, "d~": false}"#;
        let json: Json = serde_json::from_str(text).unwrap();
        for (pointer, expected) in [
            ("/a/1/b~1c", Some(Json::String("x".into()))),
            ("/a/0", Some(Json::Number(1.into()))),
            ("/d~0", Some(Json::Bool(false))),
            ("/a/00", None),
            ("/a/2", None),
            ("/nothing", None),
            ("a", None),
        ] {
            assert_eq!(json.pointer(pointer), expected.as_ref(), "{pointer}");
        }
        assert_eq!(json.pointer(""), Some(&json));
        let keys: Vec<&str> = json.as_object().unwrap().iter().map(|it| it.0).collect();
        assert_eq!(keys, ["a", "d~", "a long key of an object"]);
    }
}
