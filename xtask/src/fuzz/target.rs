//! What is fed. A target answers whether all went well: an error is well, a panic within a render's thread is not.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use windlass_chart::values::set::{Reading, set};
use windlass_chart::{
    Capabilities, Limits, Profile, ReleaseInfo, Value, archive, load_from_files, render, values, yaml,
};

use super::corpus;

/// Name, corpus, function.
pub(super) type Target = (&'static str, &'static [&'static [u8]], fn(&[u8]) -> bool);

pub(super) const TARGETS: &[Target] = &[
    ("template", corpus::TEMPLATES, template),
    ("yaml", corpus::YAML, read_yaml),
    ("archive", corpus::ARCHIVES, read_archive),
    ("coalesce", corpus::YAML, coalesce),
    ("set", corpus::SETS, read_set),
];

/// Small enough that a million runs take minutes.
fn limits() -> Limits {
    Limits {
        input_bytes_max: 1 << 20,
        output_bytes_max: 1 << 20,
        yaml_nodes_max: 100_000,
        steps_max: 20_000,
        list_items_max: 10_000,
        ..Limits::default()
    }
}

fn rendered(files: BTreeMap<String, Vec<u8>>, values: Value) -> bool {
    let release = ReleaseInfo {
        name: "release".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    };
    let Ok(chart) = load_from_files(files, &limits()) else {
        return true;
    };
    match render(&chart, values, &release, &Capabilities::default(), Profile::Helm4) {
        Ok(_) => true,
        Err(error) => !error.to_string().contains("gave up"),
    }
}

fn files(parts: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    let about: (&str, &[u8]) = ("Chart.yaml", b"apiVersion: v2\nname: fuzz\nversion: 0.1.0\n");
    std::iter::once(&about)
        .chain(parts)
        .map(|(name, data)| ((*name).to_owned(), data.to_vec()))
        .collect()
}

fn template(input: &[u8]) -> bool {
    let values = b"a: {b: 1, c: [1, two, null], d: {e: f}}\ntext: \"{{ .Values.a.b }}\"\nnumber: 1e6\n";
    rendered(
        files(&[("templates/a.yaml", input), ("values.yaml", values)]),
        Value::empty_map(),
    )
}

fn read_yaml(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let Ok(documents) = yaml::parse(&text) else {
        return true;
    };
    // What was read is written and read again: it must be the same.
    let template =
        b"{{ toYaml .Values.it }}{{ toJson .Values.it | fromJson | toYaml }}{{ toYamlPretty .Values.it }}";
    let it = documents.into_iter().next().unwrap_or_default();
    let values = Value::Map([("it".to_owned(), it)].into());
    rendered(files(&[("templates/NOTES.txt", template)]), values)
}

/// The input as an archive, and an archive that is whole but for what the input does to what is packed in it.
fn read_archive(input: &[u8]) -> bool {
    stays_within(input) && packed(&changed(input)).is_some_and(|it| stays_within(&it))
}

fn stays_within(archive: &[u8]) -> bool {
    let Ok(found) = archive::files(archive, &limits()) else {
        return true;
    };
    found
        .keys()
        .all(|it| !it.starts_with('/') && !it.split('/').any(|it| it == ".."))
}

const BLOCK: usize = 512;

/// A tar with pieces of the input over it. The sums of its headers are right, so that what they say is read.
fn changed(input: &[u8]) -> Vec<u8> {
    let mut tar = whole();
    let mut place = 7_usize;
    for piece in input.chunks(6) {
        place = piece.iter().fold(place, |it, byte| {
            it.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        // Headers are where it matters most.
        let at = match place % 3 {
            0 => place % tar.len(),
            _ => place % (tar.len() / BLOCK) * BLOCK + place / 7 % BLOCK,
        };
        let end = (at + piece.len()).min(tar.len());
        tar[at..end].copy_from_slice(&piece[..end - at]);
    }
    for header in tar.chunks_exact_mut(BLOCK).filter(|it| it[257..262] == *b"ustar") {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|it| u32::from(*it)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}

/// A tar of a chart.
fn whole() -> Vec<u8> {
    static TAR: OnceLock<Vec<u8>> = OnceLock::new();
    let tar = || {
        let files = files(&[("templates/a.yaml", b"a: 1\n"), ("values.yaml", b"b: 2\n")]);
        let archive = archive::pack("chart", &files).unwrap_or_default();
        let mut tar = Vec::new();
        let _ = GzDecoder::new(archive.as_slice()).read_to_end(&mut tar);
        tar
    };
    TAR.get_or_init(tar).clone()
}

fn packed(tar: &[u8]) -> Option<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(tar).ok()?;
    gzip.finish().ok()
}

fn coalesce(input: &[u8]) -> bool {
    let half = input.len() / 2;
    let (parent, user) = input.split_at(half);
    let Ok(user) = values::read_file(user, Profile::Helm4, &limits()) else {
        return true;
    };
    let child: &[u8] = b"apiVersion: v2\nname: child\nversion: 0.1.0\n";
    let parts: [(&str, &[u8]); 4] = [
        ("values.yaml", parent),
        ("charts/child/Chart.yaml", child),
        ("charts/child/values.yaml", parent),
        ("templates/NOTES.txt", b"{{ toYaml .Values }}"),
    ];
    rendered(files(&parts), Value::Map(user))
}

fn read_set(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let mut map = BTreeMap::new();
    for reading in [Reading::Typed, Reading::Text, Reading::Json, Reading::Literal] {
        // Errors are fine.
        let _ = set(&text, &mut map, &reading);
    }
    true
}
