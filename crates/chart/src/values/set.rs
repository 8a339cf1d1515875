//! `--set` and its relatives: `a.b[0].c=1,d={x,y}`, in Helm's grammar.

use std::collections::BTreeMap;

use crate::Value;
use crate::go::quote;
use crate::json;

type Map = BTreeMap<String, Value>;

/// Helm's limit of an index.
const INDEX_MAX: usize = 65_536;
/// Helm's limit of names within names.
const NESTING_MAX: usize = 30;
/// Lists within lists; Helm has no limit of them.
const LISTS_MAX: usize = 200;

/// How a value is read.
pub enum Reading<'a> {
    /// `--set`: booleans, nulls and integers are recognised.
    Typed,
    /// `--set-string`
    Text,
    /// `--set-json`
    Json,
    /// `--set-file`: the function reads the file that the value names.
    File(&'a dyn Fn(&str) -> Result<String, String>),
    /// `--set-literal`: everything after the equals sign, as it is.
    Literal,
}

/// Sets what `text` says in `target`.
pub fn set(text: &str, target: &mut Map, reading: &Reading<'_>) -> Result<(), String> {
    let mut parser = Parser {
        input: text.chars().collect(),
        at: 0,
        lists: 0,
        reading,
    };
    loop {
        match parser.key(target, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(message),
        }
    }
}

enum Stop {
    /// The input is used up.
    End,
    Error(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Error(message)
    }
}

struct Parser<'a> {
    input: Vec<char>,
    at: usize,
    lists: usize,
    reading: &'a Reading<'a>,
}

type Step<T> = Result<T, Stop>;

fn quoted(text: &str) -> String {
    quote::quoted(text.as_bytes())
}

impl Parser<'_> {
    fn is_literal(&self) -> bool {
        matches!(self.reading, Reading::Literal)
    }

    fn next(&mut self) -> Option<char> {
        let rune = self.input.get(self.at).copied();
        self.at += usize::from(rune.is_some());
        rune
    }

    /// Text up to one of `stops`, and which one; `None` at the end of the input.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(rune) = self.next() {
            if stops.contains(&rune) {
                return (text, Some(rune));
            }
            if rune == '\\' && !self.is_literal() {
                match self.next() {
                    Some(next) => text.push(next),
                    None => return (text, None),
                }
            } else {
                text.push(rune);
            }
        }
        (text, None)
    }

    fn key(&mut self, data: &mut Map, nesting: usize) -> Step<()> {
        let stops: &[char] = if self.is_literal() {
            &['=', '[', '.']
        } else {
            &['=', '[', ',', '.']
        };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => Err(format!("key {} has no value", quoted(&key)).into()),
            Some('[') => {
                let index = self.index()?;
                let list = match data.get(&key) {
                    None => Vec::new(),
                    Some(Value::List(list)) => list.clone(),
                    Some(other) => return Err(wrong_type(other, "[]interface {}").into()),
                };
                let (list, result) = self.item(list, index, nesting);
                put(data, &key, Value::List(list));
                result
            }
            Some('=') => self.value_of(data, &key),
            Some(',') => {
                put(data, &key, Value::String(String::new()));
                Err(format!("key {} has no value (cannot end with ,)", quoted(&key)).into())
            }
            Some(_) => self.nested(data, &key, nesting + 1),
        }
    }

    fn nested(&mut self, data: &mut Map, key: &str, nesting: usize) -> Step<()> {
        if nesting > NESTING_MAX {
            return Err(format!(
                "value name nested level is greater than maximum supported nested level of {NESTING_MAX}"
            )
            .into());
        }
        let mut inner = match data.get(key) {
            None => Map::new(),
            Some(Value::Map(map)) => map.clone(),
            Some(other) => return Err(wrong_type(other, "map[string]interface {}").into()),
        };
        let result = self.key(&mut inner, nesting);
        if inner.is_empty() {
            return match result {
                Ok(()) => Err(format!("key map {} has no value", quoted(key)).into()),
                error => error,
            };
        }
        put(data, key, Value::Map(inner));
        result
    }

    fn value_of(&mut self, data: &mut Map, key: &str) -> Step<()> {
        if self.is_literal() {
            let text: String = self.input[self.at..].iter().collect();
            self.at = self.input.len();
            put(data, key, Value::String(text));
            return Ok(());
        }
        let (value, result) = self.value();
        if let Some(value) = value {
            put(data, key, value);
        }
        result
    }

    /// The value after an equals sign; with `End`, it was the last.
    fn value(&mut self) -> (Option<Value>, Step<()>) {
        if matches!(self.reading, Reading::Json) {
            return match self.json() {
                Ok(value) => (Some(value), Ok(())),
                Err(stop) => (None, Err(stop)),
            };
        }
        match self.input.get(self.at) {
            None => (Some(Value::String(String::new())), Err(Stop::End)),
            Some('{') => {
                self.at += 1;
                match self.list() {
                    Ok(list) => (Some(Value::List(list)), Ok(())),
                    Err(stop) => (None, Err(stop)),
                }
            }
            Some(_) => {
                let (text, _) = self.until(&[',']);
                match self.read(text) {
                    Ok(value) => (Some(value), Ok(())),
                    Err(message) => (Some(Value::Null), Err(Stop::Error(message))),
                }
            }
        }
    }

    fn read(&self, text: String) -> Result<Value, String> {
        match self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::File(read) => read(&text).map(Value::String),
            Reading::Text | Reading::Json | Reading::Literal => Ok(Value::String(text)),
        }
    }

    fn list(&mut self) -> Step<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err("list must terminate with '}'".to_owned().into()),
                Some(stop) => {
                    items.push(self.read(text)?);
                    if stop == '}' {
                        if self.input.get(self.at) == Some(&',') {
                            self.at += 1;
                        }
                        return Ok(items);
                    }
                }
            }
        }
    }

    /// Whether nothing but white space comes before a comma or the end, which is skipped then.
    fn is_empty(&mut self) -> bool {
        while let Some(rune) = self.next() {
            if rune == ',' {
                return true;
            }
            if !rune.is_whitespace() {
                self.at -= 1;
                return false;
            }
        }
        true
    }

    fn json(&mut self) -> Step<Value> {
        if self.is_empty() {
            return Ok(Value::Null);
        }
        let rest: String = self.input[self.at..].iter().collect();
        let (value, used) = json::read_prefix(rest.as_bytes())?;
        self.at += rest[..used].chars().count();
        self.is_empty();
        Ok(value.to_value())
    }

    fn index(&mut self) -> Step<i64> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err("error parsing index: EOF".to_owned().into());
        }
        let parsed = text.parse::<i64>();
        parsed.map_err(|_| {
            format!(
                "error parsing index: strconv.Atoi: parsing {}: invalid syntax",
                quoted(&text)
            )
            .into()
        })
    }

    fn item(&mut self, mut list: Vec<Value>, index: i64, nesting: usize) -> (Vec<Value>, Step<()>) {
        let Ok(at) = usize::try_from(index) else {
            return (list, Err(format!("negative {index} index not allowed").into()));
        };
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            let message = format!("unexpected data at end of array index: {}", quoted(&text));
            return (list, Err(message.into()));
        }
        match stop {
            None => (list, Err(Stop::End)),
            Some('=') => {
                if self.is_literal() {
                    let text: String = self.input[self.at..].iter().collect();
                    self.at = self.input.len();
                    return store(list, at, Value::String(text), Ok(()));
                }
                match self.value() {
                    (Some(value), result) => store(list, at, value, result),
                    (None, result) => (list, result),
                }
            }
            Some('[') => {
                let next = match self.index() {
                    Ok(next) => next,
                    Err(stop) => return (list, Err(stop)),
                };
                let inner = match list.get(at) {
                    Some(Value::List(inner)) => inner.clone(),
                    None | Some(Value::Null) => Vec::new(),
                    Some(other) => {
                        let message = wrong_type(other, "[]interface {}");
                        return (list, Err(message.into()));
                    }
                };
                self.lists += 1;
                if self.lists > LISTS_MAX {
                    return (
                        list,
                        Err(format!("lists are nested deeper than {LISTS_MAX}").into()),
                    );
                }
                let (inner, result) = self.item(inner, next, nesting);
                self.lists -= 1;
                match result {
                    Ok(()) | Err(Stop::End) => store(list, at, Value::List(inner), result),
                    error => (list, error),
                }
            }
            Some(_) => {
                let mut inner = match list.get_mut(at) {
                    Some(Value::Map(inner)) => inner.clone(),
                    Some(other) => {
                        *other = Value::empty_map();
                        Map::new()
                    }
                    None => Map::new(),
                };
                match self.key(&mut inner, nesting) {
                    Err(Stop::Error(message)) => (list, Err(message.into())),
                    result => store(list, at, Value::Map(inner), result),
                }
            }
        }
    }
}

fn store(mut list: Vec<Value>, at: usize, value: Value, result: Step<()>) -> (Vec<Value>, Step<()>) {
    if at > INDEX_MAX {
        let message = format!("index of {at} is greater than maximum supported index of {INDEX_MAX}");
        return (list, Err(message.into()));
    }
    if list.len() <= at {
        list.resize(at + 1, Value::Null);
    }
    list[at] = value;
    (list, result)
}

fn put(data: &mut Map, key: &str, value: Value) {
    if !key.is_empty() {
        data.insert(key.to_owned(), value);
    }
}

fn wrong_type(value: &Value, wanted: &str) -> String {
    let got = match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    };
    format!("unable to parse key: interface conversion: interface {{}} is {got}, not {wanted}")
}

fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::Int(0);
    }
    if !text.starts_with('0')
        && let Ok(number) = text.parse()
    {
        return Value::Int(number);
    }
    Value::String(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut map = Map::new();
        let got = match set(text, &mut map, &Reading::Typed) {
            Ok(()) => Value::Map(map).to_json().to_string(),
            Err(message) => format!("error: {message}"),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn set_is_read_as_helm_reads_it() {
        check(
            "name1=null,f=false,t=true",
            r#"{"f":false,"name1":null,"t":true}"#,
        );
        check(
            "name1=1e6,b=012,c=12,d=0",
            r#"{"b":"012","c":12,"d":0,"name1":"1e6"}"#,
        );
        check(
            "name1=one\\,two,name2=three\\,four",
            r#"{"name1":"one,two","name2":"three,four"}"#,
        );
        check(
            "outer.middle.inner=value",
            r#"{"outer":{"middle":{"inner":"value"}}}"#,
        );
        check("name1.name2", r#"error: key "name2" has no value"#);
        check(
            "name1.name2,name1.name3",
            r#"error: key "name2" has no value (cannot end with ,)"#,
        );
        check(
            "name1={value1,value2},x=1",
            r#"{"name1":["value1","value2"],"x":1}"#,
        );
        check("name1={value", "error: list must terminate with '}'");
        check(
            "list[0].foo=bar,list[1].hello=world",
            r#"{"list":[{"foo":"bar"},{"hello":"world"}]}"#,
        );
        check("list[2]=bar,list[0][1]=x", r#"{"list":[[null,"x"],null,"bar"]}"#);
        check(
            "list[0].foo.bar=bar,list[0].foo.baz=baz",
            r#"{"list":[{"foo":{"bar":"bar","baz":"baz"}}]}"#,
        );
        check("list[-1]=1", "error: negative -1 index not allowed");
        check("a=,b=2", r#"{"a":"","b":2}"#);
        check("a=", r#"{"a":""}"#);
    }
}
