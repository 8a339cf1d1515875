//! The proxy as a process, with real backends and clients on loopback. One binary for all of it.

mod backend;
mod bodies;
mod connections;
mod health;
mod pause;
mod peer;
mod process;
mod switch;
mod tunnels;
mod weights;
mod world;
