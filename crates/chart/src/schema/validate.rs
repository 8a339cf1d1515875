//! A value against a compiled schema.

mod rules;

use std::collections::BTreeSet;

use super::node::{Additional, Compiled, Dependency, Draft, Id, Items, Node};
use super::problem::{Kind, Problem, quote, quoted};
use super::value;
use crate::any::{Any, Map};
use rules::{numeric, own, string, unseen};

/// Schemas within schemas while one value is checked.
const DEPTH_MAX: usize = 2_000;
/// Steps that one value may take: schemas can be written so that they never end.
const STEPS_MAX: u64 = 20_000_000;

/// The value does not fit, or a limit was passed.
pub(super) enum Stop {
    Problem(Box<Problem>),
    Limit(String),
}

type Outcome = Result<Unseen, Stop>;

/// What no schema has looked at yet; `None` where nobody asks.
#[derive(Default)]
pub(super) struct Unseen {
    properties: Option<BTreeSet<Vec<u8>>>,
    items: Option<BTreeSet<usize>>,
}

impl Unseen {
    fn is_empty(&self) -> bool {
        self.properties.as_ref().is_none_or(BTreeSet::is_empty)
            && self.items.as_ref().is_none_or(BTreeSet::is_empty)
    }

    /// What neither has seen.
    fn merge(&mut self, other: &Self) {
        if let Some(own) = &mut self.properties {
            own.retain(|it| other.properties.as_ref().is_some_and(|all| all.contains(it)));
        }
        if let Some(own) = &mut self.items {
            own.retain(|it| other.items.as_ref().is_some_and(|all| all.contains(it)));
        }
    }
}

/// Where a value is within the whole.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p [u8]),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(parent, key) => {
                let key = crate::any::lossy(key);
                format!("{}/{}", parent.pointer(), super::document::escape(&key))
            }
            Self::Item(parent, at) => format!("{}/{at}", parent.pointer()),
        }
    }
}

/// The schemas that led here.
struct Scope<'p> {
    node: Id,
    /// Values within values.
    level: usize,
    /// The keyword of the reference that led here, if one did.
    keyword: &'static str,
    parent: Option<&'p Scope<'p>>,
    depth: usize,
}

pub(super) struct Validator<'s> {
    schema: &'s Compiled,
    steps: u64,
}

/// One value and one schema.
struct Check<'c> {
    value: &'c Any,
    path: Path<'c>,
    scope: &'c Scope<'c>,
    /// Only whether it fits is asked.
    quiet: bool,
    unseen: Unseen,
    problems: Vec<Problem>,
}

impl<'s> Validator<'s> {
    pub(super) fn new(schema: &'s Compiled) -> Self {
        Self { schema, steps: 0 }
    }

    pub(super) fn validate(mut self, value: &Any) -> Result<(), Stop> {
        let scope = Scope {
            node: 0,
            level: 0,
            keyword: "",
            parent: None,
            depth: 0,
        };
        let unseen = unseen(value, &self.schema.nodes[0], false);
        self.run(Check {
            value,
            path: Path::Root,
            scope: &scope,
            quiet: false,
            unseen,
            problems: Vec::new(),
        })
        .map(drop)
    }

    fn run(&mut self, mut check: Check<'_>) -> Outcome {
        self.steps += 1;
        if self.steps > STEPS_MAX || check.scope.depth > DEPTH_MAX {
            return Err(Stop::Limit(format!(
                "values.schema.json: values are not held against more than {STEPS_MAX} schemas, nor against {DEPTH_MAX} within each other"
            )));
        }
        let node = &self.schema.nodes[check.scope.node];
        match node.flag {
            Some(true) => return Ok(check.unseen),
            Some(false) => return check.fail(|| Kind::text("false schema")),
            None => {}
        }
        if let Some(twice) = self.cycle(check.scope) {
            return check.fail(|| twice);
        }
        if let Some(kind) = own(node, check.value) {
            return check.fail(|| kind);
        }
        if let Some(target) = node.reference {
            let outcome = self.reference(&check, target, "$ref");
            if node.draft < Draft::Of2019 {
                return outcome;
            }
            check.add(outcome)?;
        }
        match check.value {
            Any::Map(map) => self.object(&mut check, node, map)?,
            Any::List(list) => self.array(&mut check, node, list.items())?,
            Any::Str(text) => string(&mut check, node, text),
            value => {
                if let Some(number) = value::number(value) {
                    numeric(&mut check, node, number);
                }
            }
        }
        if check.problems.is_empty() || !check.quiet {
            if node.draft >= Draft::Of2019 {
                self.late_references(&mut check, node)?;
            }
            self.combined(&mut check, node)?;
            if node.draft >= Draft::Of2019 {
                self.unevaluated(&mut check, node)?;
            }
        }
        check.end()
    }

    /// Whether the same schema is being held against the same value already.
    fn cycle(&self, scope: &Scope<'_>) -> Option<Kind> {
        let mut outer = scope.parent;
        while let Some(it) = outer.filter(|it| it.level == scope.level) {
            if it.node == scope.node {
                let location = self.schema.location(scope.node);
                return Some(Kind::Text(format!(
                    "both {} and {} resolve to {} causing reference cycle",
                    self.keyword_location(scope),
                    self.keyword_location(it),
                    crate::go::quote::quoted(location.as_bytes())
                )));
            }
            outer = it.parent;
        }
        None
    }

    fn keyword_location(&self, scope: &Scope<'_>) -> String {
        let mut parts = Vec::new();
        let mut scope = scope;
        while let Some(parent) = scope.parent {
            if scope.keyword.is_empty() {
                let (own, outer) = (
                    self.schema.location(scope.node),
                    self.schema.location(parent.node),
                );
                parts.push(own.get(outer.len()..).unwrap_or_default().to_owned());
            } else {
                parts.push(format!("/{}", scope.keyword));
            }
            scope = parent;
        }
        parts.into_iter().rev().collect()
    }

    /// The same value against another schema.
    fn same(&mut self, check: &Check<'_>, node: Id, keyword: &'static str, quiet: bool) -> Outcome {
        let scope = Scope {
            node,
            level: check.scope.level,
            keyword,
            parent: Some(check.scope),
            depth: check.scope.depth + 1,
        };
        self.run(Check {
            value: check.value,
            path: check.path,
            scope: &scope,
            quiet: check.quiet || quiet,
            unseen: unseen(check.value, &self.schema.nodes[node], !check.unseen.is_empty()),
            problems: Vec::new(),
        })
    }

    /// The same value against another schema; what that one saw counts.
    fn also(&mut self, check: &mut Check<'_>, node: Id, quiet: bool) -> Result<Option<Problem>, Stop> {
        match self.same(check, node, "", quiet) {
            Ok(unseen) => {
                check.unseen.merge(&unseen);
                Ok(None)
            }
            Err(Stop::Problem(problem)) => Ok(Some(*problem)),
            Err(stop) => Err(stop),
        }
    }

    fn inner(
        &mut self,
        check: &Check<'_>,
        node: Id,
        value: &Any,
        path: Path<'_>,
    ) -> Result<Option<Problem>, Stop> {
        let scope = Scope {
            node,
            level: check.scope.level + 1,
            keyword: "",
            parent: Some(check.scope),
            depth: check.scope.depth + 1,
        };
        let outcome = self.run(Check {
            value,
            path,
            scope: &scope,
            quiet: check.quiet,
            unseen: unseen(value, &self.schema.nodes[node], false),
            problems: Vec::new(),
        });
        match outcome {
            Ok(_) => Ok(None),
            Err(Stop::Problem(problem)) => Ok(Some(*problem)),
            Err(stop) => Err(stop),
        }
    }

    fn reference(&mut self, check: &Check<'_>, target: Id, keyword: &'static str) -> Outcome {
        match self.same(check, target, keyword, false) {
            Err(Stop::Problem(problem)) => {
                let causes = match problem.kind {
                    Kind::Group => problem.causes,
                    _ => vec![*problem],
                };
                Err(Stop::Problem(Box::new(Problem {
                    at: check.at(),
                    kind: Kind::Reference,
                    causes,
                })))
            }
            outcome => outcome,
        }
    }

    fn late_references(&mut self, check: &mut Check<'_>, node: &Node) -> Result<(), Stop> {
        if let Some(mut target) = node.recursive_reference {
            if self.schema.nodes[target].recursive_anchor {
                let mut scope = Some(check.scope);
                while let Some(it) = scope {
                    let resource = self.schema.nodes[it.node].resource;
                    if self.schema.nodes[resource].recursive_anchor {
                        target = it.node;
                    }
                    scope = it.parent;
                }
            }
            let outcome = self.reference(check, target, "$recursiveRef");
            check.add(outcome)?;
        }
        if let Some((mut target, anchor)) = node.dynamic_reference.clone() {
            if let Some(anchor) =
                anchor.filter(|it| self.schema.nodes[target].dynamic_anchor.as_ref() == Some(it))
            {
                let mut scope = Some(check.scope);
                while let Some(it) = scope {
                    let resource = self.schema.nodes[it.node].resource;
                    if let Some(found) = self.schema.nodes[resource].dynamic_anchors.get(&anchor) {
                        target = *found;
                    }
                    scope = it.parent;
                }
            }
            let outcome = self.reference(check, target, "$dynamicRef");
            check.add(outcome)?;
        }
        Ok(())
    }

    fn object(&mut self, check: &mut Check<'_>, node: &Node, map: &Map) -> Result<(), Stop> {
        let rules = &node.object;
        check.count(
            ("minProperties", rules.least),
            ("maxProperties", rules.most),
            map.len(),
        );
        check.missing(map, &rules.required, |missing| match missing {
            [one] => format!("missing property {}", quote(one)),
            many => format!("missing properties {}", quoted(many)),
        });
        if check.quiet && !check.problems.is_empty() {
            return Ok(());
        }
        for (name, dependency) in &rules.dependencies {
            if map.has(name.as_bytes()) {
                match dependency {
                    Dependency::Names(names) => check.depends(map, name, names),
                    Dependency::Schema(schema) => {
                        let problem = self.also(check, *schema, false)?;
                        check.problems.extend(problem);
                    }
                }
            }
        }
        self.properties(check, node, map)?;
        if node.draft == Draft::Four {
            return Ok(());
        }
        if let Some(names) = rules.names {
            for key in map.keys() {
                let value = Any::Str(key.clone());
                if let Some(mut problem) = self.alone(check, names, &value)? {
                    problem.kind = Kind::Text(format!("invalid propertyName {}", quote(&key.text())));
                    check.problems.push(problem);
                }
            }
        }
        for (name, schema) in &rules.dependent_schemas {
            if map.has(name.as_bytes()) {
                let problem = self.also(check, *schema, false)?;
                check.problems.extend(problem);
            }
        }
        for (name, names) in &rules.dependent_required {
            if map.has(name.as_bytes()) {
                check.depends(map, name, names);
            }
        }
        Ok(())
    }

    /// A value of its own, which is not a part of the whole.
    fn alone(&mut self, check: &Check<'_>, node: Id, value: &Any) -> Result<Option<Problem>, Stop> {
        let found = self.inner(check, node, value, Path::Root)?;
        Ok(found.map(|problem| Problem {
            at: String::new(),
            kind: Kind::Group,
            causes: match problem.kind {
                Kind::Group => problem.causes,
                _ => vec![problem],
            },
        }))
    }

    fn properties(&mut self, check: &mut Check<'_>, node: &Node, map: &Map) -> Result<(), Stop> {
        let rules = &node.object;
        if rules.properties.is_empty() && rules.patterns.is_empty() && rules.additional.is_none() {
            return Ok(());
        }
        let mut refused = Vec::new();
        for (key, value) in map.entries() {
            if check.quiet && !check.problems.is_empty() {
                return Ok(());
            }
            let path = check.path;
            let place = Path::Key(&path, &key);
            let mut seen = false;
            let name = key.text();
            if let Some(schema) = rules.properties.get(&*name) {
                seen = true;
                let problem = self.inner(check, *schema, &value, place)?;
                check.problems.extend(problem);
            }
            for (pattern, schema) in &rules.patterns {
                if pattern.matches(&key) {
                    seen = true;
                    let problem = self.inner(check, *schema, &value, place)?;
                    check.problems.extend(problem);
                }
            }
            match rules.additional {
                Some(Additional::Flag(flag)) if !seen => {
                    seen = true;
                    if !flag {
                        refused.push(name.into_owned());
                    }
                }
                Some(Additional::Schema(schema)) if !seen => {
                    seen = true;
                    let problem = self.inner(check, schema, &value, place)?;
                    check.problems.extend(problem);
                }
                _ => {}
            }
            if seen && let Some(unseen) = &mut check.unseen.properties {
                unseen.remove(&*key);
            }
        }
        if !refused.is_empty() {
            let names: Vec<&str> = refused.iter().map(String::as_str).collect();
            check.problem(|| format!("additional properties {} not allowed", quoted(&names)));
        }
        Ok(())
    }

    fn array(&mut self, check: &mut Check<'_>, node: &Node, items: &[Any]) -> Result<(), Stop> {
        let rules = &node.array;
        check.count(("minItems", rules.least), ("maxItems", rules.most), items.len());
        if rules.unique
            && let Some((first, second)) = value::duplicates(items)
        {
            check.problem(|| {
                let (first, second) = (value::grouped(first), value::grouped(second));
                format!("items at {first} and {second} are equal")
            });
        }
        if node.draft < Draft::Of2020 {
            self.old_items(check, node, items)?;
        } else {
            let held = rules.prefix.len().min(items.len());
            for (at, item) in items.iter().enumerate() {
                if let Some(schema) = rules.prefix.get(at).copied() {
                    self.item(check, schema, item, at)?;
                } else if let Some(schema) = rules.rest {
                    // The validator counts from the end of the prefix.
                    self.item(check, schema, item, at - held)?;
                }
            }
        }
        self.contains(check, node, items)
    }

    fn item(&mut self, check: &mut Check<'_>, schema: Id, item: &Any, at: usize) -> Result<(), Stop> {
        let path = check.path;
        let problem = self.inner(check, schema, item, Path::Item(&path, at))?;
        check.problems.extend(problem);
        Ok(())
    }

    fn old_items(&mut self, check: &mut Check<'_>, node: &Node, items: &[Any]) -> Result<(), Stop> {
        let held = match &node.array.items {
            Some(Items::All(schema)) => {
                for (at, item) in items.iter().enumerate() {
                    self.item(check, *schema, item, at)?;
                }
                items.len()
            }
            Some(Items::Each(each)) => {
                for (at, (item, schema)) in items.iter().zip(each).enumerate() {
                    self.item(check, *schema, item, at)?;
                }
                each.len().min(items.len())
            }
            None => 0,
        };
        match node.array.additional {
            Some(Additional::Flag(false)) if held != items.len() => {
                let more = value::grouped(items.len() - held);
                check.problem(|| format!("last {more} additionalItem(s) not allowed"));
            }
            Some(Additional::Schema(schema)) => {
                for (at, item) in items[held..].iter().enumerate() {
                    self.item(check, schema, item, at)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn contains(&mut self, check: &mut Check<'_>, node: &Node, items: &[Any]) -> Result<(), Stop> {
        let rules = &node.array;
        let Some(schema) = rules.contains else {
            return Ok(());
        };
        let (mut causes, mut found) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            let path = check.path;
            if let Some(problem) = self.inner(check, schema, item, Path::Item(&path, at))? {
                causes.push(problem);
                continue;
            }
            found.push(at);
            if node.draft >= Draft::Of2020
                && let Some(unseen) = &mut check.unseen.items
            {
                unseen.remove(&at);
            }
        }
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let places: Vec<String> = found.iter().map(usize::to_string).collect();
        let places = places.join(" ");
        match rules.contains_least {
            Some(least) if count < least => {
                let least = value::grouped(least);
                check.problem_with(causes, || {
                    if count == 0 {
                        format!("min {least} items required to match contains schema, but none matched")
                    } else {
                        let count = value::grouped(count);
                        format!(
                            "min {least} items required to match contains schema, but matched {count} items at {places}"
                        )
                    }
                });
            }
            None if count == 0 => {
                check.problem_with(causes, || "no items match contains schema".to_owned());
            }
            _ => {}
        }
        if let Some(most) = rules.contains_most.filter(|it| count > *it) {
            let (most, count) = (value::grouped(most), value::grouped(count));
            check.problem(|| {
                format!("max {most} items required to match contains schema, but matched {count} items at {places}")
            });
        }
        Ok(())
    }

    fn combined(&mut self, check: &mut Check<'_>, node: &Node) -> Result<(), Stop> {
        if let Some(not) = node.not
            && self.also(check, not, true)?.is_none()
        {
            check.problem(|| "'not' failed".to_owned());
        }
        let mut causes = Vec::new();
        for schema in &node.all_of {
            causes.extend(self.also(check, *schema, false)?);
            if check.quiet && !causes.is_empty() {
                break;
            }
        }
        if !causes.is_empty() {
            check.problem_with(causes, || "'allOf' failed".to_owned());
        }
        self.any_of(check, node)?;
        self.one_of(check, node)?;
        if let Some(condition) = node.condition {
            let branch = if self.also(check, condition, true)?.is_none() {
                node.then
            } else {
                node.otherwise
            };
            if let Some(branch) = branch {
                let problem = self.also(check, branch, false)?;
                check.problems.extend(problem);
            }
        }
        Ok(())
    }

    fn any_of(&mut self, check: &mut Check<'_>, node: &Node) -> Result<(), Stop> {
        let mut causes = Vec::new();
        let mut fits = node.any_of.is_empty();
        for schema in &node.any_of {
            if let Some(problem) = self.also(check, *schema, false)? {
                causes.push(problem);
                continue;
            }
            fits = true;
            if check.unseen.is_empty() {
                break;
            }
        }
        if !fits {
            check.problem_with(causes, || "'anyOf' failed".to_owned());
        }
        Ok(())
    }

    fn one_of(&mut self, check: &mut Check<'_>, node: &Node) -> Result<(), Stop> {
        let mut causes = Vec::new();
        let mut first = None;
        for (at, schema) in node.one_of.iter().enumerate() {
            match (self.also(check, *schema, first.is_some())?, first) {
                (Some(problem), None) => causes.push(problem),
                (Some(_), Some(_)) => {}
                (None, None) => first = Some(at),
                (None, Some(first)) => {
                    check.problem(|| format!("'oneOf' failed, subschemas {first}, {at} matched"));
                    break;
                }
            }
        }
        if first.is_none() && !node.one_of.is_empty() {
            check.problem_with(causes, || "'oneOf' failed, none matched".to_owned());
        }
        Ok(())
    }

    fn unevaluated(&mut self, check: &mut Check<'_>, node: &Node) -> Result<(), Stop> {
        if let (Some(schema), Any::Map(map)) = (node.object.unevaluated, check.value) {
            for key in check.unseen.properties.take().into_iter().flatten() {
                if let Some(value) = map.get(&key) {
                    let path = check.path;
                    let problem = self.inner(check, schema, &value, Path::Key(&path, &key))?;
                    check.problems.extend(problem);
                }
            }
        }
        if let (Some(schema), Any::List(list)) = (node.array.unevaluated, check.value) {
            for at in check.unseen.items.take().into_iter().flatten() {
                if let Some(item) = list.items().get(at) {
                    self.item(check, schema, item, at)?;
                }
            }
        }
        Ok(())
    }
}

impl Check<'_> {
    fn at(&self) -> String {
        if self.quiet {
            String::new()
        } else {
            self.path.pointer()
        }
    }

    fn made(&self, kind: impl FnOnce() -> Kind) -> Problem {
        if self.quiet {
            return Problem {
                at: String::new(),
                kind: Kind::Group,
                causes: Vec::new(),
            };
        }
        Problem {
            at: self.path.pointer(),
            kind: kind(),
            causes: Vec::new(),
        }
    }

    fn fail(&self, kind: impl FnOnce() -> Kind) -> Outcome {
        Err(Stop::Problem(Box::new(self.made(kind))))
    }

    fn problem(&mut self, what: impl FnOnce() -> String) {
        let problem = self.made(|| Kind::Text(what()));
        self.problems.push(problem);
    }

    fn problem_with(&mut self, causes: Vec<Problem>, what: impl FnOnce() -> String) {
        let problem = self.made(|| Kind::Text(what()));
        self.problems.push(Problem { causes, ..problem });
    }

    fn add(&mut self, outcome: Outcome) -> Result<(), Stop> {
        match outcome {
            Ok(unseen) => self.unseen.merge(&unseen),
            Err(Stop::Problem(problem)) => self.problems.push(*problem),
            Err(stop) => return Err(stop),
        }
        Ok(())
    }

    fn end(mut self) -> Outcome {
        match self.problems.len() {
            0 => Ok(self.unseen),
            1 => Err(Stop::Problem(Box::new(self.problems.remove(0)))),
            _ => Err(Stop::Problem(Box::new(Problem {
                at: self.at(),
                kind: Kind::Group,
                causes: self.problems,
            }))),
        }
    }

    fn count(&mut self, least: (&str, Option<i64>), most: (&str, Option<i64>), got: usize) {
        let got = i64::try_from(got).unwrap_or(i64::MAX);
        let text = |keyword: &str, limit: i64| {
            format!(
                "{keyword}: got {}, want {}",
                value::grouped(got),
                value::grouped(limit)
            )
        };
        if let Some(limit) = least.1.filter(|it| got < *it) {
            self.problem(|| text(least.0, limit));
        }
        if let Some(limit) = most.1.filter(|it| got > *it) {
            self.problem(|| text(most.0, limit));
        }
    }

    fn missing(&mut self, map: &Map, wanted: &[String], what: impl FnOnce(&[&str]) -> String) {
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|it| !map.has(it.as_bytes()))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            self.problem(|| what(&missing));
        }
    }

    fn depends(&mut self, map: &Map, name: &str, names: &[String]) {
        self.missing(map, names, |missing| {
            format!(
                "properties {} required, if {} exists",
                quoted(missing),
                quote(name)
            )
        });
    }
}
