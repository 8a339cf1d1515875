//! The shell around the pure core: the loop, the ledger, the sources and the runtimes.

pub mod build;
pub mod ledger;
pub mod local;
pub mod render;
pub mod scrape;
pub mod source;
