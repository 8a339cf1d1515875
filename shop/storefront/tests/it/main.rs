//! The storefront against services that answer from a script: forms, cookies, words, and what a browser needs to hear.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

mod backends;
mod browser;
mod buying;
mod contrast;
mod markup;
mod signing;
mod versions;
