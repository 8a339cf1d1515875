//! The shop: shopload.

fn main() {}
