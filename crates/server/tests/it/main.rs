//! The server as its callers meet it: over real sockets, with a controller made of data.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

mod api;
mod controller;
mod hook;
mod openapi;
mod page;
