//! An image of a registry into a layout: every byte is checked against its digest before it counts.

use std::io::{self, Read as _};

use ureq::http::Method;
use windlass_core::digest::Digest;

use super::client::{Ask, Content, Scope};
use super::{ImageName, Registry};
use crate::document::{self, Descriptor, Index, Manifest};
use crate::layout::Layout;
use crate::{Architecture, OciError};

/// Bytes of one layer.
const LAYER_BYTES_MAX: u64 = 10 << 30;
/// Layers of one image.
const LAYERS_MAX: usize = 256;
/// What is asked for; Docker's own types are the same documents under other names.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

impl Registry {
    /// Fetches an image for this machine and names it in the layout as `name` does. Returns its digest.
    pub fn pull(&self, layout: &Layout, name: &ImageName) -> Result<Digest, OciError> {
        let mut wanted = name.wanted();
        let mut bytes = self.manifest(name, &wanted)?;
        if is_index(&bytes) {
            let index: Index = read(&bytes, &wanted)?;
            let own = |entry: &&Descriptor| {
                entry.platform.as_ref().is_some_and(|platform| {
                    platform.os == "linux" && platform.architecture == Architecture::NATIVE.name()
                })
            };
            let Some(entry) = index.manifests.iter().find(own) else {
                let reason = format!("it has no image for linux/{}", Architecture::NATIVE);
                return Err(self.client.failed(&name.to_string(), &reason));
            };
            wanted = entry.digest.to_string();
            bytes = self.manifest(name, &wanted)?;
        }
        let manifest: Manifest = read(&bytes, &wanted)?;
        if manifest.layers.len() > LAYERS_MAX {
            let reason = format!("{} layers, at most {LAYERS_MAX} are taken", manifest.layers.len());
            return Err(self.client.failed(&name.to_string(), &reason));
        }
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            self.blob(layout, name, blob)?;
        }
        let digest = layout.put_blob(document::MANIFEST, &bytes)?.digest;
        layout.tag(digest, &local_name(name, digest))?;
        Ok(digest)
    }

    /// The digest that a name stands for in its registry now.
    pub fn resolve(&self, name: &ImageName) -> Result<Digest, OciError> {
        Ok(Digest::of_bytes(&self.manifest(name, &name.wanted())?))
    }

    fn manifest(&self, name: &ImageName, wanted: &str) -> Result<Vec<u8>, OciError> {
        let mut answer = self.client.ask(&Ask {
            method: Method::GET,
            to: format!("/v2/{}/manifests/{wanted}", name.repository),
            headers: vec![("accept", ACCEPT.to_owned())],
            body: Content::Nothing,
            scope: scope(name),
        })?;
        let what = format!("manifest {wanted} of {}", name.repository);
        if !answer.status().is_success() {
            return Err(self.client.unexpected(answer, &what));
        }
        let bytes = self.client.document(&mut answer, &what)?;
        let found = Digest::of_bytes(&bytes);
        if wanted.parse::<Digest>().is_ok_and(|wanted| wanted != found) {
            return Err(self.client.failed(&what, &format!("its content is {found}")));
        }
        Ok(bytes)
    }

    fn blob(&self, layout: &Layout, name: &ImageName, blob: &Descriptor) -> Result<(), OciError> {
        if layout.has(&blob.digest) {
            return Ok(());
        }
        let what = format!("blob {}", blob.digest);
        if blob.size > LAYER_BYTES_MAX {
            return Err(self.client.failed(
                &what,
                &format!("{} bytes, at most {LAYER_BYTES_MAX} are taken", blob.size),
            ));
        }
        let mut answer = self.client.ask(&Ask {
            method: Method::GET,
            to: format!("/v2/{}/blobs/{}", name.repository, blob.digest),
            headers: Vec::new(),
            body: Content::Nothing,
            scope: scope(name),
        })?;
        if !answer.status().is_success() {
            return Err(self.client.unexpected(answer, &what));
        }
        layout.receive_blob(&blob.digest, |to| {
            // One byte more than announced is enough to know that it is another content.
            let mut from = answer.body_mut().as_reader().take(blob.size + 1);
            io::copy(&mut from, to).map_err(|e| self.client.failed(&what, &e.to_string()))?;
            Ok(())
        })
    }
}

fn scope(name: &ImageName) -> Scope<'_> {
    Scope {
        repository: &name.repository,
        write: false,
    }
}

/// `cart:v1.2.3`, or `cart:sha256-...` for one that was asked for by digest.
fn local_name(name: &ImageName, digest: Digest) -> String {
    let service = name.repository.rsplit('/').next().unwrap_or(&name.repository);
    let tag = name
        .tag
        .clone()
        .unwrap_or_else(|| format!("sha256-{}", digest.short()));
    format!("{service}:{tag}")
}

fn is_index(bytes: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    value.get("manifests").is_some_and(serde_json::Value::is_array)
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, OciError> {
    serde_json::from_slice(bytes).map_err(|e| OciError::format(format!("manifest {what}"), &e))
}
