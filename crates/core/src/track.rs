//! Two copies of a platform side by side: the objects of one track, with names, labels and references of their own.
//!
//! A chart is rendered once and knows nothing of tracks. What may exist twice (Deployments, the Services in front of them,
//! ConfigMaps and so on) is coloured; what holds state or belongs to the cluster is shared. It does not know what runs.

mod class;
mod host;
mod local;
mod refer;
mod select;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub use local::localise;

use crate::digest::Digest;
use crate::machine::event::Color;
use crate::object::Object;
use class::{Class, classes};
use host::{Hosts, Named};

/// The label that tells the tracks apart, on objects, pods and in selectors: the word of the deployment guide.
pub const LABEL: &str = "version";
/// The name that the object has in the chart; on every coloured object.
pub const NAME: &str = "windlass.dev/name";
/// With the value `true` an object is shared by both tracks whatever its kind.
pub const SHARED: &str = "windlass.dev/shared";
/// Longest name: Services and label values end there (RFC 1123 label).
const NAME_MAX: usize = 63;

/// The objects of an environment for one track.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coloured {
    /// The track's own objects: they exist once per colour and can be made and removed without a customer noticing.
    pub own: Vec<Object>,
    /// What both tracks use, under the names of the chart.
    pub shared: Vec<Object>,
    /// The edge, and whatever else keeps its name but leads to one track. Applying these is the switch.
    pub switched: Vec<Object>,
}

impl Coloured {
    /// Everything, in the order in which it is safe to apply: shared, own, switched.
    pub fn all(&self) -> Vec<Object> {
        [&self.shared, &self.own, &self.switched]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// All that instances of the track need to run: shared and own.
    pub fn running(&self) -> Vec<Object> {
        [&self.shared, &self.own].into_iter().flatten().cloned().collect()
    }
}

/// Makes the copy of `objects` for one track. `edge` is the Service where customers enter: beside its coloured copy it
/// keeps its name, with a selector for this track.
///
/// Objects that are coloured already stay as they are. Every reference that led to an object of the set still does:
/// where something shared refers to something coloured, that is kept under its plain name too.
pub fn colour(objects: &[Object], color: Color, edge: &str) -> Coloured {
    let classes = classes(objects);
    let names = Names::of(objects, &classes, color);
    let hosts = Hosts::of(objects, &names.services);
    let set = Set {
        color,
        names: &names,
        hosts: &hosts,
        selection: select::Selection::of(objects, &classes),
    };
    let mut out = Coloured::default();
    for (object, class) in objects.iter().zip(&classes) {
        match class {
            Class::Coloured if is_coloured(object) => out.own.push(object.clone()),
            Class::Coloured if !names.renames(object) => out.shared.push(object.clone()),
            Class::Coloured => out.own.push(set.colour(object)),
            Class::Shared => out.shared.push(object.clone()),
            Class::Route => set.route(object, edge, &mut out),
        }
    }
    set.keep_plain(objects, &classes, edge, &mut out);
    out
}

/// Whether the object belongs to a track.
pub fn is_coloured(object: &Object) -> bool {
    object.annotation(NAME).is_some()
}

/// The name that the object has in the chart, whatever its track.
pub fn plain_name(object: &Object) -> &str {
    object.annotation(NAME).unwrap_or_else(|| object.name())
}

/// The name of an object on a track. Too long a name is cut and told apart by a digest.
pub fn coloured_name(name: &str, color: Color) -> String {
    let suffix = color.name();
    let whole = format!("{name}-{suffix}");
    if whole.len() <= NAME_MAX {
        return whole;
    }
    told_apart(name, color)
}

fn told_apart(name: &str, color: Color) -> String {
    let suffix = color.name();
    let digest = &Digest::of_bytes(name.as_bytes()).hex()[..8];
    let mut end = name.len().min(NAME_MAX - suffix.len() - digest.len() - 2);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{digest}-{suffix}", &name[..end])
}

/// New names by kind.
struct Names {
    by_kind: BTreeMap<(String, String), String>,
    services: BTreeMap<String, String>,
}

impl Names {
    fn of(objects: &[Object], classes: &[Class], color: Color) -> Self {
        let taken: BTreeMap<(&str, &str), &Object> = objects
            .iter()
            .map(|object| ((object.kind(), object.name()), object))
            .collect();
        let mut by_kind = BTreeMap::new();
        let mut services = BTreeMap::new();
        for (object, class) in objects.iter().zip(classes) {
            if *class != Class::Coloured || is_coloured(object) {
                continue;
            }
            let mut new = coloured_name(object.name(), color);
            match taken.get(&(object.kind(), new.as_str())) {
                // The copy is in the set already.
                Some(other) if other.annotation(NAME) == Some(object.name()) => continue,
                Some(_) => new = told_apart(object.name(), color),
                None => {}
            }
            if object.is("", "Service") {
                services.insert(object.name().to_owned(), new.clone());
            }
            by_kind.insert((object.kind().to_owned(), object.name().to_owned()), new);
        }
        Self { by_kind, services }
    }

    fn get(&self, kind: &str, name: &str) -> Option<&str> {
        self.by_kind
            .get(&(kind.to_owned(), name.to_owned()))
            .map(String::as_str)
    }

    fn renames(&self, object: &Object) -> bool {
        self.get(object.kind(), object.name()).is_some()
    }
}

/// One set of objects on its way to a colour.
struct Set<'a> {
    color: Color,
    names: &'a Names,
    hosts: &'a Hosts,
    selection: select::Selection,
}

impl Set<'_> {
    fn colour(&self, object: &Object) -> Object {
        self.edited(object, |value| {
            let plain = object.name().to_owned();
            if let Some(new) = self.names.get(object.kind(), &plain) {
                value["metadata"]["name"] = Value::String(new.to_owned());
            }
            entry(value, &["metadata", "annotations"]).insert(NAME.to_owned(), Value::String(plain));
            entry(value, &["metadata", "labels"]).insert(LABEL.to_owned(), self.version());
            self.selection.mark(object, value, self.color);
            self.rewrite(object, value);
        })
    }

    /// An Ingress or another route: shared unless it leads to a coloured Service that is not the edge.
    fn route(&self, object: &Object, edge: &str, out: &mut Coloured) {
        let changed = self.edited(object, |value| {
            refer::services(value, &|name| {
                self.names
                    .get("Service", name)
                    .filter(|_| name != edge)
                    .map(str::to_owned)
            });
        });
        if changed == *object {
            out.shared.push(changed);
        } else {
            out.switched.push(changed);
        }
    }

    /// What shared objects refer to by its plain name, and the edge.
    fn keep_plain(&self, objects: &[Object], classes: &[Class], edge: &str, out: &mut Coloured) {
        let mut wanted = BTreeSet::new();
        let mut hosts: BTreeSet<String> = BTreeSet::from([edge.to_owned()]);
        let mut look = |object: &Object| {
            refer::names(object, &mut wanted);
            host::texts(object, &mut |text| self.hosts.mentioned(text, &mut hosts));
        };
        out.shared.iter().for_each(&mut look);
        // ConfigMaps that shared pods read may name Services as well.
        let kept = |wanted: &BTreeSet<(String, String)>, object: &Object| {
            wanted.contains(&(object.kind().to_owned(), object.name().to_owned()))
        };
        let coloured: Vec<&Object> = objects
            .iter()
            .zip(classes)
            .filter(|(object, class)| **class == Class::Coloured && self.names.renames(object))
            .map(|(object, _)| object)
            .collect();
        let plain: Vec<&Object> = coloured
            .iter()
            .copied()
            .filter(|object| (object.is("", "ConfigMap") || object.is("", "Secret")) && kept(&wanted, object))
            .collect();
        for object in plain {
            host::texts(object, &mut |text| self.hosts.mentioned(text, &mut hosts));
            out.shared.push(object.clone());
        }
        for object in coloured {
            if object.is("", "Service") && hosts.contains(object.name()) {
                let lead = |value: &mut Value| {
                    entry(value, &["spec", "selector"]).insert(LABEL.to_owned(), self.version());
                };
                out.switched.push(self.edited(object, lead));
            }
        }
    }

    /// References to ConfigMaps, Secrets, scale targets, Services and hosts.
    fn rewrite(&self, object: &Object, value: &mut Value) {
        refer::rewrite(object, value, &|kind, name| {
            self.names.get(kind, name).map(str::to_owned)
        });
        host::rewrite_texts(object, value, &|text| {
            self.hosts.rewrite(text, |host: &Named<'_>| {
                (host.certain || host.known_port).then(|| host.with_name(&self.names.services))?
            })
        });
    }

    fn version(&self) -> Value {
        Value::String(self.color.name().to_owned())
    }

    /// The edits never take away what makes a value an object, so the original never has to stand in.
    #[expect(clippy::unused_self, reason = "it reads as a part of the set's work")]
    fn edited(&self, object: &Object, edit: impl FnOnce(&mut Value)) -> Object {
        object.edited(edit).unwrap_or_else(|_| object.clone())
    }
}

/// The map at a path, made where it is missing or is no map.
fn entry<'v>(value: &'v mut Value, path: &[&str]) -> &'v mut Map<String, Value> {
    let mut at = object_at(value);
    for key in path {
        at = object_at(at.entry((*key).to_owned()).or_insert(Value::Null));
    }
    at
}

fn object_at(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("it was made an object just now")
        }
    }
}
