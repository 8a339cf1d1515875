//! The engine as a whole: real processes, a real proxy, a real repository, customers who never stop asking.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

mod crash;
mod customers;
mod place;
mod release;
mod surroundings;
