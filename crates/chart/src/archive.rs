//! Packed charts: tar files compressed by gzip. Nothing outside of the chart's folder is ever named by one.

use std::collections::BTreeMap;
use std::io::Read;

use crate::functions::clean_path;
use crate::load::File;
use crate::{ChartError, Limits};

/// The chart's files, without the archive's top folder. At most `bytes_max` bytes are unpacked.
pub(crate) fn unpack(data: &[u8], limits: &Limits, bytes_max: usize) -> Result<Vec<File>, ChartError> {
    let fail = |what: &str| ChartError::Load(what.to_owned());
    let gzip = flate2::read::GzDecoder::new(data);
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut archive = tar::Archive::new(gzip.take(limit.saturating_mul(2)));
    let mut files = Vec::new();
    let mut total = 0;
    for entry in archive.entries().map_err(|it| fail(&it.to_string()))? {
        let mut entry = entry.map_err(|it| fail(&it.to_string()))?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        if kind.is_symlink() || kind.is_hard_link() {
            return Err(fail("chart illegally contains links"));
        }
        let path = entry.path_bytes().replace(b"\\", b"/");
        let path = String::from_utf8_lossy(&path).into_owned();
        let name = inner_name(&path)?;
        total += usize::try_from(entry.size()).unwrap_or(usize::MAX);
        if total > bytes_max {
            return Err(ChartError::Limit(format!(
                "decompressed chart is larger than the maximum size {bytes_max}"
            )));
        }
        if files.len() >= limits.files_max {
            return Err(ChartError::Limit(format!(
                "the chart has more than {} files",
                limits.files_max
            )));
        }
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|it| fail(&it.to_string()))?;
        let content = content
            .strip_prefix("\u{FEFF}".as_bytes())
            .map(<[u8]>::to_vec)
            .unwrap_or(content);
        files.push(File {
            name,
            data: content.into(),
        });
    }
    if files.is_empty() {
        return Err(fail("no files in chart archive"));
    }
    Ok(files)
}

/// The files of a packed chart, by their paths from its root.
pub fn files(data: &[u8], limits: &Limits) -> Result<BTreeMap<String, Vec<u8>>, ChartError> {
    let files = unpack(data, limits, limits.input_bytes_max)?;
    Ok(files.into_iter().map(|it| (it.name, it.data.to_vec())).collect())
}

/// Packs a chart's files under a top folder of its name. The same files give the same bytes.
pub fn pack(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, ChartError> {
    let fail = |it: std::io::Error| ChartError::Load(format!("packing {name}: {it}"));
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut archive = tar::Builder::new(gzip);
    // Helm puts Chart.yaml first.
    let first = files.get_key_value("Chart.yaml").into_iter();
    for (path, data) in first.chain(files.iter().filter(|it| it.0 != "Chart.yaml")) {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive
            .append_data(&mut header, format!("{name}/{path}"), data.as_slice())
            .map_err(fail)?;
    }
    archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(fail)
}

/// The path below the top folder, or why it is refused.
fn inner_name(path: &str) -> Result<String, ChartError> {
    let fail = |what: &str| Err(ChartError::Load(what.to_owned()));
    let Some((_, name)) = path.split_once('/') else {
        return fail("chart base directory is missing");
    };
    if path == "Chart.yaml" {
        return fail("chart yaml not in base directory");
    }
    if path.starts_with('/') {
        return fail("chart illegally contains absolute paths");
    }
    let clean = String::from_utf8_lossy(&clean_path(name.as_bytes())).into_owned();
    if clean == "." {
        return fail(&format!(
            "chart illegally contains content outside the base directory: {path:?}"
        ));
    }
    if clean.starts_with("..") || clean.starts_with('/') {
        return fail("chart illegally references parent directory");
    }
    Ok(clean)
}

trait Replace {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl Replace for std::borrow::Cow<'_, [u8]> {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        crate::go::runes::replace_all(self, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        for (path, data) in entries {
            let mut header = tar::Header::new_old();
            header.set_size(data.len() as u64);
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, *data).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let all = BTreeMap::from([
            ("Chart.yaml".to_owned(), b"name: a".to_vec()),
            ("templates/a.yaml".to_owned(), b"b".to_vec()),
        ]);
        let data = pack("a", &all).unwrap();
        assert_eq!(files(&data, &Limits::default()).unwrap(), all);
        assert_eq!(data, pack("a", &all).unwrap());
    }

    #[test]
    fn archives_that_reach_outside_are_refused() {
        for (path, why) in [
            ("a/../../b", "chart illegally references parent directory"),
            ("/etc/passwd", "chart illegally contains absolute paths"),
            ("Chart.yaml", "chart base directory is missing"),
        ] {
            let error = files(&packed(&[(path, b"x")]), &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), why, "{path}");
        }
    }

    #[test]
    fn an_archive_that_grows_is_stopped() {
        let data = packed(&[("a/big", &vec![0; 100_000])]);
        let limits = Limits {
            input_bytes_max: 1_000,
            ..Limits::default()
        };
        assert!(matches!(files(&data, &limits), Err(ChartError::Limit(_))));
    }
}
