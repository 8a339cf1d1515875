//! Images in a real layout on disk, and in registries on loopback.

mod assemble;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod registry_fake;
mod unpack;
