//! The crate from outside: what charts may do and what they may cost.

#[cfg(test)]
mod bad_input;
mod functions;
#[cfg(test)]
mod release;
