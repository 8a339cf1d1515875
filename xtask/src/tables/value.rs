//! Values of the tests' Go, and how they become data of charts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use windlass_chart::Value;

use super::run::Scope;
use super::syntax::Function;

/// A value. Pointers are what they point to; maps, lists and structs are shared.
#[derive(Debug, Clone)]
pub(super) enum Val {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<[u8]>),
    List(Rc<RefCell<Vec<Val>>>),
    Map(Rc<RefCell<Vec<(Val, Val)>>>),
    Struct(Rc<Struct>),
    Function(Rc<Function>, Rc<Scope>),
    /// A method of a value.
    Method(Box<Val>, String),
    /// A function or value of a package, or of the code under test.
    Foreign(String),
    Error(String),
    /// Several results.
    Many(Vec<Val>),
}

#[derive(Debug)]
pub(super) struct Struct {
    pub(super) kind: String,
    pub(super) fields: RefCell<BTreeMap<String, Val>>,
}

impl Val {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    pub(super) fn map(entries: Vec<(Self, Self)>) -> Self {
        Self::Map(Rc::new(RefCell::new(entries)))
    }

    pub(super) fn object(kind: &str, fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self::Struct(Rc::new(Struct {
            kind: kind.to_owned(),
            fields: RefCell::new(fields),
        }))
    }

    /// A value and no error, or nothing and an error.
    pub(super) fn or_error(result: Result<Self, String>) -> Self {
        match result {
            Ok(value) => Self::Many(vec![value, Self::Nil]),
            Err(message) => Self::Many(vec![Self::Nil, Self::Error(message)]),
        }
    }

    /// No error, or one.
    pub(super) fn error(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Nil,
            Err(message) => Self::Error(message),
        }
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    pub(super) fn as_text(&self) -> String {
        match self {
            Self::Text(it) => String::from_utf8_lossy(it).into_owned(),
            Self::Error(it) => it.clone(),
            other => other.show(),
        }
    }

    pub(super) fn as_int(&self) -> i64 {
        match self {
            Self::Int(it) => *it,
            #[expect(clippy::cast_possible_truncation, reason = "as Go converts")]
            Self::Float(it) => *it as i64,
            _ => 0,
        }
    }

    /// A field of a struct; nil where it was not given.
    pub(super) fn field(&self, name: &str) -> Self {
        match self {
            Self::Struct(it) => it.fields.borrow().get(name).cloned().unwrap_or(Self::Nil),
            _ => Self::Nil,
        }
    }

    pub(super) fn set_field(&self, name: &str, value: Self) {
        if let Self::Struct(it) = self {
            it.fields.borrow_mut().insert(name.to_owned(), value);
        }
    }

    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::List(it) => it.borrow().clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn entries(&self) -> Vec<(Self, Self)> {
        match self {
            Self::Map(it) => it.borrow().clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn get(&self, key: &Self) -> Option<Self> {
        match self {
            Self::Map(it) => it.borrow().iter().find(|it| it.0 == *key).map(|it| it.1.clone()),
            _ => None,
        }
    }

    pub(super) fn set(&self, key: Self, value: Self) {
        if let Self::Map(it) = self {
            let mut entries = it.borrow_mut();
            match entries.iter_mut().find(|it| it.0 == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Bool(it) => Value::Bool(*it),
            Self::Int(it) => Value::Int(*it),
            Self::Float(it) => Value::Float(*it),
            Self::Text(_) | Self::Error(_) => Value::String(self.as_text()),
            Self::List(it) => Value::List(it.borrow().iter().map(Self::to_value).collect()),
            Self::Map(it) => {
                let entries = it.borrow();
                Value::Map(
                    entries
                        .iter()
                        .map(|it| (it.0.as_text(), it.1.to_value()))
                        .collect(),
                )
            }
            Self::Struct(it) => {
                let fields = it.fields.borrow();
                Value::Map(fields.iter().map(|it| (it.0.clone(), it.1.to_value())).collect())
            }
            Self::Nil | Self::Function(..) | Self::Method(..) | Self::Foreign(_) | Self::Many(_) => {
                Value::Null
            }
        }
    }

    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => Self::Int(*it),
            Value::Float(it) => Self::Float(*it),
            Value::String(it) => Self::text(it),
            Value::List(items) => Self::list(items.iter().map(Self::of_value).collect()),
            Value::Map(entries) => Self::map(
                entries
                    .iter()
                    .map(|it| (Self::text(it.0), Self::of_value(it.1)))
                    .collect(),
            ),
        }
    }

    /// Makes this tree, which others hold, what `value` says. Maps stay the same maps.
    pub(super) fn refill(&self, value: &Value) {
        let (Self::Map(held), Value::Map(new)) = (self, value) else {
            return;
        };
        let old = held.borrow().clone();
        let mut entries = Vec::new();
        for (key, value) in new {
            let kept = old
                .iter()
                .find(|it| it.0.as_text() == *key)
                .map(|it| it.1.clone());
            let value = match (kept, value) {
                (Some(map @ Self::Map(_)), Value::Map(_)) => {
                    map.refill(value);
                    map
                }
                _ => Self::of_value(value),
            };
            entries.push((Self::text(key), value));
        }
        *held.borrow_mut() = entries;
    }

    pub(super) fn show(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(it) => it.to_string(),
            Self::Int(it) => it.to_string(),
            Self::Float(it) => it.to_string(),
            Self::Text(_) | Self::Error(_) => self.as_text(),
            other => format!("{:?}", other.to_value()),
        }
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            #[expect(clippy::cast_precision_loss, reason = "constants of a test")]
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => *a as f64 == *b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => *a.borrow() == *b.borrow(),
            (Self::Map(a), Self::Map(b)) => {
                let (a, b) = (a.borrow(), b.borrow());
                a.len() == b.len()
                    && a.iter()
                        .all(|one| b.iter().any(|two| one.0 == two.0 && one.1 == two.1))
            }
            (Self::Struct(a), Self::Struct(b)) => {
                a.kind == b.kind && *a.fields.borrow() == *b.fields.borrow()
            }
            (Self::Error(a), Self::Error(b)) | (Self::Foreign(a), Self::Foreign(b)) => a == b,
            _ => false,
        }
    }
}
