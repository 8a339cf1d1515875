//! The crate from outside: what charts may do and what they may cost.

mod bad_input;
mod release;
