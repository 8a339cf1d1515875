//! `windlass helm push`: a packed chart into a registry, as Helm does it, so that Helm pulls it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use windlass_chart::{Limits, Metadata, archive, load_from_files};
use windlass_oci::{Artifact, ImageName};

use super::flags::{COMMON, Flags, SOURCE};
use super::{Stop, print, remote};

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, SOURCE])?;
    let [file, to] = flags.arguments.as_slice() else {
        return Err(Stop::Usage("\"helm push\" requires 2 arguments".to_owned()));
    };
    remote::refuse(&flags)?;
    let Some(place) = to.strip_prefix(remote::OCI) else {
        return Err(Stop::Failed(format!(
            "scheme prefix missing from remote (e.g. \"oci://\"): {to}"
        )));
    };
    let bytes = read(file)?;
    let chart = load_from_files(archive::files(&bytes, &Limits::default())?, &Limits::default())?;
    let about = chart.metadata();
    let name = format!(
        "{}/{}:{}",
        place.trim_end_matches('/'),
        about.name,
        remote::tag(&about.version)
    );
    let image: ImageName = name
        .parse()
        .map_err(|it: windlass_oci::OciError| it.to_string())?;
    let mut blobs = vec![(remote::CONTENT.to_owned(), bytes)];
    if let Ok(provenance) = std::fs::read(format!("{file}.prov")) {
        blobs.push((remote::PROVENANCE.to_owned(), provenance));
    }
    let created = std::fs::metadata(file).and_then(|it| it.modified()).ok();
    let created = created.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    let artifact = Artifact {
        config: (remote::CONFIG.to_owned(), about.to_json().into_bytes()),
        blobs,
        annotations: annotations(about, created.map_or(0, |it| it.as_secs())),
    };
    let digest = remote::registry(&flags, &image)
        .push_artifact(&image, &artifact)
        .map_err(|it| it.to_string())?;
    let mut said = format!("Pushed: {image}\nDigest: {digest}\n");
    if image.tag.as_deref().is_some_and(|it| it.contains('_')) {
        let _ = writeln!(said, "{image} contains an underscore.\n{UNDERSCORE}");
    }
    print(said.as_bytes());
    Ok(())
}

const UNDERSCORE: &str = "A plus sign of a version is an underscore in its tag.";

fn read(file: &str) -> Result<Vec<u8>, Stop> {
    let path = Path::new(file);
    if path.is_dir() {
        return Err(Stop::Failed(
            "cannot push directory, must provide chart archive (.tgz)".to_owned(),
        ));
    }
    std::fs::read(path).map_err(|_| Stop::Failed(format!("{file}: no such file")))
}

/// The notes that registries show, as Helm derives them from Chart.yaml.
fn annotations(about: &Metadata, created: u64) -> BTreeMap<String, String> {
    let people: Vec<String> = about
        .maintainers
        .iter()
        .map(|it| match it.email.as_str() {
            "" => it.name.clone(),
            email => format!("{} ({email})", it.name),
        })
        .collect();
    let own = [
        ("description", about.description.clone()),
        ("title", about.name.clone()),
        ("version", about.version.clone()),
        ("url", about.home.clone()),
        (
            "created",
            windlass_chart::rfc3339(i64::try_from(created).unwrap_or(0)),
        ),
        ("source", about.sources.first().cloned().unwrap_or_default()),
        ("authors", people.join(", ")),
    ];
    let name = |it: &str| format!("org.opencontainers.image.{it}");
    let mut all: BTreeMap<String, String> = own
        .into_iter()
        .filter(|it| !it.1.trim().is_empty())
        .map(|it| (name(it.0), it.1))
        .collect();
    for (key, value) in &about.annotations {
        if *key != name("version") && *key != name("title") {
            all.insert(key.clone(), value.clone());
        }
    }
    all
}
