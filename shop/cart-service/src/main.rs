//! The shop: cart-service.

fn main() {}
