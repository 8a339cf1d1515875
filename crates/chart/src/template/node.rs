//! The tree of a parsed template.

use std::sync::Arc;

use crate::any::Str;
use crate::functions::Function;

/// Where a node is: its first byte as Go counts it, and a number of its own within its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) at: u32,
    pub(crate) id: u32,
}

/// The text that templates were parsed from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Str,
    pub(crate) text: Str,
}

/// One named template.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: Str,
    pub(crate) source: Arc<Source>,
    pub(crate) body: Vec<Node>,
    /// Variables that one execution needs; the first is `$`.
    pub(crate) slots: usize,
    /// Nothing but white space and comments: it never replaces another.
    pub(crate) empty: bool,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Spot, Str),
    Action(Spot, Box<Pipe>),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Spot, Str, Option<Box<Pipe>>),
    Break(Spot),
    Continue(Spot),
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) spot: Spot,
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// Commands that hand their values on, one at least.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) spot: Spot,
    pub(crate) assign: bool,
    pub(crate) decl: Box<[Variable]>,
    pub(crate) first: Command,
    /// The commands after the first, which most pipelines do not have.
    pub(crate) rest: Box<[Command]>,
}

impl Pipe {
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        std::iter::once(&self.first).chain(&*self.rest)
    }
}

/// A variable that a pipeline sets.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: Str,
    pub(crate) slot: Slot,
}

/// The place of a variable on the stack of its template. Nowhere: it was assigned without having been declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) const NOWHERE: Self = Self(u32::MAX);

    pub(crate) fn new(place: usize) -> Self {
        // A template of so many variables would be larger than any that is read.
        Self(u32::try_from(place).unwrap_or(u32::MAX))
    }

    pub(crate) fn place(self) -> Option<usize> {
        (self != Self::NOWHERE).then_some(self.0 as usize)
    }
}

/// What is called or looked at, and what it is given.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) spot: Spot,
    pub(crate) first: Expr,
    pub(crate) args: Box<[Expr]>,
}

/// An expression. There are more of them than of anything else, so they are small: names of fields are one text with dots
/// between, and a literal as it was written is found in the source.
#[derive(Debug)]
pub(crate) enum Expr {
    Bool(Spot, bool),
    Dot(Spot),
    Nil(Spot),
    /// A number that is written as itself.
    Int(Spot, u32),
    Number(Spot, Box<Number>),
    /// The value of the literal.
    Str(Spot, Str),
    /// `.a.b` without its first dot.
    Field(Spot, Str),
    /// `$a.b.c`, and where the variable is.
    Variable(Spot, Slot, Str),
    /// Fields of an expression, as of `Field`.
    Chain(Spot, Box<Expr>, Str),
    Identifier(Spot, &'static Function),
    Pipe(Box<Pipe>),
}

/// A number under all the types that can hold it.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) text: Str,
    pub(crate) int: Option<i64>,
    pub(crate) float: Option<f64>,
    /// Written as a float: its type is float64 where nothing else is asked for.
    pub(crate) is_float: bool,
    /// Written as a complex number: real and imaginary part.
    pub(crate) complex: Option<(f64, f64)>,
}

impl Expr {
    pub(crate) fn spot(&self) -> Spot {
        match self {
            Self::Bool(spot, _)
            | Self::Dot(spot)
            | Self::Nil(spot)
            | Self::Number(spot, _)
            | Self::Int(spot, _)
            | Self::Str(spot, ..)
            | Self::Field(spot, _)
            | Self::Variable(spot, ..)
            | Self::Chain(spot, ..)
            | Self::Identifier(spot, _) => *spot,
            Self::Pipe(pipe) => pipe.spot,
        }
    }
}

/// The name of a variable with fields, and the fields.
pub(crate) fn name_and_fields(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'.', text) {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &[]),
    }
}
