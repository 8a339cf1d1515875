//! Artifacts that are no images, a packed chart for example: a configuration and a few blobs, small enough for memory. And
//! single files over HTTP, with the same credentials, certificates and tries.

use std::collections::BTreeMap;
use std::io::Read as _;

use ureq::http::{Method, Response};
use windlass_core::digest::Digest;

use super::client::{Ask, Client, Content, Scope};
use super::{Credentials, ImageName, Registry};
use crate::OciError;
use crate::document::{self, Descriptor, Manifest};
use crate::layout::encode;

/// Bytes of one blob or file.
const BYTES_MAX: u64 = 200 << 20;
/// Blobs of one artifact.
const BLOBS_MAX: usize = 16;
/// Pages of a list of tags.
const PAGES_MAX: usize = 100;

/// What an artifact consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Artifact {
    /// Media type and content of the configuration.
    pub config: (String, Vec<u8>),
    /// Media types and contents of the blobs.
    pub blobs: Vec<(String, Vec<u8>)>,
    /// Free notes in the manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Registry {
    /// Sends an artifact under the tag of `name`. Returns the digest of its manifest.
    pub fn push_artifact(&self, name: &ImageName, artifact: &Artifact) -> Result<Digest, OciError> {
        let config = Descriptor::of(&artifact.config.0, &artifact.config.1);
        self.put_blob(name, &config, &artifact.config.1)?;
        let mut layers = Vec::new();
        for (kind, bytes) in &artifact.blobs {
            let blob = Descriptor::of(kind, bytes);
            self.put_blob(name, &blob, bytes)?;
            layers.push(blob);
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: document::MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: artifact.annotations.clone(),
        };
        let bytes = encode(&manifest)?;
        let wanted = name.wanted();
        let headers = vec![("content-type", document::MANIFEST.to_owned())];
        let to = format!("/v2/{}/manifests/{wanted}", name.repository);
        let stored = self.ask(Method::PUT, to, headers, Content::Bytes(&bytes), name, true)?;
        if stored.status() == 201 {
            Ok(Digest::of_bytes(&bytes))
        } else {
            Err(self.client.unexpected(stored, &format!("manifest {wanted}")))
        }
    }

    /// Fetches an artifact; every content is checked against its digest. Blobs whose type is not among `kinds` stay.
    pub fn pull_artifact(&self, name: &ImageName, kinds: &[&str]) -> Result<(Digest, Artifact), OciError> {
        let wanted = name.wanted();
        let what = format!("manifest {wanted} of {}", name.repository);
        let to = format!("/v2/{}/manifests/{wanted}", name.repository);
        let bytes = self.get(name, to, document::MANIFEST, &what)?;
        let digest = Digest::of_bytes(&bytes);
        if wanted.parse::<Digest>().is_ok_and(|wanted| wanted != digest) {
            return Err(self.client.failed(&what, &format!("its content is {digest}")));
        }
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| OciError::format(&what, &error))?;
        if manifest.layers.len() > BLOBS_MAX {
            return Err(self.client.failed(&what, &format!("more than {BLOBS_MAX} blobs")));
        }
        let config = self.checked(name, &manifest.config)?;
        let mut blobs = Vec::new();
        for layer in manifest
            .layers
            .iter()
            .filter(|it| kinds.contains(&it.media_type.as_str()))
        {
            blobs.push((layer.media_type.clone(), self.checked(name, layer)?));
        }
        let artifact = Artifact {
            config: (manifest.config.media_type, config),
            blobs,
            annotations: manifest.annotations,
        };
        Ok((digest, artifact))
    }

    /// Every tag of a repository.
    pub fn tags(&self, name: &ImageName) -> Result<Vec<String>, OciError> {
        #[derive(serde::Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let what = format!("the tags of {}", name.repository);
        let mut to = format!("/v2/{}/tags/list", name.repository);
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut answer = self.ask(Method::GET, to, Vec::new(), Content::Nothing, name, false)?;
            if !answer.status().is_success() {
                return Err(self.client.unexpected(answer, &what));
            }
            let next = next_page(&answer);
            let bytes = body(&self.client, &mut answer, &what)?;
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|error| OciError::format(&what, &error))?;
            all.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) => to = next,
                None => break,
            }
        }
        Ok(all)
    }

    fn ask(
        &self,
        method: Method,
        to: String,
        headers: Vec<(&'static str, String)>,
        body: Content<'_>,
        name: &ImageName,
        write: bool,
    ) -> Result<Response<ureq::Body>, OciError> {
        let scope = Scope {
            repository: &name.repository,
            write,
        };
        self.client.ask(&Ask {
            method,
            to,
            headers,
            body,
            scope,
        })
    }

    fn get(&self, name: &ImageName, to: String, accept: &str, what: &str) -> Result<Vec<u8>, OciError> {
        let headers = vec![("accept", accept.to_owned())];
        let mut answer = self.ask(Method::GET, to, headers, Content::Nothing, name, false)?;
        if !answer.status().is_success() {
            return Err(self.client.unexpected(answer, what));
        }
        body(&self.client, &mut answer, what)
    }

    fn checked(&self, name: &ImageName, blob: &Descriptor) -> Result<Vec<u8>, OciError> {
        let what = format!("blob {} of {}", blob.digest, name.repository);
        let to = format!("/v2/{}/blobs/{}", name.repository, blob.digest);
        let bytes = self.get(name, to, "*/*", &what)?;
        let found = Digest::of_bytes(&bytes);
        if found != blob.digest {
            return Err(self.client.failed(&what, &format!("its content is {found}")));
        }
        Ok(bytes)
    }

    fn put_blob(&self, name: &ImageName, blob: &Descriptor, bytes: &[u8]) -> Result<(), OciError> {
        let at = format!("/v2/{}/blobs/{}", name.repository, blob.digest);
        let there = self.ask(Method::HEAD, at, Vec::new(), Content::Nothing, name, true)?;
        if there.status().is_success() {
            return Ok(());
        }
        let what = format!("upload of {}", blob.digest);
        let to = format!("/v2/{}/blobs/uploads/", name.repository);
        let begun = self.ask(Method::POST, to, Vec::new(), Content::Nothing, name, true)?;
        if begun.status() != 202 {
            return Err(self.client.unexpected(begun, &what));
        }
        let place = begun
            .headers()
            .get("location")
            .and_then(|place| place.to_str().ok());
        let Some(place) = place else {
            return Err(self.client.failed(&what, "it does not say where to"));
        };
        let glue = if place.contains('?') { '&' } else { '?' };
        let to = format!("{place}{glue}digest={}", blob.digest);
        let headers = vec![("content-type", "application/octet-stream".to_owned())];
        let stored = self.ask(Method::PUT, to, headers, Content::Bytes(bytes), name, true)?;
        if stored.status() == 201 {
            Ok(())
        } else {
            Err(self.client.unexpected(stored, &what))
        }
    }
}

/// Fetches one file by its URL.
pub fn download(url: &str, credentials: Credentials) -> Result<Vec<u8>, OciError> {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let client = Client::new(host, credentials);
    let scope = Scope {
        repository: "",
        write: false,
    };
    let mut answer = client.ask(&Ask {
        method: Method::GET,
        to: url.to_owned(),
        headers: Vec::new(),
        body: Content::Nothing,
        scope,
    })?;
    if !answer.status().is_success() {
        return Err(client.unexpected(answer, url));
    }
    body(&client, &mut answer, url)
}

fn body(client: &Client, answer: &mut Response<ureq::Body>, what: &str) -> Result<Vec<u8>, OciError> {
    let mut bytes = Vec::new();
    let mut reader = answer.body_mut().as_reader().take(BYTES_MAX + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| client.failed(what, &error.to_string()))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(client.failed(what, &format!("more than {BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// `Link: </v2/a/tags/list?last=x>; rel="next"`.
fn next_page(answer: &Response<ureq::Body>) -> Option<String> {
    let link = answer.headers().get("link")?.to_str().ok()?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| target.to_owned())
}
