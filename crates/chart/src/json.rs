//! JSON as Go's encoding/json writes and reads it: keys in the order of their bytes, HTML characters escaped.

mod read;
mod write;

pub(crate) use read::{read, read_prefix};
pub(crate) use write::{quoted_length, replace_invalid, write, write_pretty, write_raw};
