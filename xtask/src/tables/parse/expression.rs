//! Expressions of Go.

use std::rc::Rc;

use super::{Parser, Result, TYPE_SWITCH};
use crate::tables::lex::{Token, is_keyword};
use crate::tables::syntax::{Expr, Type};

/// Binary signs from the loosest to the tightest.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["==", "!=", "<", "<=", ">", ">="],
    &["+", "-", "|", "^"],
    &["*", "/", "%", "<<", ">>", "&", "&^"],
];

impl Parser {
    pub(super) fn expressions(&mut self) -> Result<Vec<Expr>> {
        let mut all = vec![self.expression()?];
        while self.take(",") {
            all.push(self.expression()?);
        }
        Ok(all)
    }

    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Result<Expr> {
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign) if signs.contains(sign) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = Expr::Binary(sign, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        let sign = match self.peek() {
            Token::Sign(sign @ ("!" | "-" | "+" | "&" | "*" | "^" | "<-")) => *sign,
            _ => {
                let operand = self.operand()?;
                return self.suffixes(operand);
            }
        };
        self.at += 1;
        Ok(Expr::Unary(sign, Box::new(self.unary()?)))
    }

    fn operand(&mut self) -> Result<Expr> {
        let line = self.line();
        match self.next() {
            Token::Int(it) => Ok(Expr::Int(it)),
            Token::Float(it) => Ok(Expr::Float(it)),
            Token::Text(it) => Ok(Expr::Text(it)),
            Token::Sign("(") => {
                let outer = std::mem::replace(&mut self.no_composite, false);
                let inner = self.expression();
                self.no_composite = outer;
                let inner = inner?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.at -= 1;
                self.type_or_composite()
            }
            Token::Name(word) if matches!(word.as_str(), "map" | "struct" | "interface" | "chan") => {
                self.at -= 1;
                self.type_or_composite()
            }
            Token::Name(word) if word == "func" => {
                let outer = std::mem::replace(&mut self.no_composite, false);
                let function = self.function(None);
                self.no_composite = outer;
                Ok(Expr::Function(Rc::new(function?)))
            }
            Token::Name(word) if !is_keyword(&word) => {
                let name = Expr::Name(word.clone());
                if self.is("{") && !self.no_composite {
                    return self.composite(Some(Type::Name(word)));
                }
                Ok(name)
            }
            other => Err(format!("line {line}: an expression is expected, {other:?} found")),
        }
    }

    fn type_or_composite(&mut self) -> Result<Expr> {
        let kind = self.kind()?;
        if self.is("{") {
            return self.composite(Some(kind));
        }
        Ok(Expr::Type(kind))
    }

    fn suffixes(&mut self, mut expr: Expr) -> Result<Expr> {
        loop {
            if self.take(".") {
                expr = self.selection(expr)?;
            } else if self.take("(") {
                expr = self.call(expr)?;
            } else if self.take("[") {
                expr = self.index(expr)?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn selection(&mut self, of: Expr) -> Result<Expr> {
        if self.take("(") {
            let kind = if self.take_word("type") {
                Type::Name(TYPE_SWITCH.to_owned())
            } else {
                self.kind()?
            };
            self.expect(")")?;
            return Ok(Expr::Assert(Box::new(of), kind));
        }
        let name = self.name()?;
        if let (Expr::Name(package), true, false) = (&of, self.is("{"), self.no_composite) {
            return self.composite(Some(Type::Name(format!("{package}.{name}"))));
        }
        Ok(Expr::Select(Box::new(of), name))
    }

    fn call(&mut self, function: Expr) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.no_composite, false);
        let mut arguments = Vec::new();
        let mut spread = false;
        while !self.take(")") {
            if self.take(",") || self.take(";") {
                continue;
            }
            arguments.push(self.argument()?);
            spread |= self.take("...");
        }
        self.no_composite = outer;
        Ok(Expr::Call(Box::new(function), arguments, spread))
    }

    /// `make` and `new` take types, which begin as expressions do.
    fn argument(&mut self) -> Result<Expr> {
        self.expression()
    }

    fn index(&mut self, of: Expr) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.no_composite, false);
        let from = if self.is(":") {
            None
        } else {
            Some(Box::new(self.expression()?))
        };
        let expr = if self.take(":") {
            let to = if self.is("]") {
                None
            } else {
                Some(Box::new(self.expression()?))
            };
            Expr::Part(Box::new(of), from, to)
        } else {
            let at = from.ok_or_else(|| format!("line {}: an index is expected", self.line()))?;
            Expr::Index(Box::new(of), at)
        };
        self.no_composite = outer;
        self.expect("]")?;
        Ok(expr)
    }

    fn composite(&mut self, kind: Option<Type>) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.no_composite, false);
        self.expect("{")?;
        let mut items = Vec::new();
        while !self.take("}") {
            if self.take(",") || self.take(";") {
                continue;
            }
            let first = self.element()?;
            if self.take(":") {
                items.push((Some(first), self.element()?));
            } else {
                items.push((None, first));
            }
        }
        self.no_composite = outer;
        Ok(Expr::Composite(kind, items))
    }

    fn element(&mut self) -> Result<Expr> {
        if self.is("{") {
            return self.composite(None);
        }
        self.expression()
    }
}
