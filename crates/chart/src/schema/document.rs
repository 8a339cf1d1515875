//! Documents that schemas are in, their identifiers and anchors, and what a reference leads to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::json::Json;
use super::node::Draft;
use super::{RemoteSchemas, meta};
use crate::functions::url;
use crate::go::quote::quoted;

/// The address that the validator gives to the schema of a chart.
pub(super) const HOME: &str = "file:///values.schema.json";

/// Documents that one schema may lead to.
const DOCUMENTS_MAX: usize = 64;
/// Nesting of one document.
const DEPTH_MAX: usize = 500;

/// Keywords that give a schema a name.
const NAMING: [&str; 5] = ["$id", "id", "$schema", "$anchor", "$dynamicAnchor"];
/// Keywords with a schema.
const ONE: [&str; 12] = [
    "not",
    "additionalProperties",
    "items",
    "additionalItems",
    "propertyNames",
    "contains",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentSchema",
];
/// Keywords with a map or a list of schemas.
const MANY: [&str; 11] = [
    "definitions",
    "allOf",
    "anyOf",
    "oneOf",
    "properties",
    "patternProperties",
    "items",
    "dependencies",
    "$defs",
    "dependentSchemas",
    "prefixItems",
];

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) document: usize,
    /// A JSON pointer.
    pub(super) pointer: String,
}

impl Place {
    pub(super) fn root(document: usize) -> Self {
        Self {
            document,
            pointer: String::new(),
        }
    }
}

/// A part of a document with an identifier of its own.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) pointer: String,
    /// Its absolute address.
    pub(super) id: String,
    pub(super) draft: Draft,
    pub(super) anchors: BTreeMap<String, String>,
    pub(super) dynamic_anchors: BTreeSet<String>,
}

struct Document<'s> {
    address: String,
    json: Cow<'s, Json>,
    resources: Vec<Resource>,
    /// Whether anything but the whole has an identifier or an anchor.
    has_names: bool,
    processed: BTreeSet<String>,
}

/// A reference, made absolute.
pub(super) struct Target {
    address: String,
    fragment: String,
}

impl Target {
    pub(super) fn new(base: &str, reference: &str) -> Result<Self, String> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = url::path_unescape(fragment.as_bytes())
            .map_err(|it| format!("error in parsing {}: {it}", quoted(reference.as_bytes())))?;
        Ok(Self {
            address: url::resolve(base, address)
                .map_err(|it| format!("error in parsing {}: {it}", quoted(address.as_bytes())))?,
            fragment: String::from_utf8_lossy(&fragment).into_owned(),
        })
    }
}

/// Whether documents are held against the schema of schemas of their draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They are.
    None,
    /// They are such schemas themselves.
    Full,
}

pub(super) struct Documents<'s> {
    remote: &'s RemoteSchemas,
    trust: Trust,
    all: Vec<Document<'s>>,
}

impl<'s> Documents<'s> {
    pub(super) fn new(schema: &'s Json, remote: &'s RemoteSchemas, trust: Trust) -> Result<Self, String> {
        let mut documents = Self {
            remote,
            trust,
            all: Vec::new(),
        };
        documents.add(HOME, Cow::Borrowed(schema))?;
        Ok(documents)
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.all.iter().map(|it| it.address.clone()).collect()
    }

    fn location(&self, place: &Place) -> String {
        let address = &self.all[place.document].address;
        format!("{address}#{}", encode(&place.pointer))
    }

    pub(super) fn at(&self, place: &Place) -> Result<Cow<'s, Json>, String> {
        let missing = || {
            format!(
                "json-pointer in {} not found",
                quoted(self.location(place).as_bytes())
            )
        };
        match &self.all[place.document].json {
            Cow::Borrowed(json) => json.pointer(&place.pointer).map(Cow::Borrowed),
            Cow::Owned(json) => json.pointer(&place.pointer).cloned().map(Cow::Owned),
        }
        .ok_or_else(missing)
    }

    /// The innermost part with an identifier that a place is in.
    pub(super) fn resource(&self, place: &Place) -> &Resource {
        let document = &self.all[place.document];
        &document.resources[document.holder(&place.pointer)]
    }

    /// Holds against its schema of schemas what a reference leads to, where that was not looked at with the whole.
    pub(super) fn check(&self, place: &Place, json: &Json) -> Result<(), String> {
        let draft = self.resource(place).draft;
        if self.trust == Trust::Full || meta::is_within(&place.pointer, draft) {
            return Ok(());
        }
        meta::check(json, draft, &self.location(place))
    }

    /// Identifiers and anchors of a place that no keyword leads to, but a reference does.
    pub(super) fn ensure(&mut self, place: &Place) -> Result<(), String> {
        let document = &self.all[place.document];
        if !document.has_names || document.processed.contains(&place.pointer) {
            return Ok(());
        }
        let json = self.at(place)?.into_owned();
        let holder = self.all[place.document].holder(&place.pointer);
        self.collect(place.document, &json, &place.pointer, holder, 0)
    }

    /// Where a reference in a document leads to.
    pub(super) fn resolve(&mut self, from: usize, target: &Target) -> Result<Place, String> {
        let document = &self.all[from];
        let resource = if document.address == target.address {
            Some(0)
        } else {
            document.resources.iter().position(|it| it.id == target.address)
        };
        if let Some(resource) = resource {
            return self.fragment(from, resource, &target.fragment);
        }
        let at = self.load(&target.address)?;
        self.fragment(at, 0, &target.fragment)
    }

    fn fragment(&self, document: usize, resource: usize, fragment: &str) -> Result<Place, String> {
        let found = &self.all[document].resources[resource];
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            format!("{}{fragment}", found.pointer)
        } else {
            found.anchors.get(fragment).cloned().ok_or_else(|| {
                format!(
                    "anchor in {} not found in schema {}",
                    quoted(format!("{}#{fragment}", found.id).as_bytes()),
                    quoted(self.all[document].address.as_bytes())
                )
            })?
        };
        Ok(Place { document, pointer })
    }

    fn load(&mut self, address: &str) -> Result<usize, String> {
        if let Some(at) = self.all.iter().position(|it| it.address == address) {
            return Ok(at);
        }
        let json = self.fetch(address)?;
        self.add(address, Cow::Owned(json))
    }

    fn fetch(&self, address: &str) -> Result<Json, String> {
        let failing = |why: String| format!("failing loading {}: {why}", quoted(address.as_bytes()));
        if self.all.len() >= DOCUMENTS_MAX {
            return Err(failing(format!(
                "a schema leads to at most {DOCUMENTS_MAX} documents"
            )));
        }
        match address.split_once(':').map_or("", |it| it.0) {
            "http" | "https" => {
                if let Some(embedded) = meta::embedded(address) {
                    return Ok(embedded);
                }
                let text = self.remote.load(address).map_err(failing)?;
                super::read(&text).map_err(failing)
            }
            // Helm lets names that nobody resolves pass.
            "urn" => Ok(Json::Bool(true)),
            // Nothing beside a chart is read.
            "file" => {
                let path = address.trim_start_matches("file://");
                Err(failing(format!("open {path}: no such file or directory")))
            }
            _ => Err(failing(format!(
                "no URLLoader registered for {}",
                quoted(address.as_bytes())
            ))),
        }
    }

    fn add(&mut self, address: &str, json: Cow<'s, Json>) -> Result<usize, String> {
        let at = self.all.len();
        let root = json.clone();
        let has_names = root
            .as_object()
            .is_some_and(|it| it.iter().any(|it| names_something(it.1, 0)));
        self.all.push(Document {
            address: address.to_owned(),
            has_names,
            json,
            resources: vec![Resource {
                pointer: String::new(),
                id: address.to_owned(),
                draft: Draft::Of2020,
                anchors: BTreeMap::new(),
                dynamic_anchors: BTreeSet::new(),
            }],
            processed: BTreeSet::new(),
        });
        if has_names {
            self.collect(at, &root, "", 0, 0)?;
        } else if root.as_object().is_some() {
            let holder = self.identify(at, &root, "", 0)?;
            self.anchors(at, &root, "", holder)?;
        }
        if self.trust == Trust::None {
            let place = format!("{address}#");
            meta::check(&root, self.all[at].resources[0].draft, &place)?;
        }
        Ok(at)
    }

    /// The draft that a schema is written in.
    fn draft(&mut self, address: &str, json: &Json, default: Draft, depth: usize) -> Result<Draft, String> {
        let Some(name) = json.get("$schema").and_then(Json::as_str) else {
            return Ok(default);
        };
        if let Some(draft) = Draft::of_address(name) {
            return Ok(draft);
        }
        let name = name.split('#').next().unwrap_or(name);
        if name == address {
            return Err(format!("draft {} is not supported", quoted(name.as_bytes())));
        }
        if depth > 8 {
            return Err(format!(
                "cycle in resolving $schema in {}",
                quoted(name.as_bytes())
            ));
        }
        let known = self.all.iter().find(|it| it.address == name);
        let json = match known {
            Some(known) => known.json.clone().into_owned(),
            None => self.fetch(name)?,
        };
        self.draft(name, &json, default, depth + 1)
    }

    /// Identifiers and anchors of a schema and of all within it.
    fn collect(
        &mut self,
        at: usize,
        json: &Json,
        pointer: &str,
        holder: usize,
        depth: usize,
    ) -> Result<(), String> {
        if !self.all[at].processed.insert(pointer.to_owned()) || depth > DEPTH_MAX {
            return Ok(());
        }
        let Json::Object(map) = json else {
            return Ok(());
        };
        let holder = if pointer.is_empty() || map.iter().any(|it| NAMING.contains(&it.0)) {
            let holder = self.identify(at, json, pointer, holder)?;
            self.anchors(at, json, pointer, holder)?;
            holder
        } else {
            holder
        };
        for (keyword, value) in map.iter() {
            if ONE.contains(&keyword) {
                self.collect(at, value, &format!("{pointer}/{keyword}"), holder, depth + 1)?;
            }
            if !MANY.contains(&keyword) {
                continue;
            }
            match value {
                Json::Object(inner) if keyword != "items" => {
                    for (name, inner) in inner.iter() {
                        let pointer = format!("{pointer}/{keyword}/{}", escape(name));
                        self.collect(at, inner, &pointer, holder, depth + 1)?;
                    }
                }
                Json::Array(inner) => {
                    for (number, inner) in inner.iter().enumerate() {
                        let pointer = format!("{pointer}/{keyword}/{number}");
                        self.collect(at, inner, &pointer, holder, depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The resource that a schema is in: itself, where it has an identifier.
    fn identify(&mut self, at: usize, json: &Json, pointer: &str, holder: usize) -> Result<usize, String> {
        let fallback = self.all[at].resources[holder].draft;
        let address = self.all[at].address.clone();
        let mut draft = self.draft(&address, json, fallback, 0)?;
        let mut id = own_id(json, draft);
        if id.is_empty() && !pointer.is_empty() {
            draft = fallback;
            id = own_id(json, draft);
        }
        if pointer.is_empty() {
            self.all[at].resources[holder].draft = draft;
        }
        if id.is_empty() {
            return Ok(holder);
        }
        let base = &self.all[at].resources[holder].id;
        let id = url::resolve(base, id).map_err(|_| {
            format!(
                "error in parsing id at {}",
                quoted(format!("{address}#{pointer}").as_bytes())
            )
        })?;
        if pointer.is_empty() {
            self.all[at].resources[holder].id = id;
            return Ok(holder);
        }
        let resources = &mut self.all[at].resources;
        if let Some(other) = resources.iter().find(|it| it.id == id) {
            return Err(format!(
                "duplicate id {} in {} at {} and {}",
                quoted(id.as_bytes()),
                quoted(address.as_bytes()),
                quoted(other.pointer.as_bytes()),
                quoted(pointer.as_bytes())
            ));
        }
        resources.push(Resource {
            pointer: pointer.to_owned(),
            id,
            draft,
            anchors: BTreeMap::new(),
            dynamic_anchors: BTreeSet::new(),
        });
        Ok(resources.len() - 1)
    }

    fn anchors(&mut self, at: usize, json: &Json, pointer: &str, holder: usize) -> Result<(), String> {
        let resource = &mut self.all[at].resources[holder];
        let named = |keyword: &str| json.get(keyword).and_then(Json::as_str);
        let mut anchors = Vec::new();
        if resource.draft < Draft::Of2019 {
            if json.get("$ref").is_some() {
                return Ok(());
            }
            let id = named(resource.draft.id_keyword()).unwrap_or_default();
            let anchor = id.split_once('#').map_or("", |it| it.1);
            anchors.extend((!anchor.is_empty() && !anchor.starts_with('/')).then_some(anchor));
        } else {
            anchors.extend(named("$anchor"));
        }
        if resource.draft >= Draft::Of2020
            && let Some(anchor) = named("$dynamicAnchor")
        {
            anchors.push(anchor);
            resource.dynamic_anchors.insert(anchor.to_owned());
        }
        for anchor in anchors {
            let old = resource.anchors.insert(anchor.to_owned(), pointer.to_owned());
            if let Some(old) = old.filter(|it| it != pointer) {
                return Err(format!(
                    "duplicate anchor {} in {} at {} and {}",
                    quoted(anchor.as_bytes()),
                    quoted(self.all[at].address.as_bytes()),
                    quoted(old.as_bytes()),
                    quoted(pointer.as_bytes())
                ));
            }
        }
        Ok(())
    }
}

impl Document<'_> {
    fn holder(&self, pointer: &str) -> usize {
        let within = |it: &&(usize, &Resource)| {
            pointer
                .strip_prefix(&it.1.pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let all = self.resources.iter().enumerate();
        all.filter(|it| within(&it))
            .max_by_key(|it| it.1.pointer.len())
            .map_or(0, |it| it.0)
    }
}

/// Whether a value, or one within it, has an identifier or an anchor.
fn names_something(json: &Json, depth: usize) -> bool {
    match json {
        _ if depth > DEPTH_MAX => true,
        Json::Object(map) => map.iter().any(|(key, value)| {
            value.as_str().is_some() && NAMING.contains(&key) || names_something(value, depth + 1)
        }),
        Json::Array(items) => items.iter().any(|it| names_something(it, depth + 1)),
        _ => false,
    }
}

fn own_id(json: &Json, draft: Draft) -> &str {
    if draft < Draft::Of2019 && json.get("$ref").is_some() {
        return "";
    }
    let id = json.get(draft.id_keyword()).and_then(Json::as_str);
    id.and_then(|it| it.split('#').next()).unwrap_or_default()
}

/// One token of a JSON pointer.
pub(super) fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

/// A JSON pointer as part of an address.
pub(super) fn encode(pointer: &str) -> String {
    let parts = pointer
        .split('/')
        .map(|it| String::from_utf8_lossy(&url::path_escape(it.as_bytes())).into_owned());
    parts.collect::<Vec<_>>().join("/")
}
