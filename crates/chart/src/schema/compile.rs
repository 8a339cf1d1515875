//! From documents of JSON to compiled schemas: everything that a schema leads to, references to other documents included.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use super::RemoteSchemas;
use super::document::{Documents, Place, Target, Trust, escape};
use super::format::Format;
use super::json::{Json, Map};
use super::node::{Additional, Compiled, Count, Dependency, Draft, Id, Items, Node, Number, Types};
use super::pattern::Pattern;

/// Schemas within schemas, all documents together.
const NODES_MAX: usize = 200_000;

/// Compiles the schema of a chart; the error is the validator's.
pub(super) fn compile(schema: &Json, remote: &RemoteSchemas) -> Result<Compiled, String> {
    compile_with(schema, Documents::new(schema, remote, Trust::None)?)
}

/// Compiles a schema of schemas, which is held against nothing.
pub(super) fn compile_as_is(schema: &Json, remote: &RemoteSchemas) -> Result<Compiled, String> {
    compile_with(schema, Documents::new(schema, remote, Trust::Full)?)
}

fn compile_with<'s>(schema: &'s Json, documents: Documents<'s>) -> Result<Compiled, String> {
    let mut compiler = Compiler {
        documents,
        nodes: Vec::new(),
        known: BTreeMap::new(),
        queue: VecDeque::new(),
    };
    compiler.want(Place::root(0), Some(schema));
    while let Some((id, place, json)) = compiler.queue.pop_front() {
        compiler.compile(id, &place, json)?;
    }
    Ok(Compiled {
        addresses: compiler.documents.addresses(),
        places: compiler.known,
        nodes: compiler.nodes,
    })
}

struct Compiler<'s> {
    documents: Documents<'s>,
    nodes: Vec<Node>,
    known: BTreeMap<Place, Id>,
    queue: VecDeque<(Id, Place, Option<&'s Json>)>,
}

/// The schema that is being compiled.
struct Source<'m, 's> {
    keywords: &'m Map,
    /// The same, where it lives as long as the chart's schema.
    lasting: Option<&'s Map>,
    place: &'m Place,
    draft: Draft,
}

impl<'s> Compiler<'s> {
    /// The node of a place, which is compiled later where it is new.
    fn want(&mut self, place: Place, json: Option<&'s Json>) -> Id {
        if let Some(id) = self.known.get(&place) {
            return *id;
        }
        let id = self.nodes.len();
        self.nodes.push(Node::new());
        self.known.insert(place.clone(), id);
        self.queue.push_back((id, place, json));
        id
    }

    fn compile(&mut self, id: Id, place: &Place, json: Option<&'s Json>) -> Result<(), String> {
        if self.nodes.len() > NODES_MAX {
            return Err(format!("the schema has more than {NODES_MAX} schemas within it"));
        }
        self.documents.ensure(place)?;
        let json = if let Some(json) = json {
            Cow::Borrowed(json)
        } else {
            let found = self.documents.at(place)?;
            self.documents.check(place, &found)?;
            found
        };
        let resource = self.documents.resource(place);
        let draft = resource.draft;
        let is_resource = resource.pointer == place.pointer;
        let has_anchors = is_resource && draft >= Draft::Of2020 && !resource.dynamic_anchors.is_empty();
        let anchors = has_anchors.then(|| resource.clone());
        // Most schemas are in the whole of the first document, whose node is the first.
        let holder = if place.document == 0 && resource.pointer.is_empty() {
            0
        } else {
            let pointer = resource.pointer.clone();
            let document = place.document;
            self.want(Place { document, pointer }, None)
        };
        let node = &mut self.nodes[id];
        node.draft = draft;
        node.resource = holder;
        if let Some(resource) = anchors {
            for anchor in &resource.dynamic_anchors {
                let pointer = resource.anchors.get(anchor).cloned().unwrap_or_default();
                let place = Place {
                    document: place.document,
                    pointer,
                };
                let target = self.want(place, None);
                self.nodes[id].dynamic_anchors.insert(anchor.clone(), target);
            }
        }
        match &*json {
            Json::Bool(flag) => self.nodes[id].flag = Some(*flag),
            Json::Object(keywords) if keywords.is_empty() => self.nodes[id].flag = Some(true),
            Json::Object(keywords) => {
                let lasting = match &json {
                    Cow::Borrowed(Json::Object(keywords)) => Some(keywords),
                    _ => None,
                };
                let source = Source {
                    keywords,
                    lasting,
                    place,
                    draft,
                };
                self.keywords(id, &source)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn keywords(&mut self, id: Id, source: &Source<'_, 's>) -> Result<(), String> {
        let draft = source.draft;
        let reference = self.reference(source, "$ref")?;
        self.nodes[id].reference = reference;
        // Up to draft 7, what stands beside a `$ref` is ignored.
        if reference.is_some() && draft < Draft::Of2019 {
            return self.newer(id, source);
        }
        self.applicators(id, source);
        self.object(id, source)?;
        let node = &mut self.nodes[id];
        node.types = get(source.keywords, "type").map_or(Types::default(), Types::read);
        node.options = source.list("enum").cloned();
        let number = &mut node.number;
        number.set(|it| &mut it.multiple_of, source.number("multipleOf"));
        let (most, below) = source.limit("maximum", "exclusiveMaximum");
        let (least, above) = source.limit("minimum", "exclusiveMinimum");
        number.set(|it| &mut it.most, most);
        number.set(|it| &mut it.below, below);
        number.set(|it| &mut it.least, least);
        number.set(|it| &mut it.above, above);
        let string = &mut node.string;
        string.set(|it| &mut it.least, source.count("minLength"));
        string.set(|it| &mut it.most, source.count("maxLength"));
        if let Some(pattern) = source.text("pattern") {
            string.own().pattern = Some(source.pattern(pattern, "pattern")?);
        }
        let array = &mut node.array;
        array.set(|it| &mut it.least, source.count("minItems"));
        array.set(|it| &mut it.most, source.count("maxItems"));
        if source.is_on("uniqueItems") {
            array.own().unique = true;
        }
        // From 2019-09 on, formats are remarks.
        if draft < Draft::Of2019 {
            node.format = source.text("format").and_then(Format::of_name);
        }
        self.newer(id, source)
    }

    fn applicators(&mut self, id: Id, source: &Source<'_, 's>) {
        let (all, any, one) = (
            self.each(source, "allOf"),
            self.each(source, "anyOf"),
            self.each(source, "oneOf"),
        );
        let not = self.property(source, "not");
        let (items, additional) = match get(source.keywords, "items") {
            Some(_) if source.draft >= Draft::Of2020 => (None, None),
            Some(Json::Array(_)) => (
                Some(Items::Each(self.each(source, "items"))),
                self.additional(source, "additionalItems"),
            ),
            _ => (self.property(source, "items").map(Items::All), None),
        };
        let node = &mut self.nodes[id];
        (node.all_of, node.any_of, node.one_of, node.not) = (all, any, one, not);
        node.array.set(|it| &mut it.items, items);
        node.array.set(|it| &mut it.additional, additional);
    }

    fn object(&mut self, id: Id, source: &Source<'_, 's>) -> Result<(), String> {
        let mut patterns = Vec::new();
        for (text, id) in self.map(source, "patternProperties") {
            patterns.push((source.pattern(&text, "patternProperties")?, id));
        }
        let mut dependencies = BTreeMap::new();
        for (name, value) in source.map("dependencies") {
            let dependency = match value {
                Json::Array(names) => Dependency::Names(texts(names)),
                _ => Dependency::Schema(self.inner(source, &["dependencies", name])),
            };
            dependencies.insert(name.to_owned(), dependency);
        }
        let required = source.list("required").map_or_else(Vec::new, |it| texts(it));
        let properties = self.map(source, "properties");
        let additional = self.additional(source, "additionalProperties");
        let object = &mut self.nodes[id].object;
        object.set(|it| &mut it.least, source.count("minProperties"));
        object.set(|it| &mut it.most, source.count("maxProperties"));
        object.set(|it| &mut it.additional, additional);
        if !(required.is_empty() && properties.is_empty() && patterns.is_empty() && dependencies.is_empty()) {
            let object = object.own();
            object.required = required;
            object.properties = properties.into_iter().collect();
            object.patterns = patterns;
            object.dependencies = dependencies;
        }
        Ok(())
    }

    /// Keywords that drafts after the fourth brought.
    fn newer(&mut self, id: Id, source: &Source<'_, 's>) -> Result<(), String> {
        if source.draft < Draft::Six {
            return Ok(());
        }
        let (contains, names) = (
            self.property(source, "contains"),
            self.property(source, "propertyNames"),
        );
        let node = &mut self.nodes[id];
        node.array.set(|it| &mut it.contains, contains);
        node.object.set(|it| &mut it.names, names);
        node.constant = get(source.keywords, "const").cloned();
        if source.draft < Draft::Seven {
            return Ok(());
        }
        if let Some(condition) = self.property(source, "if") {
            let flag = get(source.keywords, "if").and_then(Json::as_bool);
            let then = self.property(source, "then").filter(|_| flag != Some(false));
            let otherwise = self.property(source, "else").filter(|_| flag != Some(true));
            let node = &mut self.nodes[id];
            (node.condition, node.then, node.otherwise) = (Some(condition), then, otherwise);
        }
        if source.draft < Draft::Of2019 {
            return Ok(());
        }
        self.of_2019(id, source)?;
        if source.draft >= Draft::Of2020 {
            self.of_2020(id, source)?;
        }
        Ok(())
    }

    fn of_2019(&mut self, id: Id, source: &Source<'_, 's>) -> Result<(), String> {
        let recursive = self.reference(source, "$recursiveRef")?;
        let schemas = self.map(source, "dependentSchemas");
        let (items, properties) = (
            self.property(source, "unevaluatedItems"),
            self.property(source, "unevaluatedProperties"),
        );
        let required = source
            .map("dependentRequired")
            .filter_map(|(name, value)| Some((name.to_owned(), texts(value.as_array()?))));
        let required: BTreeMap<_, _> = required.collect();
        let node = &mut self.nodes[id];
        node.recursive_reference = recursive;
        node.recursive_anchor = source.is_on("$recursiveAnchor");
        if !(schemas.is_empty() && required.is_empty()) {
            let object = node.object.own();
            object.dependent_schemas = schemas.into_iter().collect();
            object.dependent_required = required;
        }
        if node.array.contains.is_some() {
            node.array
                .set(|it| &mut it.contains_least, source.count("minContains"));
            node.array
                .set(|it| &mut it.contains_most, source.count("maxContains"));
        }
        node.array.set(|it| &mut it.unevaluated, items);
        node.object.set(|it| &mut it.unevaluated, properties);
        Ok(())
    }

    fn of_2020(&mut self, id: Id, source: &Source<'_, 's>) -> Result<(), String> {
        if let Some(target) = self.reference(source, "$dynamicRef")? {
            let text = source.text("$dynamicRef").unwrap_or_default();
            let anchor = text.split_once('#').map_or("", |it| it.1);
            let anchor = (!anchor.is_empty() && !anchor.starts_with('/')).then(|| anchor.to_owned());
            self.nodes[id].dynamic_reference = Some((target, anchor));
        }
        let (prefix, rest) = (self.each(source, "prefixItems"), self.property(source, "items"));
        let node = &mut self.nodes[id];
        node.dynamic_anchor = source.text("$dynamicAnchor").map(str::to_owned);
        if !prefix.is_empty() {
            node.array.own().prefix = prefix;
        }
        node.array.set(|it| &mut it.rest, rest);
        Ok(())
    }

    fn reference(&mut self, source: &Source<'_, 's>, keyword: &str) -> Result<Option<Id>, String> {
        let Some(reference) = source.text(keyword) else {
            return Ok(None);
        };
        let base = &self.documents.resource(source.place).id;
        let target = Target::new(base, reference)?;
        let place = self.documents.resolve(source.place.document, &target)?;
        Ok(Some(self.want(place, None)))
    }

    fn inner(&mut self, source: &Source<'_, 's>, path: &[&str]) -> Id {
        let mut json: Option<&'s Json> = None;
        for (depth, part) in path.iter().enumerate() {
            json = match (depth, json) {
                (0, _) => source.lasting.and_then(|it| get(it, part)),
                (_, Some(Json::Object(map))) => get(map, part),
                (_, Some(Json::Array(items))) => part.parse().ok().and_then(|at: usize| items.get(at)),
                _ => None,
            };
        }
        self.of_path(source, path, json)
    }

    /// As `inner`, where it is known what the path leads to.
    fn of_path(&mut self, source: &Source<'_, 's>, path: &[&str], json: Option<&'s Json>) -> Id {
        let own = &source.place.pointer;
        let more: usize = path.iter().map(|it| it.len() + 1).sum();
        let mut pointer = String::with_capacity(own.len() + more);
        pointer.push_str(own);
        for part in path {
            pointer.push('/');
            pointer.push_str(&escape(part));
        }
        let place = Place {
            document: source.place.document,
            pointer,
        };
        self.want(place, json)
    }

    fn property(&mut self, source: &Source<'_, 's>, keyword: &str) -> Option<Id> {
        get(source.keywords, keyword).map(|_| self.inner(source, &[keyword]))
    }

    fn each(&mut self, source: &Source<'_, 's>, keyword: &str) -> Vec<Id> {
        let count = source.list(keyword).map_or(0, Vec::len);
        (0..count)
            .map(|at| self.inner(source, &[keyword, &at.to_string()]))
            .collect()
    }

    fn map(&mut self, source: &Source<'_, 's>, keyword: &str) -> Vec<(String, Id)> {
        let lasting = source.lasting.and_then(|it| get(it, keyword)?.as_object());
        if let Some(lasting) = lasting {
            let entries = lasting.iter();
            return entries
                .map(|(name, json)| {
                    (
                        name.to_owned(),
                        self.of_path(source, &[keyword, name], Some(json)),
                    )
                })
                .collect();
        }
        source
            .map(keyword)
            .map(|(name, _)| (name.to_owned(), self.inner(source, &[keyword, name])))
            .collect()
    }

    fn additional(&mut self, source: &Source<'_, 's>, keyword: &str) -> Option<Additional> {
        match get(source.keywords, keyword)? {
            Json::Bool(flag) => Some(Additional::Flag(*flag)),
            _ => Some(Additional::Schema(self.inner(source, &[keyword]))),
        }
    }
}

impl<'m> Source<'m, '_> {
    fn text(&self, keyword: &str) -> Option<&'m str> {
        get(self.keywords, keyword)?.as_str()
    }

    fn list(&self, keyword: &str) -> Option<&'m Vec<Json>> {
        get(self.keywords, keyword)?.as_array()
    }

    fn map(&self, keyword: &str) -> impl Iterator<Item = (&'m str, &'m Json)> + use<'m> {
        let map = get(self.keywords, keyword).and_then(Json::as_object);
        map.into_iter().flat_map(Map::iter)
    }

    fn is_on(&self, keyword: &str) -> bool {
        get(self.keywords, keyword) == Some(&Json::Bool(true))
    }

    fn number(&self, keyword: &str) -> Option<Number> {
        let number = get(self.keywords, keyword)?.as_number()?;
        Some(Number {
            value: number.as_f64()?,
            text: number.to_string(),
        })
    }

    fn count(&self, keyword: &str) -> Count {
        let number = self.number(keyword)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counts that are not whole are left out, and larger ones mean the largest"
        )]
        (number.value.fract() == 0.0).then_some(number.value as i64)
    }

    /// A limit and the strict one: in draft 4 the second is a flag on the first.
    fn limit(&self, keyword: &str, strict: &str) -> (Option<Number>, Option<Number>) {
        let limit = self.number(keyword);
        if self.is_on(strict) {
            return (None, limit);
        }
        (limit, self.number(strict))
    }

    fn pattern(&self, text: &str, keyword: &str) -> Result<Pattern, String> {
        Pattern::new(text).map_err(|why| {
            let place = format!("file:///values.schema.json#{}/{keyword}", self.place.pointer);
            let quoted = |it: &str| crate::go::quote::quoted(it.as_bytes());
            format!("invalid regex {} at {}: {why}", quoted(text), quoted(&place))
        })
    }
}

/// A keyword's value.
fn get<'m>(keywords: &'m Map, keyword: &str) -> Option<&'m Json> {
    keywords.get(keyword)
}

fn texts(items: &[Json]) -> Vec<String> {
    items
        .iter()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}
