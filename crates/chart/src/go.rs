//! The parts of Go's standard library whose output is visible in a rendered chart.

pub(crate) mod number;
pub(crate) mod print;
pub(crate) mod quote;
pub(crate) mod runes;
pub(crate) mod time;
