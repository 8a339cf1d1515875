//! The shop: storefront.

fn main() {}
