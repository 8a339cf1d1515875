//! The shell around the pure core: the loop, the ledger, the sources and the runtimes.

mod act;
pub mod build;
pub mod checkout;
mod clock;
pub mod cluster;
pub mod controller;
mod heal;
pub mod ledger;
pub mod local;
mod observe;
pub mod render;
mod routing;
pub mod scrape;
mod shelf;
pub mod source;
mod sources;
mod world;
