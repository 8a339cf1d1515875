//! Go's text/template: parsed once into trees whose functions and variables are resolved, executed over `Any`.

pub(crate) mod exec;
pub(crate) mod failure;
pub(crate) mod lex;
pub(crate) mod node;
pub(crate) mod parse;
mod show;
