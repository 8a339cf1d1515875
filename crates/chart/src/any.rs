//! Values as Go's templates see them: kinds, named types, shared and mutable maps. It does not know templates.

mod convert;
mod equal;
mod object;
mod text;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) use object::{CapabilitiesObject, Field, HelmVersion, KubeVersion, Object};
pub(crate) use text::{Str, lossy};

/// A value with the kind that Go would give it.
#[derive(Debug, Clone, Default)]
pub(crate) enum Any {
    /// An untyped nil.
    #[default]
    Nil,
    Bool(bool),
    /// Go's `int`: literals, lengths, indices.
    Int(i64),
    /// Go's `int64`: `--set` and sprig's arithmetic.
    Int64(i64),
    /// Go's `uint64`: parts of a semantic version.
    Uint64(u64),
    /// Go's `uint8`: a byte of a string.
    Uint8(u8),
    /// Go's `float64`: every number of a values file.
    Float(f64),
    Str(Str),
    /// `[]byte`.
    Bytes(Str),
    List(List),
    Map(Map),
    Object(Rc<Object>),
}

/// Nesting of values that is followed; what is deeper is refused or cut.
pub(crate) const DEPTH_MAX: usize = 10_000;

/// What a list's elements are declared to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elem {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    List,
    /// Helm's named type of API versions.
    Versions,
    /// Pointers to structs of the chart's metadata (helm 3); the name is the element's type.
    Named(&'static str),
}

/// A Go slice. Nothing in a template can change one in place.
#[derive(Debug, Clone)]
pub(crate) struct List(Rc<ListData>);

#[derive(Debug)]
struct ListData {
    elem: Elem,
    /// A nil slice: JSON `null`.
    nil: bool,
    items: Vec<Any>,
}

/// Values are freed one after the other, not each within the one that holds it: templates can nest them deeper than
/// any stack.
fn free(mut work: Vec<Any>) {
    while let Some(value) = work.pop() {
        match value {
            Any::Map(Map(data, _)) => {
                if let Ok(mut data) = Rc::try_unwrap(data) {
                    work.extend(std::mem::take(data.entries.get_mut()).into_values());
                }
            }
            Any::List(List(data)) => {
                if let Ok(mut data) = Rc::try_unwrap(data) {
                    work.append(&mut data.items);
                }
            }
            _ => {}
        }
    }
}

fn holds_more(value: &Any) -> bool {
    matches!(value, Any::Map(_) | Any::List(_))
}

impl Drop for ListData {
    fn drop(&mut self) {
        if self.items.iter().any(holds_more) {
            free(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for MapData {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(holds_more) {
            free(std::mem::take(entries).into_values().collect());
        }
    }
}

impl List {
    pub(crate) fn new(items: Vec<Any>) -> Self {
        Self::typed(Elem::Any, items)
    }

    pub(crate) fn typed(elem: Elem, items: Vec<Any>) -> Self {
        Self(Rc::new(ListData {
            elem,
            nil: false,
            items,
        }))
    }

    pub(crate) fn nil(elem: Elem) -> Self {
        Self(Rc::new(ListData {
            elem,
            nil: true,
            items: Vec::new(),
        }))
    }

    pub(crate) fn strings<I, T>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Str>,
    {
        Self::typed(
            Elem::Str,
            items.into_iter().map(|it| Any::Str(it.into())).collect(),
        )
    }

    pub(crate) fn elem(&self) -> Elem {
        self.0.elem
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.0.nil
    }

    pub(crate) fn items(&self) -> &[Any] {
        &self.0.items
    }

    pub(crate) fn len(&self) -> usize {
        self.0.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// The items, without a copy when nobody else holds the list.
    pub(crate) fn into_items(self) -> Vec<Any> {
        Rc::try_unwrap(self.0).map_or_else(
            |shared| shared.items.clone(),
            |mut it| std::mem::take(&mut it.items),
        )
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What a map is declared to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `map[string]interface {}`
    Any,
    /// Helm's named type `Values`, which has methods.
    Values,
    /// `map[string]string`
    Str,
    /// The files of a chart, which have methods.
    Files,
}

/// The entries of a map, in the order of their keys' bytes.
pub(crate) type Entries = BTreeMap<Str, Any>;

/// A Go map: shared by all who hold it, under whatever type they hold it.
#[derive(Debug, Clone)]
pub(crate) struct Map(Rc<MapData>, Flavour);

#[derive(Debug)]
struct MapData {
    nil: bool,
    entries: RefCell<Entries>,
    /// Guards walks over maps that contain themselves.
    visited: Cell<bool>,
}

impl Map {
    pub(crate) fn new(entries: Entries) -> Self {
        Self::flavoured(Flavour::Any, entries)
    }

    pub(crate) fn flavoured(flavour: Flavour, entries: Entries) -> Self {
        let entries = RefCell::new(entries);
        Self(
            Rc::new(MapData {
                nil: false,
                entries,
                visited: Cell::new(false),
            }),
            flavour,
        )
    }

    pub(crate) fn empty() -> Self {
        Self::new(Entries::new())
    }

    pub(crate) fn nil() -> Self {
        let entries = RefCell::new(Entries::new());
        Self(
            Rc::new(MapData {
                nil: true,
                entries,
                visited: Cell::new(false),
            }),
            Flavour::Any,
        )
    }

    pub(crate) fn flavour(&self) -> Flavour {
        self.1
    }

    /// The same map as `map[string]interface {}`.
    pub(crate) fn as_plain(&self) -> Self {
        Self(self.0.clone(), Flavour::Any)
    }

    /// The same map as `map[string]string`.
    pub(crate) fn as_strings(&self) -> Self {
        Self(self.0.clone(), Flavour::Str)
    }

    /// The same map as Helm's `Values`.
    pub(crate) fn as_values(&self) -> Self {
        Self(self.0.clone(), Flavour::Values)
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.0.nil
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Any> {
        self.0.entries.borrow().get(key).cloned()
    }

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.0.entries.borrow().contains_key(key)
    }

    pub(crate) fn set(&self, key: impl Into<Str>, value: Any) {
        self.0.entries.borrow_mut().insert(key.into(), value);
    }

    pub(crate) fn unset(&self, key: &[u8]) -> Option<Any> {
        self.0.entries.borrow_mut().remove(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn keys(&self) -> Vec<Str> {
        self.0.entries.borrow().keys().cloned().collect()
    }

    /// A snapshot: the map may change while it is walked.
    pub(crate) fn entries(&self) -> Vec<(Str, Any)> {
        self.0
            .entries
            .borrow()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// A look at the entries. Nothing may be set meanwhile.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Entries) -> T) -> T {
        look(&self.0.entries.borrow())
    }

    /// A new map with the same entries.
    pub(crate) fn shallow_copy(&self) -> Self {
        Self::new(self.0.entries.borrow().clone())
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Marks the map as being walked; false when it already is, which means that it contains itself.
    pub(crate) fn enter(&self) -> bool {
        !self.0.visited.replace(true)
    }

    pub(crate) fn leave(&self) {
        self.0.visited.set(false);
    }
}

impl Any {
    pub(crate) fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    pub(crate) fn list(items: Vec<Any>) -> Self {
        Self::List(List::new(items))
    }

    pub(crate) fn object(it: Object) -> Self {
        Self::Object(Rc::new(it))
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The map, if it is what Go calls `map[string]interface {}` when asked by a type assertion.
    pub(crate) fn as_table(&self) -> Option<&Map> {
        match self {
            Self::Map(map) if map.flavour() == Flavour::Any => Some(map),
            _ => None,
        }
    }

    /// Go's `truth`: not the zero of its type.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(it) => *it,
            Self::Int(it) | Self::Int64(it) => *it != 0,
            Self::Uint64(it) => *it != 0,
            Self::Uint8(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Str(it) | Self::Bytes(it) => !it.is_empty(),
            Self::List(it) => !it.is_empty(),
            Self::Map(it) => !it.is_empty(),
            Self::Object(it) if matches!(**it, Object::Complex(..)) => {
                !matches!(**it, Object::Complex(0.0, 0.0))
            }
            // Structs are always true.
            Self::Object(_) => true,
        }
    }

    /// `reflect.Kind` as text.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint64(_) => "uint64",
            Self::Uint8(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(it) => it.kind(),
        }
    }
}

impl From<bool> for Any {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<&str> for Any {
    fn from(it: &str) -> Self {
        Self::Str(it.into())
    }
}

impl From<String> for Any {
    fn from(it: String) -> Self {
        Self::Str(it.into())
    }
}

impl From<Map> for Any {
    fn from(it: Map) -> Self {
        Self::Map(it)
    }
}

impl From<List> for Any {
    fn from(it: List) -> Self {
        Self::List(it)
    }
}
