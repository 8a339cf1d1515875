//! The shop: psp-sim.

fn main() {}
