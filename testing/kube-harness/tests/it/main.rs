//! The cluster does what its tests will rely on: pods do as their annotations ask, components come back, nothing is left.

mod behaviour;
mod disturbed;
mod objects;
mod resources;
