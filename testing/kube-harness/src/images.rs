//! Images of an OCI layout on disk, brought to a real node under the names by which pods ask for them: nothing is pulled then.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{Error, Node};

/// Where the kubelet looks.
const NAMESPACE: &str = "k8s.io";
/// What images without a registry in their names are taken to be from.
const REGISTRY: &str = "docker.io";

/// An image as a pod names it.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name without a digest: `web`, `ghcr.io/company/web:v1`.
    pub name: String,
    /// The digest of its manifest, `sha256:...`.
    pub digest: String,
}

impl Image {
    /// Names under which pods find it: by its digest, and by its tag where it has one.
    fn names(&self) -> Vec<String> {
        let name = complete(&self.name);
        let (repository, tag) = split_tag(&name);
        let pinned = format!("{repository}@{}", self.digest);
        tag.map_or_else(|| vec![pinned.clone()], |_| vec![pinned.clone(), name.clone()])
    }
}

/// Imports images of a layout.
pub fn load(node: &Node, layout: &Path, images: &[Image]) -> Result<(), Error> {
    for image in images {
        let archive = archive(layout, image)?;
        let failed = |cause: String| Error::Image {
            name: image.name.clone(),
            cause,
        };
        let mut import = Command::new("ctr")
            .arg("--address")
            .arg(&node.containerd)
            .args(["--namespace", NAMESPACE, "images", "import", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("cannot run ctr"))?;
        let written = import.stdin.take().map(|mut input| input.write_all(&archive));
        let output = import
            .wait_with_output()
            .map_err(Error::io("cannot wait for ctr"))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        if let Some(Err(error)) = written {
            return Err(failed(error.to_string()));
        }
    }
    Ok(())
}

/// The layout reduced to one image, as an archive.
fn archive(layout: &Path, image: &Image) -> Result<Vec<u8>, Error> {
    let manifest = blob(layout, &image.digest)?;
    let parsed: Value = serde_json::from_slice(&manifest).map_err(|error| Error::Image {
        name: image.name.clone(),
        cause: format!("its manifest is no JSON: {error}"),
    })?;
    let listed = parsed["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = std::iter::once(&parsed["config"]).chain(listed);
    let manifests: Vec<Value> = image
        .names()
        .into_iter()
        .map(|name| {
            json!({
                "mediaType": parsed["mediaType"], "digest": image.digest, "size": manifest.len(),
                "annotations": { "io.containerd.image.name": name },
            })
        })
        .collect();
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    let mut files = vec![
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ];
    for part in parts {
        let digest = part["digest"].as_str().unwrap_or_default();
        files.push((path(digest), blob(layout, digest)?));
    }
    files.push((path(&image.digest), manifest));
    pack(files).map_err(Error::io(format!("cannot pack the image {}", image.name)))
}

fn pack(mut files: Vec<(String, Vec<u8>)>) -> std::io::Result<Vec<u8>> {
    // Layers that are the same are one file.
    files.sort();
    files.dedup();
    let mut out = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        out.append_data(&mut header, path, content.as_slice())?;
    }
    out.into_inner()
}

fn blob(layout: &Path, digest: &str) -> Result<Vec<u8>, Error> {
    let path = layout.join(path(digest));
    fs::read(&path).map_err(Error::io(format!("cannot read {}", path.display())))
}

fn path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// With what is left out in a short name.
fn complete(name: &str) -> String {
    match name.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("{REGISTRY}/{name}"),
        None => format!("{REGISTRY}/library/{name}"),
    }
}

fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        // A port of the registry is no tag.
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_a_kubelet_asks_for() {
        let digest = "sha256:1234";
        for (name, expected) in [
            ("web", &["docker.io/library/web@sha256:1234"][..]),
            ("shop/web", &["docker.io/shop/web@sha256:1234"]),
            ("localhost:5000/web", &["localhost:5000/web@sha256:1234"]),
            (
                "ghcr.io/company/web:v1",
                &["ghcr.io/company/web@sha256:1234", "ghcr.io/company/web:v1"],
            ),
        ] {
            let image = Image {
                name: name.to_owned(),
                digest: digest.to_owned(),
            };
            assert_eq!(image.names(), expected, "{name}");
        }
    }
}
