//! The crate from outside: what charts may do and what they may cost.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod release;
