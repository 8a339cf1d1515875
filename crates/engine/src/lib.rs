//! The shell around the pure core: the loop, the ledger, the sources and the runtimes.

pub mod ledger;
pub mod local;
pub mod scrape;
pub mod source;
