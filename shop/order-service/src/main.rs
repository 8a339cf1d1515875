//! The shop: order-service.

fn main() {}
