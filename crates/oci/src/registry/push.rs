//! An image of a layout into a registry: what is there already is not sent, tags come last.

use serde::Serialize;
use ureq::http::Method;
use windlass_core::digest::Digest;

use super::client::{Ask, Content, Scope};
use super::{ImageName, Registry};
use crate::OciError;
use crate::document::{self, Descriptor, Index};
use crate::layout::{Layout, encode};

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The image by its digest: `ghcr.io/company/cart@sha256:...`.
    pub name: String,
    /// Bytes that were sent; what the registry had is not among them.
    pub sent: u64,
    /// Artifacts about it (SBOMs, signatures) that went along.
    pub artifacts: usize,
}

impl Registry {
    /// Sends an image with its artifacts and gives it tags. `to` names registry and repository; its own tag is one of them.
    pub fn push(
        &self,
        layout: &Layout,
        digest: Digest,
        to: &ImageName,
        tags: &[String],
    ) -> Result<Pushed, OciError> {
        let to_repository = To {
            registry: self,
            layout,
            repository: &to.repository,
        };
        let mut sent = to_repository.image(digest)?;
        let artifacts = layout.referrers(&digest)?;
        for artifact in &artifacts {
            sent += to_repository.image(artifact.digest)?;
            to_repository.refer(digest, artifact)?;
        }
        for tag in to.tag.iter().chain(tags) {
            let bytes = layout.read_blob(&digest)?;
            to_repository.manifest(tag, &bytes)?;
        }
        let name = ImageName {
            tag: None,
            digest: Some(digest),
            ..to.clone()
        };
        Ok(Pushed {
            name: name.to_string(),
            sent,
            artifacts: artifacts.len(),
        })
    }
}

struct To<'a> {
    registry: &'a Registry,
    layout: &'a Layout,
    repository: &'a str,
}

impl To<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            repository: self.repository,
            write: true,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }

    fn ask(
        &self,
        method: Method,
        to: String,
        headers: Vec<(&'static str, String)>,
        body: Content<'_>,
    ) -> Result<ureq::http::Response<ureq::Body>, OciError> {
        self.registry.client.ask(&Ask {
            method,
            to,
            headers,
            body,
            scope: self.scope(),
        })
    }

    /// Blobs and manifest of an image or artifact, by digest. Returns the bytes sent.
    fn image(&self, digest: Digest) -> Result<u64, OciError> {
        let manifest = self.layout.manifest(&digest)?;
        let mut sent = 0;
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            sent += self.blob(blob)?;
        }
        let bytes = self.layout.read_blob(&digest)?;
        self.manifest(&digest.to_string(), &bytes)?;
        Ok(sent)
    }

    fn blob(&self, blob: &Descriptor) -> Result<u64, OciError> {
        let at = self.path(&format!("blobs/{}", blob.digest));
        let there = self.ask(Method::HEAD, at, Vec::new(), Content::Nothing)?;
        if there.status().is_success() {
            return Ok(0);
        }
        let begun = self.ask(
            Method::POST,
            self.path("blobs/uploads/"),
            Vec::new(),
            Content::Nothing,
        )?;
        let what = || format!("upload of {}", blob.digest);
        if begun.status() != 202 {
            return Err(self.registry.client.unexpected(begun, &what()));
        }
        let place = begun
            .headers()
            .get("location")
            .and_then(|place| place.to_str().ok());
        let Some(place) = place else {
            return Err(self.registry.client.failed(&what(), "it does not say where to"));
        };
        let glue = if place.contains('?') { '&' } else { '?' };
        let to = format!("{place}{glue}digest={}", blob.digest);
        let headers = vec![("content-type", "application/octet-stream".to_owned())];
        self.layout.verify(&blob.digest)?;
        let path = self.layout.blob(&blob.digest);
        let body = Content::File {
            path: &path,
            size: blob.size,
        };
        let stored = self.ask(Method::PUT, to, headers, body)?;
        if stored.status() == 201 {
            Ok(blob.size)
        } else {
            Err(self.registry.client.unexpected(stored, &what()))
        }
    }

    /// Returns whether the registry keeps referrers by itself.
    fn manifest(&self, reference: &str, bytes: &[u8]) -> Result<bool, OciError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            media_type: Option<String>,
        }
        let kind = serde_json::from_slice::<Kind>(bytes)
            .ok()
            .and_then(|kind| kind.media_type);
        let headers = vec![(
            "content-type",
            kind.unwrap_or_else(|| document::MANIFEST.to_owned()),
        )];
        let to = self.path(&format!("manifests/{reference}"));
        let stored = self.ask(Method::PUT, to, headers, Content::Bytes(bytes))?;
        if stored.status() == 201 {
            Ok(stored.headers().contains_key("oci-subject"))
        } else {
            Err(self
                .registry
                .client
                .unexpected(stored, &format!("manifest {reference}")))
        }
    }

    /// Registries that know no referrers keep a list of them under a tag (specification, "Referrers Tag Schema").
    fn refer(&self, subject: Digest, artifact: &Descriptor) -> Result<(), OciError> {
        let bytes = self.layout.read_blob(&artifact.digest)?;
        if self.manifest(&artifact.digest.to_string(), &bytes)? {
            return Ok(());
        }
        let tag = format!("sha256-{}", subject.hex());
        let to = self.path(&format!("manifests/{tag}"));
        let headers = vec![("accept", document::INDEX.to_owned())];
        let mut found = self.ask(Method::GET, to, headers, Content::Nothing)?;
        let mut index = if found.status().is_success() {
            let bytes = self.registry.client.document(&mut found, &tag)?;
            serde_json::from_slice(&bytes).map_err(|e| OciError::format(format!("index {tag}"), &e))?
        } else {
            Index {
                schema_version: 2,
                media_type: document::INDEX.to_owned(),
                manifests: Vec::new(),
            }
        };
        if index
            .manifests
            .iter()
            .any(|entry| entry.digest == artifact.digest)
        {
            return Ok(());
        }
        index.manifests.push(artifact.clone());
        self.manifest(&tag, &encode(&index)?).map(|_| ())
    }
}
