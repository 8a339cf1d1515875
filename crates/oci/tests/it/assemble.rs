//! Assembly: same input, same image; names; referrers; programs for other machines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use windlass_oci::{Architecture, Asset, Component, ImageSpec, Layout, OciError, SBOM_TYPE, cyclonedx};

/// The head of an ELF program for a machine, and some content.
pub(crate) fn program(machine: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn native() -> u16 {
    if Architecture::NATIVE == Architecture::Arm64 {
        183
    } else {
        62
    }
}

pub(crate) fn spec(folder: &Path, content: &[u8]) -> ImageSpec {
    let binary = folder.join("program");
    fs::write(&binary, program(native(), content)).expect("the folder is writable");
    ImageSpec {
        binary,
        name: "shop".to_owned(),
        assets: vec![
            Asset {
                path: "/srv/z.txt".to_owned(),
                bytes: b"last".to_vec(),
                executable: false,
            },
            Asset {
                path: "/srv/a/deep.sh".to_owned(),
                bytes: b"#!/bin/sh\n".to_vec(),
                executable: true,
            },
        ],
        env: BTreeMap::from([("MODE".to_owned(), "test".to_owned())]),
        labels: BTreeMap::from([("org.opencontainers.image.revision".to_owned(), "abc".to_owned())]),
        health: vec!["health".to_owned()],
        ports: vec![3000],
        ..ImageSpec::default()
    }
}

#[test]
fn the_same_input_in_two_folders_is_the_same_image() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Layout::open(&one.path().join("layout"))
        .unwrap()
        .assemble(&spec(one.path(), b"x"))
        .unwrap();
    let mut moved = spec(two.path(), b"x");
    moved.assets.reverse();
    let second = Layout::open(&two.path().join("elsewhere"))
        .unwrap()
        .assemble(&moved)
        .unwrap();
    assert_eq!(first, second);
    let third = Layout::open(&two.path().join("elsewhere"))
        .unwrap()
        .assemble(&spec(two.path(), b"y"))
        .unwrap();
    assert_ne!(first, third, "another program is another image");
}

#[test]
fn an_image_runs_as_nobody_special_and_tells_its_health_command() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let digest = layout.assemble(&spec(folder.path(), b"x")).unwrap();
    layout.tag(digest, "shop:v1").unwrap();
    let seen = layout.inspect(digest).unwrap();
    assert_eq!(seen.image.config.user, "10001:10001");
    assert_eq!(seen.image.config.entrypoint, ["/usr/local/bin/shop"]);
    assert_eq!(
        seen.image.config.healthcheck.unwrap().test,
        ["CMD", "/usr/local/bin/shop", "health"]
    );
    assert_eq!(
        seen.image.config.env,
        ["MODE=test", "PATH=/usr/local/bin:/usr/bin:/bin"]
    );
    assert_eq!(seen.image.architecture, Architecture::NATIVE.name());
    assert_eq!(seen.names, ["shop:v1"]);
    assert_eq!(seen.manifest.layers.len(), 3);
}

#[test]
fn a_name_moves_and_a_digest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let old = layout.assemble(&spec(folder.path(), b"old")).unwrap();
    let new = layout.assemble(&spec(folder.path(), b"new")).unwrap();
    layout.tag(old, "shop:latest").unwrap();
    layout.tag(new, "shop:latest").unwrap();
    assert_eq!(layout.resolve("shop:latest").unwrap(), new);
    assert_eq!(
        layout.resolve(&format!("ghcr.io/company/shop@{old}")).unwrap(),
        old
    );
    let missing = layout.resolve("shop:v9").unwrap_err().to_string();
    assert!(
        missing.contains("shop:v9") && missing.contains("hint:"),
        "{missing}"
    );
}

#[test]
fn a_bill_of_materials_is_found_by_the_image_that_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let digest = layout.assemble(&spec(folder.path(), b"x")).unwrap();
    let serde = Component {
        name: "serde".into(),
        version: "1.0.0".into(),
        license: Some("MIT".into()),
        checksum: None,
    };
    let bill = cyclonedx("shop", "v1", &[serde.clone(), serde]);
    assert_eq!(
        String::from_utf8_lossy(&bill)
            .matches("pkg:cargo/serde@1.0.0\",\"licenses")
            .count(),
        1
    );
    let attached = layout.attach(digest, SBOM_TYPE, &bill).unwrap();
    assert_eq!(
        layout.attach(digest, SBOM_TYPE, &bill).unwrap(),
        attached,
        "attaching twice changes nothing"
    );
    let referrers = layout.referrers(&digest).unwrap();
    assert_eq!(referrers.len(), 1);
    let blob = layout.manifest(&referrers[0].digest).unwrap().layers[0].digest;
    assert_eq!(layout.read_blob(&blob).unwrap(), bill);
}

#[test]
fn what_is_no_program_of_this_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let cases: [(&[u8], &str); 3] = [
        (b"#!/bin/sh\n", "not a Linux program"),
        (&program(243, b""), "machine type 243"),
        (&program(native(), b"")[..10], "too short"),
    ];
    for (bytes, expected) in cases {
        let mut spec = spec(folder.path(), b"");
        spec.binary = folder.path().join("other");
        fs::write(&spec.binary, bytes).unwrap();
        let error = layout.assemble(&spec).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("hint:"), "{error}");
    }
    // One program header, of the type that names a loader.
    let mut dynamic = spec(folder.path(), b"");
    dynamic.binary = folder.path().join("dynamic");
    let mut bytes = program(native(), &[3, 0, 0, 0]);
    (bytes[32], bytes[54], bytes[56]) = (64, 56, 1);
    fs::write(&dynamic.binary, bytes).unwrap();
    assert!(matches!(layout.assemble(&dynamic), Err(OciError::Dynamic { .. })));
    let other = if native() == 62 { 183 } else { 62 };
    let error = windlass_oci::require_native("shop", &program(other, b"")).unwrap_err();
    assert!(matches!(error, OciError::Foreign { .. }), "{error}");
}

#[test]
fn an_asset_stays_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let mut spec = spec(folder.path(), b"x");
    spec.assets[0].path = "/srv/../../etc/shadow".to_owned();
    assert!(matches!(layout.assemble(&spec), Err(OciError::Unsafe { .. })));
}
