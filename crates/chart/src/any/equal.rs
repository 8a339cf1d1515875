//! `reflect.DeepEqual`: the same kind and the same content.

use super::{Any, DEPTH_MAX, List, Map};

impl Any {
    /// As `reflect.DeepEqual`: an `int` is never equal to an `int64` or a `float64`.
    pub(crate) fn deep_equal(&self, other: &Self) -> bool {
        equal(self, other, 0)
    }
}

fn equal(one: &Any, other: &Any, depth: usize) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    match (one, other) {
        (Any::Nil, Any::Nil) => true,
        (Any::Bool(a), Any::Bool(b)) => a == b,
        (Any::Int(a), Any::Int(b)) | (Any::Int64(a), Any::Int64(b)) => a == b,
        (Any::Uint64(a), Any::Uint64(b)) => a == b,
        (Any::Uint8(a), Any::Uint8(b)) => a == b,
        (Any::Float(a), Any::Float(b)) => a == b,
        (Any::Str(a), Any::Str(b)) | (Any::Bytes(a), Any::Bytes(b)) => a == b,
        (Any::List(a), Any::List(b)) => lists_equal(a, b, depth),
        (Any::Map(a), Any::Map(b)) => maps_equal(a, b, depth),
        (Any::Object(a), Any::Object(b)) => a.is_same(b),
        _ => false,
    }
}

fn lists_equal(a: &List, b: &List, depth: usize) -> bool {
    a.elem() == b.elem()
        && a.is_nil() == b.is_nil()
        && a.len() == b.len()
        && (a.is_same(b)
            || a.items()
                .iter()
                .zip(b.items())
                .all(|(a, b)| equal(a, b, depth + 1)))
}

fn maps_equal(a: &Map, b: &Map, depth: usize) -> bool {
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
                .all(|((ka, va), (kb, vb))| ka == kb && equal(va, vb, depth + 1))
        })
    });
    a.leave();
    equal
}
