//! Images in a real layout on disk.

mod assemble;
mod unpack;
