//! Runs tests: a walk over the syntax. What is called outside of the test file is asked of the suite.

mod builtin;
mod evaluate;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::suite::Suite;
use super::syntax::{Block, Case, Expr, File, Function, Stmt, Subject, Type};
use super::value::{Struct, Val};

/// Why a test does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// `t.Fatal`, `t.Skip`, a panic: this test or subtest ends.
    End,
    /// Something that this does not know.
    Unknown(String),
}

pub(super) type Run<T> = Result<T, Halt>;

/// Steps of one test.
const STEPS_MAX: u64 = 3_000_000;

/// Names and what they hold, in scopes.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: RefCell<BTreeMap<String, Rc<RefCell<Val>>>>,
    outer: Option<Rc<Scope>>,
}

impl Scope {
    pub(super) fn within(outer: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self {
            names: RefCell::default(),
            outer: Some(outer.clone()),
        })
    }

    pub(super) fn define(&self, name: &str, value: Val) {
        if name != "_" {
            self.names
                .borrow_mut()
                .insert(name.to_owned(), Rc::new(RefCell::new(value)));
        }
    }

    fn here(&self, name: &str) -> bool {
        self.names.borrow().contains_key(name)
    }

    pub(super) fn find(&self, name: &str) -> Option<Rc<RefCell<Val>>> {
        if let Some(found) = self.names.borrow().get(name) {
            return Some(found.clone());
        }
        self.outer.as_ref()?.find(name)
    }
}

enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Val>),
}

/// One call of code under test, and whether the test was content with it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) test: String,
    pub(super) line: usize,
    pub(super) problem: Option<String>,
}

pub(super) struct Runner<'s> {
    pub(super) suite: &'s Suite,
    /// The folder of the package, for what tests read.
    pub(super) folder: PathBuf,
    pub(super) global: Rc<Scope>,
    types: RefCell<BTreeMap<String, Type>>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) test: String,
    /// Outcomes before this test.
    first: usize,
    line: usize,
    steps: u64,
}

impl<'s> Runner<'s> {
    /// Functions, types and variables of all files of a package.
    pub(super) fn new(suite: &'s Suite, folder: PathBuf, files: &[File]) -> Self {
        let mut runner = Self {
            suite,
            folder,
            global: Rc::default(),
            types: RefCell::default(),
            outcomes: Vec::new(),
            test: String::new(),
            first: 0,
            line: 0,
            steps: 0,
        };
        for file in files {
            for (name, function) in &file.functions {
                let value = Val::Function(function.clone(), runner.global.clone());
                runner.global.define(name, value);
            }
            runner.types.borrow_mut().extend(file.types.iter().cloned());
        }
        for (stmt, line) in files.iter().flat_map(|it| &it.variables) {
            runner.line = *line;
            let global = runner.global.clone();
            // What cannot be evaluated is missing, and the test that wants it says so.
            let _ = runner.statement(stmt, &global);
        }
        runner
    }

    /// Runs one test function.
    pub(super) fn run(&mut self, name: &str) {
        name.clone_into(&mut self.test);
        self.first = self.outcomes.len();
        self.steps = 0;
        let Some(function) = self.global.find(name).map(|it| it.borrow().clone()) else {
            return;
        };
        let t = Val::object("testing.T", []);
        if let Err(Halt::Unknown(what)) = self.call(&function, vec![t]) {
            self.outcome(Some(what));
        }
    }

    /// Notes a call of code under test.
    pub(super) fn called(&mut self) {
        self.outcome(None);
    }

    /// How many calls there were.
    pub(super) fn count(&self) -> usize {
        self.outcomes.len()
    }

    fn outcome(&mut self, problem: Option<String>) {
        self.outcomes.push(Outcome {
            test: self.test.clone(),
            line: self.line,
            problem,
        });
    }

    /// The test complains, about the last call if there was one.
    pub(super) fn complain(&mut self, message: String) {
        if self.outcomes.len() > self.first {
            if let Some(last) = self.outcomes.last_mut() {
                last.problem.get_or_insert(message);
            }
        } else {
            self.outcome(Some(message));
        }
    }

    pub(super) fn call(&mut self, function: &Val, arguments: Vec<Val>) -> Run<Val> {
        match function {
            Val::Function(function, scope) => self.call_function(function, scope, arguments),
            Val::Foreign(name) => self.foreign(name, arguments),
            Val::Method(of, name) => self.method(of, name, arguments),
            other => Err(Halt::Unknown(format!("{} is called", other.show()))),
        }
    }

    fn call_function(
        &mut self,
        function: &Rc<Function>,
        scope: &Rc<Scope>,
        mut arguments: Vec<Val>,
    ) -> Run<Val> {
        let inner = Scope::within(scope);
        let count = function.parameters.len();
        for (at, (name, _)) in function.parameters.iter().enumerate() {
            let value = if function.variadic && at + 1 == count {
                Val::list(arguments.drain(at.min(arguments.len())..).collect())
            } else {
                arguments.get(at).cloned().unwrap_or(Val::Nil)
            };
            inner.define(name, value);
        }
        for (name, kind) in &function.results {
            inner.define(name, self.zero(kind));
        }
        match self.block(&function.body, &inner)? {
            Flow::Return(Some(value)) => Ok(value),
            _ => {
                let results: Vec<Val> = function
                    .results
                    .iter()
                    .filter_map(|it| inner.find(&it.0))
                    .map(|it| it.borrow().clone())
                    .collect();
                Ok(match <[Val; 1]>::try_from(results) {
                    Ok([one]) => one,
                    Err(many) if many.is_empty() => Val::Nil,
                    Err(many) => Val::Many(many),
                })
            }
        }
    }

    fn block(&mut self, block: &Block, scope: &Rc<Scope>) -> Run<Flow> {
        for (stmt, line) in block {
            self.line = *line;
            match self.statement(stmt, scope)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, stmt: &Stmt, scope: &Rc<Scope>) -> Run<Flow> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Halt::Unknown("the test does not end".to_owned()));
        }
        match stmt {
            Stmt::Var(names, kind, values) => self.variable(names, kind.as_ref(), values, scope)?,
            Stmt::Assign(targets, sign, values) => self.assignment(targets, sign, values, scope)?,
            Stmt::Expr(expr) => {
                self.evaluate(expr, scope)?;
            }
            Stmt::If(before, condition, then, otherwise) => {
                let scope = Scope::within(scope);
                if let Some(before) = before {
                    self.statement(before, &scope)?;
                }
                let chosen = if self.truth(condition, &scope)? {
                    then
                } else {
                    otherwise
                };
                return self.block(chosen, &Scope::within(&scope));
            }
            Stmt::For(first, condition, step, body) => {
                return self.for_loop(first.as_deref(), condition.as_ref(), step.as_deref(), body, scope);
            }
            Stmt::Range(targets, new, over, body) => return self.range(targets, *new, over, body, scope),
            Stmt::Switch(before, subject, cases) => {
                let scope = Scope::within(scope);
                if let Some(before) = before {
                    self.statement(before, &scope)?;
                }
                return self.switch(subject, cases, &scope);
            }
            Stmt::Return(values) => {
                let value = match values.as_slice() {
                    [] => None,
                    [one] => Some(self.evaluate(one, scope)?),
                    many => Some(Val::Many(self.all(many, scope)?)),
                };
                return Ok(Flow::Return(value));
            }
            Stmt::Block(block) => return self.block(block, &Scope::within(scope)),
            Stmt::Type(name, kind) => {
                self.types.borrow_mut().insert(name.clone(), kind.clone());
            }
            Stmt::Defer => {}
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn variable(
        &mut self,
        names: &[String],
        kind: Option<&Type>,
        values: &[Expr],
        scope: &Rc<Scope>,
    ) -> Run<()> {
        if values.is_empty() {
            for name in names {
                let zero = kind.map_or(Val::Nil, |it| self.zero(it));
                scope.define(name, zero);
            }
            return Ok(());
        }
        let values = self.results(values, names.len(), scope)?;
        for (name, value) in names.iter().zip(values) {
            scope.define(name, value);
        }
        Ok(())
    }

    /// As many values as there are targets: one each, or one call that gives several.
    fn results(&mut self, values: &[Expr], count: usize, scope: &Rc<Scope>) -> Run<Vec<Val>> {
        if let ([one], true) = (values, count > 1) {
            return match self.evaluate_many(one, scope)? {
                Val::Many(values) if values.len() >= count => Ok(values),
                other => Err(Halt::Unknown(format!(
                    "{count} values are wanted of {}",
                    other.show()
                ))),
            };
        }
        self.all(values, scope)
    }

    fn assignment(&mut self, targets: &[Expr], sign: &str, values: &[Expr], scope: &Rc<Scope>) -> Run<()> {
        if let ([target], [value], Some(operator)) = (
            targets,
            values,
            sign.strip_suffix('=').filter(|it| *it != ":" && !it.is_empty()),
        ) {
            let old = self.evaluate(target, scope)?;
            let new = self.evaluate(value, scope)?;
            let value = builtin::binary(operator, &old, &new)?;
            return self.assign(target, value, scope);
        }
        let values = self.results(values, targets.len(), scope)?;
        for (target, value) in targets.iter().zip(values) {
            match target {
                Expr::Name(name) if sign == ":=" && !scope.here(name) => scope.define(name, value),
                _ => self.assign(target, value, scope)?,
            }
        }
        Ok(())
    }

    fn assign(&mut self, target: &Expr, value: Val, scope: &Rc<Scope>) -> Run<()> {
        match target {
            Expr::Name(name) if name == "_" => {}
            Expr::Name(name) => match scope.find(name) {
                Some(held) => *held.borrow_mut() = value,
                None => return Err(Halt::Unknown(format!("{name} is not defined"))),
            },
            Expr::Index(of, at) => {
                let (of, at) = (self.evaluate(of, scope)?, self.evaluate(at, scope)?);
                match &of {
                    Val::Map(_) => of.set(at, value),
                    Val::List(items) => {
                        let at = usize::try_from(at.as_int()).unwrap_or(usize::MAX);
                        match items.borrow_mut().get_mut(at) {
                            Some(item) => *item = value,
                            None => return Err(Halt::End),
                        }
                    }
                    other => return Err(Halt::Unknown(format!("{} has no elements", other.show()))),
                }
            }
            Expr::Select(of, name) => self.evaluate(of, scope)?.set_field(name, value),
            Expr::Unary("*", of) => self.assign(of, value, scope)?,
            _ => return Err(Halt::Unknown("an assignment is not understood".to_owned())),
        }
        Ok(())
    }

    fn for_loop(
        &mut self,
        first: Option<&Stmt>,
        condition: Option<&Expr>,
        step: Option<&Stmt>,
        body: &Block,
        scope: &Rc<Scope>,
    ) -> Run<Flow> {
        let scope = Scope::within(scope);
        if let Some(first) = first {
            self.statement(first, &scope)?;
        }
        loop {
            if let Some(condition) = condition
                && !self.truth(condition, &scope)?
            {
                return Ok(Flow::Next);
            }
            match self.block(body, &Scope::within(&scope))? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                flow @ Flow::Return(_) => return Ok(flow),
            }
            if let Some(step) = step {
                self.statement(step, &scope)?;
            }
        }
    }

    fn range(
        &mut self,
        targets: &[Expr],
        new: bool,
        over: &Expr,
        body: &Block,
        scope: &Rc<Scope>,
    ) -> Run<Flow> {
        let pairs: Vec<(Val, Val)> = match self.evaluate(over, scope)? {
            Val::List(items) => (0..).map(Val::Int).zip(items.borrow().iter().cloned()).collect(),
            Val::Map(entries) => entries.borrow().clone(),
            Val::Int(count) => (0..count).map(|at| (Val::Int(at), Val::Nil)).collect(),
            Val::Text(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                let rune =
                    |(at, rune): (usize, char)| (builtin::size(at), Val::Int(i64::from(u32::from(rune))));
                text.char_indices().map(rune).collect()
            }
            Val::Nil => Vec::new(),
            other => return Err(Halt::Unknown(format!("a range over {}", other.show()))),
        };
        for (key, value) in pairs {
            let inner = Scope::within(scope);
            for (target, value) in targets.iter().zip([key, value]) {
                match target {
                    Expr::Name(name) if new => inner.define(name, value),
                    _ => self.assign(target, value, scope)?,
                }
            }
            match self.block(body, &inner)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                flow @ Flow::Return(_) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn switch(&mut self, subject: &Subject, cases: &[Case], scope: &Rc<Scope>) -> Run<Flow> {
        let value = match subject {
            Subject::None => Val::Bool(true),
            Subject::Value(it) | Subject::Type(_, it) => self.evaluate(it, scope)?,
        };
        let inner = Scope::within(scope);
        if let Subject::Type(Some(name), _) = subject {
            inner.define(name, value.clone());
        }
        let mut chosen = None;
        for case in cases {
            for wanted in &case.values {
                let fits = match subject {
                    Subject::Type(..) => self.has_type(&value, &type_of(wanted)),
                    _ => self.evaluate(wanted, scope)? == value,
                };
                if fits && chosen.is_none() {
                    chosen = Some(case);
                }
            }
        }
        let Some(case) = chosen.or_else(|| cases.iter().find(|it| it.default)) else {
            return Ok(Flow::Next);
        };
        match self.block(&case.body, &inner)? {
            Flow::Break => Ok(Flow::Next),
            flow => Ok(flow),
        }
    }

    fn truth(&mut self, condition: &Expr, scope: &Rc<Scope>) -> Run<bool> {
        match self.evaluate(condition, scope)? {
            Val::Bool(it) => Ok(it),
            other => Err(Halt::Unknown(format!("{} is no condition", other.show()))),
        }
    }

    /// What a variable of a type holds before it is set.
    pub(super) fn zero(&self, kind: &Type) -> Val {
        match kind {
            Type::Name(name) => match name.as_str() {
                "string" => Val::text(""),
                "bool" => Val::Bool(false),
                "float64" | "float32" => Val::Float(0.0),
                "error" | "any" => Val::Nil,
                name if is_whole(name) => Val::Int(0),
                name => {
                    let found = self.types.borrow().get(name).cloned();
                    match found {
                        Some(Type::Struct(fields)) => self.empty(name, &fields),
                        Some(other) => self.zero(&other),
                        None => Val::object(name, []),
                    }
                }
            },
            Type::Struct(fields) => self.empty("", fields),
            Type::Pointer(_) | Type::List(_) | Type::Map(..) | Type::Other => Val::Nil,
        }
    }

    fn empty(&self, name: &str, fields: &[(String, Type)]) -> Val {
        let fields = fields.iter().map(|it| (it.0.clone(), self.zero(&it.1))).collect();
        Val::Struct(Rc::new(Struct {
            kind: name.to_owned(),
            fields: RefCell::new(fields),
        }))
    }

    /// The type behind a name.
    fn resolve(&self, kind: &Type) -> Type {
        match kind {
            Type::Name(name) => {
                let found = self.types.borrow().get(name).cloned();
                found.map_or_else(
                    || kind.clone(),
                    |it| {
                        if it == *kind {
                            it
                        } else {
                            self.resolve_in(name, it)
                        }
                    },
                )
            }
            Type::Pointer(to) => self.resolve(to),
            other => other.clone(),
        }
    }

    fn resolve_in(&self, name: &str, kind: Type) -> Type {
        match kind {
            Type::Struct(_) => Type::Name(name.to_owned()),
            other => self.resolve(&other),
        }
    }

    fn fields_of(&self, kind: &Type) -> Option<Vec<(String, Type)>> {
        match kind {
            Type::Struct(fields) => Some(fields.clone()),
            Type::Name(name) => match self.types.borrow().get(name) {
                Some(Type::Struct(fields)) => Some(fields.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn has_type(&self, value: &Val, kind: &Type) -> bool {
        match (value, self.resolve(kind)) {
            (Val::Nil, Type::Name(name)) => name == "nil",
            (Val::Bool(_), Type::Name(name)) => name == "bool",
            (Val::Int(_), Type::Name(name)) => is_whole(&name),
            (Val::Float(_), Type::Name(name)) => name == "float64",
            (Val::Text(_), Type::Name(name)) => name == "string",
            (Val::Map(_), Type::Name(name)) => name.ends_with("Values"),
            (Val::Struct(it), Type::Name(name)) => it.kind == name,
            (Val::Map(_), Type::Map(..)) | (Val::List(_), Type::List(_)) => true,
            (Val::Error(_), Type::Name(name)) => name == "error" || name.contains("Err"),
            (value, Type::Other) => !value.is_nil(),
            _ => false,
        }
    }
}

fn is_whole(name: &str) -> bool {
    let number = name.strip_prefix('u').unwrap_or(name);
    matches!(number, "int" | "int8" | "int16" | "int32" | "int64")
        || matches!(name, "rune" | "byte" | "time.Duration")
}

/// A type that was parsed as an expression.
fn type_of(expr: &Expr) -> Type {
    match expr {
        Expr::Name(name) => Type::Name(name.clone()),
        Expr::Type(kind) => kind.clone(),
        Expr::Select(of, name) => match &**of {
            Expr::Name(package) => Type::Name(format!("{package}.{name}")),
            _ => Type::Other,
        },
        Expr::Unary("*", of) => type_of(of),
        _ => Type::Other,
    }
}
