//! The engine as a whole: real processes, a real proxy, a real repository, customers who never stop asking.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

mod bad_input;
mod cluster;
mod crash;
mod customers;
mod disk;
mod instance;
mod isolation;
mod machine;
mod notify;
mod own_settings;
mod place;
mod port;
mod preview;
mod release;
mod surroundings;
