//! Expressions of the tests, evaluated.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Halt, Run, Runner, Scope, builtin, is_whole, type_of};
use crate::tables::syntax::{Expr, Type};
use crate::tables::value::{Struct, Val};

impl Runner<'_> {
    pub(super) fn all(&mut self, exprs: &[Expr], scope: &Rc<Scope>) -> Run<Vec<Val>> {
        exprs.iter().map(|it| self.evaluate(it, scope)).collect()
    }

    pub(in crate::tables) fn evaluate(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Run<Val> {
        match expr {
            Expr::Int(it) => Ok(Val::Int(*it)),
            Expr::Float(it) => Ok(Val::Float(*it)),
            Expr::Text(it) => Ok(Val::Text(it.clone())),
            Expr::Name(name) => Ok(self.name(name, scope)),
            Expr::Select(of, name) => self.select(of, name, scope),
            Expr::Index(of, at) => {
                let (of, at) = (self.evaluate(of, scope)?, self.evaluate(at, scope)?);
                self.element(&of, &at)
            }
            Expr::Part(of, from, to) => self.part(of, from.as_deref(), to.as_deref(), scope),
            Expr::Call(function, arguments, spread) => {
                self.called_expression(function, arguments, *spread, scope)
            }
            Expr::Unary(sign, of) => self.unary(sign, of, scope),
            Expr::Binary(sign, left, right) => self.binary(sign, left, right, scope),
            Expr::Composite(kind, items) => match kind {
                Some(kind) => self.composite(kind, items, scope),
                None => Err(Halt::Unknown("a literal without a type".to_owned())),
            },
            Expr::Function(function) => Ok(Val::Function(function.clone(), scope.clone())),
            Expr::Assert(of, kind) => {
                let value = self.evaluate(of, scope)?;
                if self.has_type(&value, kind) {
                    return Ok(value);
                }
                self.complain(format!("a type assertion fails on {}", value.show()));
                Err(Halt::End)
            }
            Expr::Type(_) => Ok(Val::Nil),
        }
    }

    /// As [`Self::evaluate`], with the second result that Go gives where it is asked for.
    pub(super) fn evaluate_many(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Run<Val> {
        match expr {
            Expr::Assert(of, kind) => {
                let value = self.evaluate(of, scope)?;
                let fits = self.has_type(&value, kind);
                let value = if fits { value } else { self.zero(kind) };
                Ok(Val::Many(vec![value, Val::Bool(fits)]))
            }
            Expr::Index(of, at) => {
                let (of, at) = (self.evaluate(of, scope)?, self.evaluate(at, scope)?);
                let found = of.get(&at);
                let is_there = Val::Bool(found.is_some());
                Ok(Val::Many(vec![found.unwrap_or(Val::Nil), is_there]))
            }
            _ => self.evaluate(expr, scope),
        }
    }

    fn name(&self, name: &str, scope: &Rc<Scope>) -> Val {
        match name {
            "nil" => return Val::Nil,
            "true" => return Val::Bool(true),
            "false" => return Val::Bool(false),
            _ => {}
        }
        // The code under test goes before the tests' own helpers of the same name.
        if self.suite.knows(name) {
            return Val::Foreign(name.to_owned());
        }
        match scope.find(name) {
            Some(held) => held.borrow().clone(),
            None => builtin::constant(name).unwrap_or(Val::Foreign(name.to_owned())),
        }
    }

    fn select(&mut self, of: &Expr, name: &str, scope: &Rc<Scope>) -> Run<Val> {
        if let Expr::Name(package) = of
            && scope.find(package).is_none()
        {
            let path = format!("{package}.{name}");
            return Ok(builtin::constant(&path).unwrap_or(Val::Foreign(path)));
        }
        let of = self.evaluate(of, scope)?;
        if let Val::Struct(it) = &of {
            if let Some(value) = it.fields.borrow().get(name) {
                return Ok(value.clone());
            }
            let method = format!("{}.{name}", it.kind.trim_start_matches('*'));
            if let Some(function) = self.global.find(&method) {
                return match &*function.borrow() {
                    Val::Function(..) => Ok(Val::Method(Box::new(of.clone()), method)),
                    other => Ok(other.clone()),
                };
            }
            if !is_library(&it.kind)
                && !self.suite.has_method(&it.kind, name)
                && name.starts_with(char::is_uppercase)
                && !is_method(name)
            {
                // A field that was not given.
                return Ok(Val::Nil);
            }
        }
        Ok(Val::Method(Box::new(of), name.to_owned()))
    }

    pub(super) fn element(&mut self, of: &Val, at: &Val) -> Run<Val> {
        match of {
            Val::Map(_) => Ok(of.get(at).unwrap_or(Val::Nil)),
            Val::Nil => Ok(Val::Nil),
            Val::List(items) => {
                let index = usize::try_from(at.as_int()).unwrap_or(usize::MAX);
                let found = items.borrow().get(index).cloned();
                match found {
                    Some(item) => Ok(item),
                    None => {
                        self.complain(format!("index out of range: {}", at.show()));
                        Err(Halt::End)
                    }
                }
            }
            Val::Text(text) => {
                let index = usize::try_from(at.as_int()).unwrap_or(usize::MAX);
                Ok(text.get(index).map_or(Val::Nil, |it| Val::Int(i64::from(*it))))
            }
            other => Err(Halt::Unknown(format!("an element of {}", other.show()))),
        }
    }

    fn part(&mut self, of: &Expr, from: Option<&Expr>, to: Option<&Expr>, scope: &Rc<Scope>) -> Run<Val> {
        let of = self.evaluate(of, scope)?;
        let length = match &of {
            Val::Text(it) => it.len(),
            Val::List(it) => it.borrow().len(),
            _ => 0,
        };
        let mut bound = |it: Option<&Expr>, default: usize| -> Run<usize> {
            let Some(it) = it else { return Ok(default) };
            let at = self.evaluate(it, scope)?.as_int();
            Ok(usize::try_from(at).unwrap_or(0).min(length))
        };
        let (from, to) = (bound(from, 0)?, bound(to, length)?);
        let to = to.max(from);
        Ok(match &of {
            Val::Text(it) => Val::Text(it[from..to].into()),
            Val::List(it) => Val::list(it.borrow()[from..to].to_vec()),
            _ => Val::Nil,
        })
    }

    fn called_expression(
        &mut self,
        function: &Expr,
        arguments: &[Expr],
        spread: bool,
        scope: &Rc<Scope>,
    ) -> Run<Val> {
        if let Expr::Name(name) = function
            && scope.find(name).is_none()
        {
            match (name.as_str(), arguments) {
                // `new(int64(3))`
                ("new", [value @ Expr::Call(..)]) => return self.evaluate(value, scope),
                ("make" | "new", [kind, ..]) => return Ok(self.made(name, &type_of(kind))),
                (name, [value]) if is_conversion(name) => {
                    let value = self.evaluate(value, scope)?;
                    return Ok(builtin::convert(name, value));
                }
                _ => {}
            }
        }
        if let (Expr::Type(kind), [value]) = (function, arguments) {
            let value = self.evaluate(value, scope)?;
            return Ok(match (kind, &value) {
                (Type::List(of), Val::Text(text)) if **of == Type::Name("rune".to_owned()) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    Val::list(
                        text.chars()
                            .map(|it| Val::Int(i64::from(u32::from(it))))
                            .collect(),
                    )
                }
                _ => value,
            });
        }
        let function = self.evaluate(function, scope)?;
        let mut values = match arguments {
            // f(g()) where g gives several.
            [one @ Expr::Call(..)] => match self.evaluate(one, scope)? {
                Val::Many(values) => values,
                value => vec![value],
            },
            _ => self.all(arguments, scope)?,
        };
        if spread && let Some(last) = values.pop() {
            values.extend(last.items());
        }
        self.call(&function, values)
    }

    fn made(&self, how: &str, kind: &Type) -> Val {
        if how == "new" {
            return self.zero(kind);
        }
        match self.resolve(kind) {
            Type::List(_) => Val::list(Vec::new()),
            _ => Val::map(Vec::new()),
        }
    }

    fn unary(&mut self, sign: &str, of: &Expr, scope: &Rc<Scope>) -> Run<Val> {
        let value = self.evaluate(of, scope)?;
        match (sign, value) {
            ("!", Val::Bool(it)) => Ok(Val::Bool(!it)),
            ("-", Val::Int(it)) => Ok(Val::Int(it.wrapping_neg())),
            ("-", Val::Float(it)) => Ok(Val::Float(-it)),
            ("&" | "*" | "+", value) => Ok(value),
            (sign, value) => Err(Halt::Unknown(format!("{sign}{}", value.show()))),
        }
    }

    fn binary(&mut self, sign: &str, left: &Expr, right: &Expr, scope: &Rc<Scope>) -> Run<Val> {
        let left = self.evaluate(left, scope)?;
        match (sign, &left) {
            ("&&", Val::Bool(false)) | ("||", Val::Bool(true)) => return Ok(left),
            ("&&" | "||", _) => return self.evaluate(right, scope),
            _ => {}
        }
        let right = self.evaluate(right, scope)?;
        builtin::binary(sign, &left, &right)
    }

    fn composite(&mut self, kind: &Type, items: &[(Option<Expr>, Expr)], scope: &Rc<Scope>) -> Run<Val> {
        let resolved = self.resolve(kind);
        match &resolved {
            Type::List(of) => {
                let mut all = Vec::new();
                for (_, item) in items {
                    all.push(self.typed(of, item, scope)?);
                }
                Ok(Val::list(all))
            }
            Type::Map(key_kind, of) => self.map_literal(key_kind, of, items, scope),
            Type::Name(name) if is_values(name) => {
                self.map_literal(&Type::Name("string".to_owned()), &Type::Other, items, scope)
            }
            _ => self.structure(&resolved, items, scope),
        }
    }

    fn map_literal(
        &mut self,
        key_kind: &Type,
        of: &Type,
        items: &[(Option<Expr>, Expr)],
        scope: &Rc<Scope>,
    ) -> Run<Val> {
        let map = Val::map(Vec::new());
        for (key, item) in items {
            let key = match key {
                Some(key) => self.typed(key_kind, key, scope)?,
                None => Val::Nil,
            };
            let item = self.typed(of, item, scope)?;
            map.set(key, item);
        }
        Ok(map)
    }

    /// A value whose literal may leave out its type.
    fn typed(&mut self, kind: &Type, expr: &Expr, scope: &Rc<Scope>) -> Run<Val> {
        match expr {
            Expr::Composite(None, items) => self.composite(kind, items, scope),
            _ => self.evaluate(expr, scope),
        }
    }

    fn structure(&mut self, kind: &Type, items: &[(Option<Expr>, Expr)], scope: &Rc<Scope>) -> Run<Val> {
        let name = kind.named().unwrap_or_default().to_owned();
        let known = self.fields_of(kind).unwrap_or_default();
        let value = match kind {
            Type::Struct(fields) => self.empty(&name, fields),
            _ if known.is_empty() => Val::Struct(Rc::new(Struct {
                kind: name,
                fields: RefCell::default(),
            })),
            _ => self.empty(&name, &known),
        };
        for (at, (key, item)) in items.iter().enumerate() {
            let field = match key {
                Some(Expr::Name(name)) => name.clone(),
                _ => known.get(at).map(|it| it.0.clone()).unwrap_or_default(),
            };
            let field_kind = known
                .iter()
                .find(|it| it.0 == field)
                .map_or(Type::Other, |it| it.1.clone());
            let item = self.typed(&field_kind, item, scope)?;
            value.set_field(&field, item);
        }
        Ok(value)
    }
}

fn is_values(name: &str) -> bool {
    matches!(
        name,
        "common.Values" | "chartutil.Values" | "Values" | "M" | "files"
    )
}

fn is_conversion(name: &str) -> bool {
    is_whole(name) || matches!(name, "string" | "float64" | "float32" | "any")
}

/// Structs of Go's library, which have methods and no fields that a test sees.
fn is_library(kind: &str) -> bool {
    matches!(
        kind,
        "assert.Assertions"
            | "bytes.Buffer"
            | "strings.Builder"
            | "template.Template"
            | "testing.T"
            | "time.Time"
            | "unstructured.Unstructured"
    )
}

/// Methods that structs of other packages have.
fn is_method(name: &str) -> bool {
    matches!(
        name,
        "Error" | "Errorf" | "Fatal" | "Fatalf" | "Run" | "Log" | "Logf" | "Helper" | "Skip" | "String"
    )
}
