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
    Action(Spot, Pipe),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Spot, Str, Option<Pipe>),
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

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) spot: Spot,
    pub(crate) assign: bool,
    pub(crate) decl: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

/// A variable that a pipeline sets. No slot: it was assigned without having been declared.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: Str,
    pub(crate) slot: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) spot: Spot,
    pub(crate) args: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) enum Expr {
    Bool(Spot, bool),
    Dot(Spot),
    Nil(Spot),
    Number(Spot, Box<Number>),
    /// The text as written, and its value.
    Str(Spot, Str, Str),
    Field(Spot, Vec<Str>),
    Variable(Spot, Variable, Vec<Str>),
    Chain(Spot, Box<Expr>, Vec<Str>),
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
}

impl Expr {
    pub(crate) fn spot(&self) -> Spot {
        match self {
            Self::Bool(spot, _)
            | Self::Dot(spot)
            | Self::Nil(spot)
            | Self::Number(spot, _)
            | Self::Str(spot, ..)
            | Self::Field(spot, _)
            | Self::Variable(spot, ..)
            | Self::Chain(spot, ..)
            | Self::Identifier(spot, _) => *spot,
            Self::Pipe(pipe) => pipe.spot,
        }
    }
}
