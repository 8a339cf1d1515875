//! What a package's tests call, and how ours answers.

mod argo;
mod coalesce;
mod engine;
mod ignore;
mod sorter;
mod sprig;
mod strvals;

use super::run::{Halt, Run, Runner};
use super::value::Val;

pub(super) type Call = fn(&mut Runner<'_>, &str, &[Val]) -> Run<Val>;
pub(super) type Method = fn(&mut Runner<'_>, &Val, &str, &[Val]) -> Run<Val>;

/// The tests of one package.
pub(super) struct Suite {
    pub(super) name: &'static str,
    /// Folder below the checkout.
    pub(super) folder: &'static str,
    pub(super) files: &'static [&'static str],
    /// What the tests take from the package itself, in Go: types and constants.
    pub(super) prelude: &'static str,
    /// Only tests with this in their names; the others of a file are about something else.
    pub(super) only: &'static str,
    /// Functions under test, and those that the tests reach them by.
    pub(super) functions: &'static [&'static str],
    /// Those of them that only prepare or read, and are no case of their own.
    pub(super) helpers: &'static [&'static str],
    /// Types and methods under test.
    pub(super) methods: &'static [(&'static str, &'static str)],
    pub(super) call: Call,
    pub(super) method: Method,
    /// Tests of which a case fails, and why it must.
    pub(super) explained: &'static [(&'static str, &'static str)],
    /// Tests that ask for what charts cannot see, and why.
    pub(super) left_out: &'static [(&'static str, &'static str)],
}

impl Suite {
    pub(super) fn knows(&self, name: &str) -> bool {
        self.functions.contains(&name)
    }

    pub(super) fn has_method(&self, kind: &str, name: &str) -> bool {
        self.methods.contains(&(kind, name))
    }
}

pub(super) const HELM: &[&Suite] = &[
    &engine::ENGINE,
    &engine::FUNCTIONS,
    &coalesce::COALESCE,
    &strvals::STRVALS,
    &strvals::LITERAL,
    &sorter::KINDS,
    &sorter::MANIFESTS,
    &ignore::IGNORE,
];
pub(super) const ARGO: &[&Suite] = argo::ALL;
pub(super) const SPRIG: &[&Suite] = &[&sprig::SPRIG];

fn unknown<T>(what: &str) -> Run<T> {
    Err(Halt::Unknown(format!("{what} is not known here")))
}

fn argument(arguments: &[Val], at: usize) -> Val {
    arguments.get(at).cloned().unwrap_or(Val::Nil)
}

fn no_method(_: &mut Runner<'_>, of: &Val, name: &str, _: &[Val]) -> Run<Val> {
    unknown(&format!("{}.{name}", of.show()))
}
