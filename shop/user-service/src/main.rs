//! The shop: user-service.

fn main() {}
