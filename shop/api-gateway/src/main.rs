//! The shop: api-gateway.

fn main() {}
