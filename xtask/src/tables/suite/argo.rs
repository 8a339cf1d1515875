//! Argo CD: hooks, order, sync windows, retries.

mod hook;
mod order;
mod retry;
mod time;
mod window;

use serde_json::{Value, json};
use windlass_core::object::Object;

use super::{Suite, argument};
use crate::tables::value::Val;

pub(super) const ALL: &[&Suite] = &[
    &hook::WORDS,
    &hook::HOOKS,
    &hook::POLICIES,
    &hook::PHASES,
    &order::WAVES,
    &order::WEIGHTS,
    &order::TASKS,
    &order::ORDER,
    &order::PRUNE,
    &window::WINDOWS,
    &retry::RETRY,
];

/// What the tests' own helpers make and change.
const HELPERS: &[&str] = &[
    "testingutils.NewPod",
    "testingutils.NewCRD",
    "testingutils.NewNamespace",
    "testingutils.Annotate",
];
/// Constants of the packages under test.
const PRELUDE: &str = "package sync
type syncTasks []*syncTask
type SyncWindows []*SyncWindow
";
const UNSTRUCTURED: &str = "unstructured.Unstructured";

/// The helpers; `None` for another name.
fn helper(name: &str, arguments: &[Val]) -> Option<Val> {
    let made = |api: &str, kind: &str, name: &str| {
        let metadata = Val::map(vec![(Val::text("name"), Val::text(name))]);
        let fields = [
            ("apiVersion", Val::text(api)),
            ("kind", Val::text(kind)),
            ("metadata", metadata),
        ];
        let fields = fields.into_iter().map(|it| (Val::text(it.0), it.1)).collect();
        Val::object(UNSTRUCTURED, [("Object", Val::map(fields))])
    };
    Some(match name {
        "testingutils.NewPod" => made("v1", "Pod", "my-pod"),
        "testingutils.NewNamespace" => made("v1", "Namespace", "my-namespace"),
        "testingutils.NewCRD" => made("apiextensions.k8s.io/v1", "CustomResourceDefinition", "my-crd"),
        "testingutils.Annotate" => {
            let of = argument(arguments, 0);
            annotate(&of, &argument(arguments, 1), &argument(arguments, 2));
            of
        }
        _ => return None,
    })
}

fn annotate(of: &Val, key: &Val, value: &Val) {
    let annotations = metadata(of, "annotations");
    annotations.set(key.clone(), value.clone());
}

/// A map of an object's metadata; it is made where it is missing.
fn metadata(of: &Val, name: &str) -> Val {
    let object = of.field("Object");
    let object = if object.is_nil() {
        let made = Val::map(Vec::new());
        of.set_field("Object", made.clone());
        made
    } else {
        object
    };
    let within = |map: &Val, key: &str| {
        let key = Val::text(key);
        map.get(&key).filter(|it| !it.is_nil()).unwrap_or_else(|| {
            let made = Val::map(Vec::new());
            map.set(key, made.clone());
            made
        })
    };
    let metadata = within(&object, "metadata");
    if name.is_empty() {
        metadata
    } else {
        within(&metadata, name)
    }
}

/// Methods of an unstructured object; `None` for another one.
fn object_method(of: &Val, name: &str, arguments: &[Val]) -> Option<Val> {
    let first = argument(arguments, 0);
    let own = |key: &str| metadata(of, "").get(&Val::text(key)).unwrap_or(Val::text(""));
    Some(match name {
        "GetName" => own("name"),
        "SetName" => {
            metadata(of, "").set(Val::text("name"), first);
            Val::Nil
        }
        "SetNamespace" => {
            metadata(of, "").set(Val::text("namespace"), first);
            Val::Nil
        }
        "SetAnnotations" => {
            metadata(of, "").set(Val::text("annotations"), first);
            Val::Nil
        }
        _ => return None,
    })
}

/// The object as ours; what tests leave out is filled in, which a cluster always gives.
fn object(of: &Val) -> Option<Object> {
    let mut value: Value = of.field("Object").to_value().to_json();
    if !value.is_object() {
        value = json!({});
    }
    for (pointer, filled) in [("apiVersion", "none.dev/v1"), ("kind", "None")] {
        if value[pointer].is_null() {
            value[pointer] = filled.into();
        }
    }
    let builtin = ["Pod", "Service", "ConfigMap", "Namespace", "PersistentVolume"];
    if value["apiVersion"] == "none.dev/v1" && builtin.iter().any(|it| value["kind"] == *it) {
        value["apiVersion"] = "v1".into();
    }
    if value["metadata"]["name"].is_null() {
        value["metadata"]["name"] = "".into();
    }
    let named = value["metadata"]["name"] != "";
    if !named {
        // Before every name.
        value["metadata"]["name"] = "-".into();
    }
    Object::new(value).ok()
}
