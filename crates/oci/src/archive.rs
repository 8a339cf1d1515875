//! Layers as archives whose bytes depend on names and contents only: sorted, no times, no owners of this machine.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::OciError;

/// What is at a path of a layer.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A folder.
    Folder {
        /// Permission bits.
        mode: u32,
        /// Owner and group.
        owner: u32,
    },
    /// A file with these bytes.
    Bytes {
        /// Permission bits.
        mode: u32,
        /// Content.
        bytes: Vec<u8>,
    },
    /// A file whose bytes are read from here when the archive is written.
    File {
        /// Permission bits.
        mode: u32,
        /// Where the content is.
        from: PathBuf,
    },
}

/// A layer: nodes by their path from the root, without a leading `/`. Missing parents become folders of root.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    nodes: BTreeMap<String, Node>,
}

impl Layer {
    /// Puts a node at a path. The path must stay inside of the root.
    pub(crate) fn put(&mut self, path: &str, node: Node) -> Result<(), OciError> {
        let path = path.trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || *part == "." || *part == "..")
        {
            return Err(OciError::Unsafe {
                entry: path.to_owned(),
                reason: "is not a plain path in the image".to_owned(),
            });
        }
        for depth in 1..parts.len() {
            let parent = parts[..depth].join("/");
            self.nodes.entry(parent).or_insert(Node::Folder {
                mode: 0o755,
                owner: 0,
            });
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Writes the archive (USTAR), sorted by path.
    pub(crate) fn write(&self, to: impl io::Write) -> Result<(), OciError> {
        let failed = |e: io::Error| OciError::format("a layer", &e);
        let mut builder = tar::Builder::new(to);
        for (path, node) in &self.nodes {
            match node {
                Node::Folder { mode, owner } => {
                    let header = header(tar::EntryType::Directory, *mode, *owner, 0);
                    append(&mut builder, header, &format!("{path}/"), io::empty()).map_err(failed)?;
                }
                Node::Bytes { mode, bytes } => {
                    let header = header(tar::EntryType::Regular, *mode, 0, bytes.len() as u64);
                    append(&mut builder, header, path, bytes.as_slice()).map_err(failed)?;
                }
                Node::File { mode, from } => {
                    let file = std::fs::File::open(from).map_err(OciError::file("read", from))?;
                    let size = file.metadata().map_err(OciError::file("read", from))?.len();
                    let header = header(tar::EntryType::Regular, *mode, 0, size);
                    append(&mut builder, header, path, io::Read::take(file, size)).map_err(failed)?;
                }
            }
        }
        builder.into_inner().map_err(failed)?.flush_all().map_err(failed)
    }
}

fn header(kind: tar::EntryType, mode: u32, owner: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(u64::from(owner));
    header.set_gid(u64::from(owner));
    header.set_mtime(0);
    header.set_size(size);
    header
}

fn append(
    to: &mut tar::Builder<impl io::Write>,
    mut header: tar::Header,
    path: &str,
    data: impl io::Read,
) -> io::Result<()> {
    to.append_data(&mut header, path, data)
}

/// Flushes without naming the trait at the call.
trait FlushAll {
    fn flush_all(self) -> io::Result<()>;
}

impl<W: io::Write> FlushAll for W {
    fn flush_all(mut self) -> io::Result<()> {
        self.flush()
    }
}
