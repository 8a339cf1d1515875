//! An OCI image layout on disk: blobs by digest, names in `index.json`. Several processes may use one layout at a time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use windlass_core::digest::Digest;

use crate::OciError;
use crate::document::{self, Descriptor, Image, Index, Manifest};

/// The annotation that names a manifest in `index.json`.
const NAME: &str = "org.opencontainers.image.ref.name";
/// Bytes of a document (manifest, configuration, index).
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 4 << 20;

/// A name of an image in a layout: `service:tag`.
pub type Name = str;

/// An OCI image layout.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// What is known of one image.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// Digest of the manifest: the image's identity.
    pub digest: Digest,
    /// Names that point at it.
    pub names: Vec<String>,
    /// The manifest.
    pub manifest: Manifest,
    /// The configuration.
    pub image: Image,
    /// Bytes of configuration and layers.
    pub size: u64,
    /// Artifacts about it, for example SBOMs.
    pub referrers: Vec<Descriptor>,
}

impl Layout {
    /// Opens a layout, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, OciError> {
        let layout = Self {
            root: path.to_owned(),
        };
        let blobs = layout.root.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(OciError::file("make", &blobs))?;
        let marker = layout.root.join("oci-layout");
        if !marker.exists() {
            layout.replace(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        Ok(layout)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Gives an image a name (`service:tag`); a name that another image had moves.
    pub fn tag(&self, digest: Digest, name: &Name) -> Result<(), OciError> {
        let size = self.read_blob(&digest)?.len() as u64;
        let mut descriptor = Descriptor::new(document::MANIFEST, digest, size);
        descriptor.annotations.insert(NAME.to_owned(), name.to_owned());
        self.change_index(|index| {
            index
                .manifests
                .retain(|entry| entry.annotations.get(NAME).is_none_or(|other| other != name));
            index.manifests.push(descriptor);
            index.manifests.sort_by(|a, b| {
                a.annotations
                    .get(NAME)
                    .cmp(&b.annotations.get(NAME))
                    .then(a.digest.cmp(&b.digest))
            });
        })
    }

    /// The image that a name or a digest means. A full reference (`registry/service@sha256:...`) means its digest.
    pub fn resolve(&self, name: &Name) -> Result<Digest, OciError> {
        let missing = || OciError::Missing {
            name: name.to_owned(),
            layout: self.root.clone(),
        };
        let digest = name.rsplit_once('@').map_or(name, |(_, digest)| digest);
        if let Ok(digest) = digest.parse::<Digest>() {
            return if self.has(&digest) {
                Ok(digest)
            } else {
                Err(missing())
            };
        }
        let short = name.rsplit('/').next().unwrap_or(name);
        let index = self.index()?;
        let find = |wanted: &str| {
            let entry = index
                .manifests
                .iter()
                .find(|entry| entry.annotations.get(NAME).is_some_and(|name| name == wanted))?;
            Some(entry.digest)
        };
        find(name).or_else(|| find(short)).ok_or_else(missing)
    }

    /// All names with what they mean.
    pub fn names(&self) -> Result<BTreeMap<String, Digest>, OciError> {
        let index = self.index()?;
        Ok(index
            .manifests
            .iter()
            .filter_map(|entry| Some((entry.annotations.get(NAME)?.clone(), entry.digest)))
            .collect())
    }

    /// Whether the content is here.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blob(digest).is_file()
    }

    /// Manifest, configuration, names and referrers of an image.
    pub fn inspect(&self, digest: Digest) -> Result<Inspection, OciError> {
        let manifest = self.manifest(&digest)?;
        let image: Image = self.document(&manifest.config.digest)?;
        let names = self
            .names()?
            .into_iter()
            .filter(|(_, other)| *other == digest)
            .map(|(name, _)| name)
            .collect();
        let size = manifest.config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>();
        Ok(Inspection {
            digest,
            names,
            image,
            size,
            referrers: self.referrers(&digest)?,
            manifest,
        })
    }

    /// Attaches an artifact (an SBOM, a signature) to an image as a referrer (image specification 1.1, `subject`).
    pub fn attach(&self, subject: Digest, kind: &str, bytes: &[u8]) -> Result<Digest, OciError> {
        let about = Descriptor::new(
            document::MANIFEST,
            subject,
            self.read_blob(&subject)?.len() as u64,
        );
        let manifest = Manifest {
            schema_version: 2,
            media_type: document::MANIFEST.to_owned(),
            artifact_type: Some(kind.to_owned()),
            config: self.put_blob(document::EMPTY, b"{}")?,
            layers: vec![self.put_blob(kind, bytes)?],
            subject: Some(about),
            annotations: BTreeMap::new(),
        };
        let mut stored = self.put_blob(document::MANIFEST, &encode(&manifest)?)?;
        stored.artifact_type = Some(kind.to_owned());
        let digest = stored.digest;
        self.change_index(|index| {
            if !index.manifests.iter().any(|entry| entry.digest == digest) {
                index.manifests.push(stored);
            }
        })?;
        Ok(digest)
    }

    /// The artifacts about an image.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, OciError> {
        let index = self.index()?;
        let mut found = Vec::new();
        for entry in index.manifests {
            if entry.artifact_type.is_some()
                && self
                    .manifest(&entry.digest)?
                    .subject
                    .is_some_and(|about| about.digest == *subject)
            {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// A manifest by its digest.
    pub fn manifest(&self, digest: &Digest) -> Result<Manifest, OciError> {
        self.document(digest)
    }

    /// The file of a blob; it may be missing.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// A small blob (at most 4 MiB), checked against its digest.
    pub fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, OciError> {
        let path = self.blob(digest);
        let size = match fs::metadata(&path) {
            Ok(meta) => meta.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(OciError::Missing {
                    name: digest.to_string(),
                    layout: self.root.clone(),
                });
            }
            Err(e) => return Err(OciError::file("read", &path)(e)),
        };
        let damaged = |reason: String| OciError::Damaged {
            digest: digest.to_string(),
            path: path.clone(),
            reason,
        };
        if size > DOCUMENT_BYTES_MAX {
            return Err(damaged(format!(
                "{size} bytes, a document has at most {DOCUMENT_BYTES_MAX}"
            )));
        }
        let bytes = fs::read(&path).map_err(OciError::file("read", &path))?;
        let found = Digest::of_bytes(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(damaged(format!("its content is {found}")))
        }
    }

    /// Stores bytes under their digest.
    pub(crate) fn put_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, OciError> {
        let descriptor = Descriptor::of(media_type, bytes);
        let path = self.blob(&descriptor.digest);
        if !path.is_file() {
            self.replace(&path, bytes)?;
        }
        Ok(descriptor)
    }

    /// Stores what `write` writes under the digest of it, without holding it in memory.
    pub(crate) fn write_blob(
        &self,
        media_type: &str,
        write: impl FnOnce(&mut dyn io::Write) -> Result<(), OciError>,
    ) -> Result<Descriptor, OciError> {
        let temporary = self.temporary();
        let result = self.write_blob_at(&temporary, media_type, write);
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    /// Stores what `write` writes if it is the content that the digest names.
    pub(crate) fn receive_blob(
        &self,
        digest: &Digest,
        write: impl FnOnce(&mut dyn io::Write) -> Result<(), OciError>,
    ) -> Result<(), OciError> {
        let temporary = self.temporary();
        let result = self.receive_blob_at(&temporary, digest, write);
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    fn receive_blob_at(
        &self,
        temporary: &Path,
        digest: &Digest,
        write: impl FnOnce(&mut dyn io::Write) -> Result<(), OciError>,
    ) -> Result<(), OciError> {
        let file = File::create(temporary).map_err(OciError::file("write", temporary))?;
        let mut sum = Summed::new(BufWriter::new(file));
        write(&mut sum)?;
        let (inner, found, _) = sum.finish()?;
        let file = inner
            .into_inner()
            .map_err(|e| OciError::file("write", temporary)(e.into_error()))?;
        file.sync_all().map_err(OciError::file("write", temporary))?;
        let path = self.blob(digest);
        if found != *digest {
            return Err(OciError::Damaged {
                digest: digest.to_string(),
                path,
                reason: format!("what arrived is {found}"),
            });
        }
        fs::rename(temporary, &path).map_err(OciError::file("write", &path))
    }

    fn write_blob_at(
        &self,
        temporary: &Path,
        media_type: &str,
        write: impl FnOnce(&mut dyn io::Write) -> Result<(), OciError>,
    ) -> Result<Descriptor, OciError> {
        let failed = || OciError::file("write", temporary);
        let file = File::create(temporary).map_err(failed())?;
        let mut sum = Summed::new(BufWriter::new(file));
        write(&mut sum)?;
        let (mut inner, digest, size) = sum.finish()?;
        inner.flush().map_err(failed())?;
        inner.get_ref().sync_all().map_err(failed())?;
        let path = self.blob(&digest);
        fs::rename(temporary, &path).map_err(OciError::file("write", &path))?;
        Ok(Descriptor::new(media_type, digest, size))
    }

    fn document<T: DeserializeOwned>(&self, digest: &Digest) -> Result<T, OciError> {
        let bytes = self.read_blob(digest)?;
        serde_json::from_slice(&bytes).map_err(|e| OciError::format(format!("blob {digest}"), &e))
    }

    fn index(&self) -> Result<Index, OciError> {
        let path = self.root.join("index.json");
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|e| OciError::format(path.display().to_string(), &e))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Index {
                schema_version: 2,
                media_type: document::INDEX.to_owned(),
                manifests: Vec::new(),
            }),
            Err(e) => Err(OciError::file("read", &path)(e)),
        }
    }

    /// Reads, changes and replaces the index under a lock that holds among processes.
    fn change_index(&self, change: impl FnOnce(&mut Index)) -> Result<(), OciError> {
        let lock = self.root.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(OciError::file("lock", &lock))?;
        file.lock().map_err(OciError::file("lock", &lock))?;
        let mut index = self.index()?;
        change(&mut index);
        self.replace(&self.root.join("index.json"), &encode(&index)?)
    }

    /// Replaces a file as a whole: write, sync, rename.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), OciError> {
        let temporary = self.temporary();
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
        written.map_err(|e| {
            let _ = fs::remove_file(&temporary);
            OciError::file("write", path)(e)
        })
    }

    fn temporary(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.root
            .join("blobs/sha256")
            .join(format!(".new-{}-{number}", std::process::id()))
    }
}

/// A document as bytes: compact, fields in the order of the type, so the same document has the same digest.
pub(crate) fn encode(document: &impl Serialize) -> Result<Vec<u8>, OciError> {
    serde_json::to_vec(document).map_err(|e| OciError::format("a document", &e))
}

/// Counts and sums what passes through.
pub(crate) struct Summed<T> {
    inner: T,
    sum: Sha256,
    size: u64,
}

impl<T> Summed<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            sum: Sha256::new(),
            size: 0,
        }
    }

    pub(crate) fn finish(self) -> Result<(T, Digest, u64), OciError> {
        let text = format!("sha256:{}", hex::encode(self.sum.finalize()));
        let digest = text.parse().map_err(|e| OciError::format("a digest", &e))?;
        Ok((self.inner, digest, self.size))
    }
}

impl<T: io::Write> io::Write for Summed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: io::Read> io::Read for Summed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.sum.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }
}
