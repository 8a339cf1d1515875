//! Go's grammar as far as table tests use it: what a file declares, statements, expressions, types.

use std::rc::Rc;

/// A type as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// `int`, `chart.Chart`.
    Name(String),
    Pointer(Box<Type>),
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    /// Fields with their types.
    Struct(Vec<(String, Type)>),
    /// What is never looked into: functions, interfaces, channels.
    Other,
}

impl Type {
    /// The name of a type, or of what it points to.
    pub(super) fn named(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Pointer(to) => to.named(),
            Self::List(_) | Self::Map(..) | Self::Struct(_) | Self::Other => None,
        }
    }
}

#[derive(Debug)]
pub(super) enum Expr {
    Int(i64),
    Float(f64),
    Text(Rc<[u8]>),
    Name(String),
    /// `x.name`
    Select(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// `x[a:b]`
    Part(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `f(args)`, and whether the last one is spread.
    Call(Box<Expr>, Vec<Expr>, bool),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `T{key: value}`; the type is missing where the outer one gives it.
    Composite(Option<Type>, Vec<(Option<Expr>, Expr)>),
    Function(Rc<Function>),
    /// `x.(T)`
    Assert(Box<Expr>, Type),
    /// A type where a value is expected, as in a conversion.
    Type(Type),
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) parameters: Vec<(String, Type)>,
    /// Results that have names.
    pub(super) results: Vec<(String, Type)>,
    pub(super) variadic: bool,
    pub(super) body: Vec<(Stmt, usize)>,
}

#[derive(Debug)]
pub(super) enum Stmt {
    /// `var a, b T = x, y`
    Var(Vec<String>, Option<Type>, Vec<Expr>),
    /// Targets, sign (`=`, `:=`, `+=`), values.
    Assign(Vec<Expr>, &'static str, Vec<Expr>),
    Expr(Expr),
    If(Option<Box<Stmt>>, Expr, Block, Block),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Block),
    /// Targets, whether they are new, what is walked.
    Range(Vec<Expr>, bool, Expr, Block),
    Switch(Option<Box<Stmt>>, Subject, Vec<Case>),
    Return(Vec<Expr>),
    Block(Block),
    Type(String, Type),
    /// What is deferred cleans up, and is passed over.
    Defer,
    Break,
    Continue,
}

pub(super) type Block = Vec<(Stmt, usize)>;

#[derive(Debug)]
pub(super) enum Subject {
    None,
    Value(Expr),
    /// `switch name := x.(type)`
    Type(Option<String>, Expr),
}

/// Values (or types) of a case, none for `default`.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) values: Vec<Expr>,
    pub(super) default: bool,
    pub(super) body: Block,
}

/// What a file declares.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) functions: Vec<(String, Rc<Function>)>,
    pub(super) types: Vec<(String, Type)>,
    /// Variables and constants, in their order.
    pub(super) variables: Vec<(Stmt, usize)>,
}
