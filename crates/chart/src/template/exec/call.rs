//! Commands, arguments and calls: Go's checks of number and type of arguments.

use super::{Exec, Fail, Held};
use crate::any::{Any, Flavour, Object};
use crate::functions::{Args, Function, Lazy, Param};
use crate::template::node::{Command, Expr, Number, Spot, name_and_fields};

impl Exec<'_> {
    /// `evalCommand`: `last` is what the pipeline hands over.
    pub(super) fn command(&mut self, command: &Command, dot: &Held, last: Option<Any>) -> Result<Held, Fail> {
        let (first, args) = (&command.first, &*command.args);
        match first {
            Expr::Field(spot, names) => {
                self.at(*spot);
                return self.fields(dot, dot.clone(), *spot, names, args, last);
            }
            Expr::Chain(spot, inner, names) => return self.chain(*spot, inner, names, dot, args, last),
            Expr::Identifier(spot, function) => {
                self.at(*spot);
                return self.call(function, command.spot, None, dot, args, last);
            }
            Expr::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                return self.pipeline(pipe, dot).map(Held::plain);
            }
            Expr::Variable(..) => return self.variable(first, dot, args, last),
            _ => {}
        }
        self.at(first.spot());
        self.not_a_function(first, args, last.as_ref())?;
        match first {
            Expr::Bool(_, it) => Ok(Held::plain(Any::Bool(*it))),
            Expr::Dot(_) => Ok(dot.clone()),
            Expr::Int(_, it) => Ok(Held::plain(Any::Int(i64::from(*it)))),
            Expr::Number(spot, number) => self.constant(*spot, number).map(Held::plain),
            Expr::Str(_, text) => Ok(Held::plain(Any::Str(text.clone()))),
            _ => self.error("nil is not a command"),
        }
    }

    /// What `expr` is written as.
    fn shown(&self, expr: &Expr) -> String {
        let text = crate::template::show::expr(expr, &self.template.source.text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn not_a_function(&mut self, first: &Expr, args: &[Expr], last: Option<&Any>) -> Result<(), Fail> {
        if !args.is_empty() || last.is_some() {
            let text = self.shown(first);
            return self.error(&format!("can't give argument to non-function {text}"));
        }
        Ok(())
    }

    fn chain(
        &mut self,
        spot: Spot,
        inner: &Expr,
        names: &[u8],
        dot: &Held,
        args: &[Expr],
        last: Option<Any>,
    ) -> Result<Held, Fail> {
        self.at(spot);
        let receiver = match inner {
            Expr::Pipe(pipe) => {
                self.at(pipe.spot);
                Held::plain(self.pipeline(pipe, dot)?)
            }
            Expr::Identifier(at, function) => {
                self.at(*at);
                self.call(function, *at, None, dot, &[], None)?
            }
            _ => {
                let text = self.shown(inner);
                return self.error(&format!("indirection through explicit nil in {text}"));
            }
        };
        self.fields(dot, receiver, spot, names, args, last)
    }

    fn variable(
        &mut self,
        variable: &Expr,
        dot: &Held,
        args: &[Expr],
        last: Option<Any>,
    ) -> Result<Held, Fail> {
        let Expr::Variable(spot, slot, text) = variable else {
            return Ok(Held::plain(Any::Nil));
        };
        self.at(*spot);
        let (name, fields) = name_and_fields(text);
        let Some(place) = slot.place() else {
            return self.error(&format!("undefined variable: {}", String::from_utf8_lossy(name)));
        };
        let value = self.stack[self.base + place].clone();
        if fields.is_empty() {
            self.not_a_function(variable, args, last.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, *spot, fields, args, last)
    }

    /// Go's type of a number that nothing else decides.
    fn constant(&mut self, spot: Spot, number: &Number) -> Result<Any, Fail> {
        self.at(spot);
        if let Some((real, imaginary)) = number.complex {
            return Ok(Any::object(Object::Complex(real, imaginary)));
        }
        match (number.is_float, number.float, number.int) {
            (true, Some(float), _) => Ok(Any::Float(float)),
            (_, _, Some(int)) => Ok(Any::Int(int)),
            _ => self.error(&format!("{} overflows int", number.text.text())),
        }
    }

    /// `evalCall`: checks and evaluates the arguments, then calls.
    pub(super) fn call(
        &mut self,
        function: &'static Function,
        spot: Spot,
        receiver: Option<Any>,
        dot: &Held,
        args: &[Expr],
        last: Option<Any>,
    ) -> Result<Held, Fail> {
        self.step()?;
        let count = args.len() + usize::from(last.is_some());
        let params = function.params;
        let fixed = if function.variadic {
            params.len() - 1
        } else {
            params.len()
        };
        if function.variadic && count < fixed {
            let got = args.len();
            return self.error(&format!(
                "wrong number of args for {}: want at least {fixed} got {got}",
                function.name
            ));
        }
        if !function.variadic && count != fixed {
            return self.error(&format!(
                "wrong number of args for {}: want {fixed} got {count}",
                function.name
            ));
        }
        if matches!(function.lazy, Lazy::And | Lazy::Or) {
            return self.and_or(function.lazy == Lazy::Or, dot, args, last);
        }
        let mut values = Vec::with_capacity(count + 1);
        let methods = usize::from(receiver.is_some());
        values.extend(receiver);
        for (at, arg) in args.iter().enumerate() {
            let param = params[at.min(params.len().saturating_sub(1))];
            let value = self.argument(param, arg, dot)?;
            values.push(value);
        }
        if let Some(last) = last {
            let param = params[(values.len() - methods).min(params.len().saturating_sub(1))];
            let value = self.validate(Held::plain(last), param)?;
            values.push(value);
        }
        let called = if let (Lazy::Call, Some(first)) = (function.lazy, args.first()) {
            Err(self.no_function(first, values.first()))
        } else {
            (function.run)(self, Args::new(values))
        };
        match called {
            Ok(value) => Ok(Held::plain(value)),
            Err(fail) if fail.limit && fail.from_template => Err(fail),
            Err(fail) => {
                self.at(spot);
                Err(self.located(fail, &format!("error calling {}: ", function.name)))
            }
        }
    }

    /// Templates have no values that can be called.
    fn no_function(&self, arg: &Expr, value: Option<&Any>) -> Fail {
        let Some(value) = value.filter(|it| !it.is_nil()) else {
            return "call of nil".to_owned().into();
        };
        let mut text = self.shown(arg);
        if matches!(arg, Expr::Pipe(_)) {
            text = text.trim_start_matches('(').trim_end_matches(')').to_owned();
        }
        let kind = value.type_name(self.profile());
        format!("non-function {text} of type {kind}").into()
    }

    fn and_or(&mut self, or: bool, dot: &Held, args: &[Expr], last: Option<Any>) -> Result<Held, Fail> {
        let mut value = Any::Nil;
        for arg in args {
            value = self.argument(Param::Reflect, arg, dot)?;
            if value.truth() == or {
                return Ok(Held::plain(value));
            }
        }
        Ok(Held::plain(last.unwrap_or(value)))
    }

    /// `evalArg`.
    fn argument(&mut self, param: Param, arg: &Expr, dot: &Held) -> Result<Any, Fail> {
        self.at(arg.spot());
        let held = match arg {
            Expr::Dot(_) => dot.clone(),
            Expr::Nil(_) => {
                if param.can_be_nil() {
                    return Ok(Any::Nil);
                }
                return self.error(&format!("cannot assign nil to {}", param.name()));
            }
            Expr::Field(spot, names) => self.fields(dot, dot.clone(), *spot, names, &[], None)?,
            Expr::Variable(..) => self.variable(arg, dot, &[], None)?,
            Expr::Pipe(pipe) => Held::plain(self.pipeline(pipe, dot)?),
            Expr::Identifier(spot, function) => self.call(function, *spot, None, dot, &[], None)?,
            Expr::Chain(spot, inner, names) => self.chain(*spot, inner, names, dot, &[], None)?,
            Expr::Bool(..) | Expr::Int(..) | Expr::Number(..) | Expr::Str(..) => {
                return self.literal(param, arg);
            }
        };
        self.validate(held, param)
    }

    fn literal(&mut self, param: Param, arg: &Expr) -> Result<Any, Fail> {
        let found = || self.shown(arg);
        let number = match arg {
            Expr::Int(_, it) => Some((Some(i64::from(*it)), Some(f64::from(*it)))),
            Expr::Number(_, it) => Some((it.int, it.float)),
            _ => None,
        };
        if let Some((int, float)) = number {
            match (param, int, float) {
                (Param::Int, Some(int), _) => return Ok(Any::Int(int)),
                (Param::Uint32, Some(int), _) if u32::try_from(int).is_ok() => return Ok(Any::Int(int)),
                (Param::Float, _, Some(float)) => return Ok(Any::Float(float)),
                _ => {}
            }
        }
        match (param, arg) {
            (Param::Any | Param::Reflect | Param::Bool, Expr::Bool(_, it)) => Ok(Any::Bool(*it)),
            (Param::Any | Param::Reflect | Param::Str, Expr::Str(_, text)) => Ok(Any::Str(text.clone())),
            (Param::Any | Param::Reflect, Expr::Int(_, it)) => Ok(Any::Int(i64::from(*it))),
            (Param::Any | Param::Reflect, Expr::Number(spot, number)) => self.constant(*spot, number),
            (Param::Str, _) => self.error(&format!("expected string; found {}", found())),
            (Param::Bool, _) => self.error(&format!("expected bool; found {}", found())),
            (Param::Int, _) => self.error(&format!("expected integer; found {}", found())),
            (Param::Uint32, _) => self.error(&format!("expected unsigned integer; found {}", found())),
            (Param::Float, _) => self.error(&format!("expected float; found {}", found())),
            _ => self.error(&format!(
                "can't handle {} for arg of type {}",
                found(),
                param.name()
            )),
        }
    }

    /// `validateType`: whether the value can be given to the parameter.
    fn validate(&mut self, held: Held, param: Param) -> Result<Any, Fail> {
        let Held { value, interface } = held;
        self.holds_nothing = interface && value.is_nil();
        let fits = match (param, &value) {
            (Param::Any | Param::Reflect, _)
            | (Param::Str, Any::Str(_))
            | (Param::Int, Any::Int(_))
            | (Param::Float, Any::Float(_))
            | (Param::Bool, Any::Bool(_)) => true,
            (Param::Map, Any::Map(map)) => matches!(map.flavour(), Flavour::Any | Flavour::Values),
            (Param::List, Any::List(list)) => list.elem() == crate::any::Elem::Any,
            (Param::Certificate, Any::Object(it)) => matches!(**it, Object::Certificate { .. }),
            (Param::Time, Any::Object(it)) => matches!(**it, Object::Time(_)),
            (Param::Semver, Any::Object(it)) => matches!(**it, Object::Semver(_)),
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        if value.is_nil() {
            if interface {
                return self.error(&format!(
                    "wrong type for value; expected {}; got interface {{}}",
                    param.name()
                ));
            }
            if param.can_be_nil() {
                return Ok(param.zero());
            }
            return self.error(&format!("invalid value; expected {}", param.name()));
        }
        let got = value.type_name(self.profile());
        self.error(&format!(
            "wrong type for value; expected {}; got {got}",
            param.name()
        ))
    }
}
