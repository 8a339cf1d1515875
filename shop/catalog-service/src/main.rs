//! The shop: catalog-service.

fn main() {}
