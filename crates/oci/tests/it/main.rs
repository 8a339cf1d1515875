//! Images in a real layout on disk, and in registries on loopback.

#[cfg(test)]
mod artifact;
mod assemble;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod registry_fake;
mod unpack;
