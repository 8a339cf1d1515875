//! Unpacking: what the layers hold, and layers that were made to do harm.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use windlass_core::digest::Digest;
use windlass_oci::{Layout, OciError};

use crate::assemble::spec;

/// One entry of a layer: kind, path, link target or content.
type Entry<'a> = (tar::EntryType, &'a str, &'a str);

const FILE: tar::EntryType = tar::EntryType::Regular;
const LINK: tar::EntryType = tar::EntryType::Symlink;
const HARD: tar::EntryType = tar::EntryType::Link;

/// An archive with paths exactly as given, which the builder's own checks would refuse.
fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, path, text) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let content = if *kind == FILE { *text } else { "" };
        header.set_size(content.len() as u64);
        if *kind != FILE {
            header.as_mut_bytes()[157..157 + text.len()].copy_from_slice(text.as_bytes());
        }
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn put(layout: &Layout, bytes: &[u8]) -> (Digest, usize) {
    let digest = Digest::of_bytes(bytes);
    fs::write(layout.path().join("blobs/sha256").join(digest.hex()), bytes).expect("the layout is writable");
    (digest, bytes.len())
}

/// An image of layers as given; a layer is gzip when its media type says so.
fn image(layout: &Layout, layers: &[(&str, Vec<u8>)]) -> Digest {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Env": null}, "rootfs": {"type": "layers", "diff_ids": []}});
    let (config, config_size) = put(layout, config.to_string().as_bytes());
    let layers: Vec<_> = layers
        .iter()
        .map(|(kind, bytes)| {
            let (digest, size) = put(layout, bytes);
            json!({"mediaType": format!("application/vnd.oci.image.layer.v1.{kind}"), "digest": digest, "size": size})
        })
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size}, "layers": layers});
    put(layout, manifest.to_string().as_bytes()).0
}

fn read(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path)).ok()
}

#[test]
fn an_assembled_image_unpacks_once() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    let digest = layout.assemble(&spec(folder.path(), b"x")).unwrap();
    let into = folder.path().join("images");
    let (root, image) = layout.unpack(digest, &into).unwrap();
    assert_eq!(read(&root, "srv/z.txt").as_deref(), Some("last"));
    assert!(root.join("usr/local/bin/shop").is_file());
    assert_eq!(image.config.user, "10001:10001");
    fs::write(root.join("mark"), "").unwrap();
    layout.unpack(digest, &into).unwrap();
    assert!(
        root.join("mark").exists(),
        "a complete image is not unpacked again"
    );
    fs::remove_file(into.join(digest.hex()).join("complete.json")).unwrap();
    layout.unpack(digest, &into).unwrap();
    assert!(!root.join("mark").exists(), "a half-unpacked image is made anew");
}

#[test]
fn layers_that_reach_outside_are_refused() {
    let cases: [&[Entry<'_>]; 6] = [
        &[(FILE, "../evil", "x")],
        &[(FILE, "a/../../evil", "x")],
        &[(LINK, "out", "/"), (FILE, "out/evil", "x")],
        &[(LINK, "out", ".."), (FILE, "out/evil", "x")],
        &[(HARD, "copy", "../secret")],
        &[(tar::EntryType::Fifo, "pipe", "")],
    ];
    for entries in cases {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("layout")).unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        let digest = image(&layout, &[("tar", layer(entries))]);
        let error = layout.unpack(digest, &folder.path().join("images")).unwrap_err();
        assert!(matches!(error, OciError::Unsafe { .. }), "{entries:?}: {error}");
        assert!(!folder.path().join("evil").exists() && !Path::new("/evil").exists());
    }
}

#[test]
fn a_link_is_replaced_and_never_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "before").unwrap();
    let name = victim.to_str().unwrap();
    let digest = image(
        &layout,
        &[("tar", layer(&[(LINK, "a", name), (FILE, "a", "after")]))],
    );
    let (root, _) = layout.unpack(digest, &folder.path().join("images")).unwrap();
    assert_eq!(read(&root, "a").as_deref(), Some("after"));
    assert_eq!(fs::read_to_string(victim).unwrap(), "before");
}

#[test]
fn upper_layers_hide_what_they_remove() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&layer(&[
        (FILE, "a/.wh.one", ""),
        (FILE, "b/.wh..wh..opq", ""),
        (FILE, "b/new", "n"),
    ]))
    .unwrap();
    let lower = layer(&[(FILE, "a/one", "1"), (FILE, "a/two", "2"), (FILE, "b/old", "o")]);
    let digest = image(&layout, &[("tar", lower), ("tar+gzip", gzip.finish().unwrap())]);
    let (root, _) = layout.unpack(digest, &folder.path().join("images")).unwrap();
    let found = ["a/one", "a/two", "b/old", "b/new"].map(|path| read(&root, path));
    assert_eq!(found, [None, Some("2".to_owned()), None, Some("n".to_owned())]);
}

#[test]
fn a_damaged_layer_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    let digest = layout.assemble(&spec(folder.path(), b"x")).unwrap();
    let blob = layout.manifest(&digest).unwrap().layers[1].digest;
    let path = layout.path().join("blobs/sha256").join(blob.hex());
    let mut bytes = fs::read(&path).unwrap();
    *bytes.get_mut(600).unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = layout.unpack(digest, &folder.path().join("images")).unwrap_err();
    assert!(matches!(error, OciError::Damaged { .. }), "{error}");
}
