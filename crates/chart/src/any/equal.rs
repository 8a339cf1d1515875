//! `reflect.DeepEqual`: the same kind and the same content.

use super::{Any, List, Map};

impl Any {
    /// As `reflect.DeepEqual`: an `int` is never equal to an `int64` or a `float64`.
    pub(crate) fn deep_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Uint64(a), Self::Uint64(b)) => a == b,
            (Self::Uint8(a), Self::Uint8(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Str(a), Self::Str(b)) | (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => lists_equal(a, b),
            (Self::Map(a), Self::Map(b)) => maps_equal(a, b),
            (Self::Object(a), Self::Object(b)) => a.is_same(b),
            _ => false,
        }
    }
}

fn lists_equal(a: &List, b: &List) -> bool {
    a.elem() == b.elem()
        && a.is_nil() == b.is_nil()
        && a.len() == b.len()
        && (a.is_same(b) || a.items().iter().zip(b.items()).all(|(a, b)| a.deep_equal(b)))
}

fn maps_equal(a: &Map, b: &Map) -> bool {
    if a.is_same(b) {
        return true;
    }
    if a.flavour() != b.flavour() || a.is_nil() != b.is_nil() || a.len() != b.len() || !a.enter() {
        return false;
    }
    let equal = a.with(|a| {
        b.with(|b| {
            a.iter()
                .zip(b)
                .all(|((ka, va), (kb, vb))| ka == kb && va.deep_equal(vb))
        })
    });
    a.leave();
    equal
}
