//! Charts from elsewhere: repositories with an index, archives by their address, OCI registries. What arrives is held
//! against the digest that was promised.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use windlass_chart::{Limits, RemoteSchemas, repository, yaml};
use windlass_oci::{Artifact, Credentials, ImageName, OciError, Registry, Status, download};

use super::Stop;
use super::flags::Flags;

pub(super) const OCI: &str = "oci://";
/// Media types of Helm's artifacts.
pub(super) const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
pub(super) const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
pub(super) const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// What older versions of Helm called an archive.
const OLD_CONTENT: &str = "application/tar+gzip";
/// Any version, prereleases too.
const DEVELOPMENT: &str = ">0.0.0-0";

/// A packed chart from elsewhere.
#[derive(Debug)]
pub(super) struct Fetched {
    /// `redis-1.2.3.tgz`
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) provenance: Option<Vec<u8>>,
    /// What Helm says of a registry's answer.
    pub(super) said: String,
}

/// Fetches the chart that the command line names.
pub(super) fn chart(flags: &Flags, reference: &str) -> Result<Fetched, Stop> {
    refuse(flags)?;
    let version = wanted_version(flags);
    if let Some(name) = reference.strip_prefix(OCI) {
        return from_registry(flags, name, &version);
    }
    if let Some(repository) = flags.one("repo") {
        return from_repository(&Indexes::new(flags), repository, reference, &version);
    }
    if reference.contains("://") {
        return from_address(flags, reference);
    }
    let Some((alias, name)) = reference.split_once('/') else {
        return Err(Stop::Failed(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"
        )));
    };
    let Some(repository) = known_repositories(flags).remove(alias) else {
        return Err(Stop::Failed(format!("repo {alias} not found")));
    };
    from_repository(&Indexes::new(flags), &repository, name, &version)
}

/// Flags that would be a promise: they are refused instead of being passed over.
pub(super) fn refuse(flags: &Flags) -> Result<(), Stop> {
    if flags.is_on("verify") {
        return Err(Stop::Failed(
            "--verify: signatures of provenance files are not checked here\nhint: `windlass guard verify` checks signatures of releases".to_owned(),
        ));
    }
    for flag in ["ca-file", "cert-file", "key-file", "insecure-skip-tls-verify"] {
        if flags.is_given(flag) {
            return Err(Stop::Failed(format!(
                "--{flag}: certificates are not taken from the command line\nhint: SSL_CERT_FILE names the authorities that are trusted"
            )));
        }
    }
    Ok(())
}

fn wanted_version(flags: &Flags) -> String {
    match flags.one("version") {
        Some(version) if !version.is_empty() => version.to_owned(),
        _ if flags.is_on("devel") => DEVELOPMENT.to_owned(),
        _ => String::new(),
    }
}

fn credentials(flags: &Flags, default: impl FnOnce() -> Credentials) -> Credentials {
    match (flags.one("username"), flags.one("password")) {
        (Some(user), Some(password)) => Credentials::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        },
        _ => default(),
    }
}

fn failed(error: impl std::fmt::Display) -> Stop {
    Stop::Failed(error.to_string())
}

fn get(flags: &Flags, address: &str) -> Result<Vec<u8>, Stop> {
    download(address, credentials(flags, || Credentials::Anonymous)).map_err(failed)
}

/// Schemas that the schemas of charts refer to, fetched as Helm fetches them.
pub(super) fn schemas() -> RemoteSchemas {
    RemoteSchemas::by(|address| {
        download(address, Credentials::Anonymous).map_err(|error| {
            let OciError::Registry { reason, status, .. } = &error else {
                return format!("HTTP request failed for {address}: {error}");
            };
            match status {
                Some(Status { code, name }) => {
                    format!("HTTP request to {address} returned status {code} ({name})")
                }
                None => format!("HTTP request failed for {address}: Get {address:?}: {reason}"),
            }
        })
    })
}

/// Indexes of repositories; each is fetched once.
pub(super) struct Indexes<'f> {
    flags: &'f Flags,
    fetched: RefCell<BTreeMap<String, Rc<Vec<u8>>>>,
}

impl<'f> Indexes<'f> {
    pub(super) fn new(flags: &'f Flags) -> Self {
        Self {
            flags,
            fetched: RefCell::default(),
        }
    }

    /// The index of a repository; if it has none, why.
    pub(super) fn get(&self, repository: &str) -> Result<Rc<Vec<u8>>, Stop> {
        let address = format!("{}/index.yaml", repository.trim_end_matches('/'));
        if let Some(found) = self.fetched.borrow().get(&address) {
            return Ok(Rc::clone(found));
        }
        let index = Rc::new(get(self.flags, &address)?);
        self.fetched.borrow_mut().insert(address, Rc::clone(&index));
        Ok(index)
    }
}

/// An archive by its own address.
fn from_address(flags: &Flags, address: &str) -> Result<Fetched, Stop> {
    let bytes = get(flags, address)?;
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let provenance = if flags.is_on("prov") {
        Some(get(flags, &format!("{address}.prov"))?)
    } else {
        None
    };
    Ok(Fetched {
        file: path.rsplit('/').next().unwrap_or("chart.tgz").to_owned(),
        bytes,
        provenance,
        said: String::new(),
    })
}

/// The newest version of a chart that fits, from a repository's index.
pub(super) fn from_repository(
    indexes: &Indexes<'_>,
    repository: &str,
    name: &str,
    version: &str,
) -> Result<Fetched, Stop> {
    let index = indexes.get(repository)?;
    let entry = choose(&index, repository, name, version)?;
    let Some(address) = entry.urls.first() else {
        return Err(Stop::Failed(format!("chart \"{name}\" has no downloadable URLs")));
    };
    let fetched = from_address(indexes.flags, &absolute(repository, address))?;
    let promised = entry.digest.trim_start_matches("sha256:");
    let found = digest(&fetched.bytes);
    if !promised.is_empty() && promised != found {
        return Err(Stop::Failed(format!(
            "{}: the index promises sha256 {promised}, and sha256 {found} arrived\nhint: the repository's index is old, or the archive was changed",
            fetched.file
        )));
    }
    Ok(fetched)
}

fn digest(bytes: &[u8]) -> String {
    windlass_core::digest::Digest::of_bytes(bytes).hex()
}

fn choose(index: &[u8], repository: &str, name: &str, version: &str) -> Result<repository::Entry, Stop> {
    let mut entries = repository::entries(index, name, &Limits::default())
        .map_err(|_| Stop::Failed(format!("chart \"{name}\" not found in {repository} repository")))?;
    let exact = entries.iter().position(|it| it.version == version);
    let chosen = exact.or_else(|| repository::newest(entries.iter().map(|it| it.version.as_str()), version));
    let Some(at) = chosen else {
        return Err(Stop::Failed(format!(
            "chart \"{name}\" matching version \"{version}\" not found in {repository} repository"
        )));
    };
    Ok(entries.swap_remove(at))
}

/// The version that a repository has for a constraint.
pub(super) fn version_in(
    indexes: &Indexes<'_>,
    repository: &str,
    name: &str,
    constraint: &str,
) -> Result<String, Stop> {
    if let Some(host) = repository.strip_prefix(OCI) {
        if repository::is_version(constraint) {
            return Ok(constraint.to_owned());
        }
        return version_in_registry(indexes.flags, &format!("{host}/{name}"), constraint);
    }
    let index = indexes.get(repository)?;
    choose(&index, repository, name, constraint).map(|it| it.version)
}

fn absolute(repository: &str, address: &str) -> String {
    if address.contains("://") {
        return address.to_owned();
    }
    let base = repository.trim_end_matches('/');
    if let (true, Some((scheme, rest))) = (address.starts_with('/'), base.split_once("://")) {
        let host = rest.split('/').next().unwrap_or_default();
        return format!("{scheme}://{host}{address}");
    }
    format!("{base}/{address}")
}

fn registry_name(name: &str) -> Result<ImageName, Stop> {
    name.parse().map_err(failed)
}

pub(super) fn registry(flags: &Flags, name: &ImageName) -> Registry {
    Registry::with(name, credentials(flags, || Credentials::stored(&name.registry)))
}

/// Tags cannot hold a plus sign.
pub(super) fn tag(version: &str) -> String {
    version.replace('+', "_")
}

fn version_in_registry(flags: &Flags, name: &str, constraint: &str) -> Result<String, Stop> {
    let name = registry_name(name)?;
    let tags = registry(flags, &name).tags(&name).map_err(failed)?;
    let versions: Vec<String> = tags.iter().map(|it| it.replace('_', "+")).collect();
    let chosen = repository::newest(versions.iter().map(String::as_str), constraint);
    chosen.map(|at| versions[at].clone()).ok_or_else(|| {
        Stop::Failed(format!(
            "could not locate a version matching provided version string {constraint}"
        ))
    })
}

/// A chart of a registry, by its tag, its digest, or the newest tag that fits.
pub(super) fn from_registry(flags: &Flags, name: &str, version: &str) -> Result<Fetched, Stop> {
    let mut image = registry_name(name)?;
    if image.tag.is_none() && image.digest.is_none() {
        let version = if repository::is_version(version) {
            version.to_owned()
        } else {
            version_in_registry(flags, name, version)?
        };
        image.tag = Some(tag(&version));
    }
    let kinds = [CONTENT, OLD_CONTENT, PROVENANCE];
    let (found, artifact) = registry(flags, &image)
        .pull_artifact(&image, &kinds)
        .map_err(failed)?;
    let Artifact { config, blobs, .. } = artifact;
    if config.0 != CONFIG {
        return Err(Stop::Failed(format!(
            "{image}: it is no chart, its configuration is {}",
            config.0
        )));
    }
    let (mut content, mut provenance) = (None, None);
    for (kind, bytes) in blobs {
        if kind == PROVENANCE {
            provenance = Some(bytes);
        } else {
            content = Some(bytes);
        }
    }
    let bytes = content.ok_or_else(|| Stop::Failed(format!("{image}: the manifest has no chart in it")))?;
    let short = image.repository.rsplit('/').next().unwrap_or_default();
    let version = image.tag.as_deref().unwrap_or("latest").replace('_', "+");
    Ok(Fetched {
        file: format!("{short}-{version}.tgz"),
        bytes,
        provenance: provenance.filter(|_| flags.is_on("prov")),
        said: format!("Pulled: {image}\nDigest: {found}\n"),
    })
}

/// Repositories that `helm repo add` wrote down: names and addresses.
pub(super) fn known_repositories(flags: &Flags) -> BTreeMap<String, String> {
    let given = flags.one("repository-config").map(PathBuf::from);
    let path = given
        .or_else(|| std::env::var_os("HELM_REPOSITORY_CONFIG").map(PathBuf::from))
        .or_else(|| Some(PathBuf::from(std::env::var_os("HELM_CONFIG_HOME")?).join("repositories.yaml")))
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config/helm/repositories.yaml")));
    let text = path
        .and_then(|it| std::fs::read_to_string(it).ok())
        .unwrap_or_default();
    let documents = yaml::parse(&text).unwrap_or_default();
    let json = documents
        .first()
        .map(windlass_chart::Value::to_json)
        .unwrap_or_default();
    let list = json
        .pointer("/repositories")
        .and_then(|it| it.as_array())
        .cloned()
        .unwrap_or_default();
    list.iter()
        .filter_map(|it| {
            Some((
                it.get("name")?.as_str()?.to_owned(),
                it.get("url")?.as_str()?.to_owned(),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    /// A server that has one file, and tells of every request for it.
    fn serve(text: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 2_000];
                let length = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]);
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, body) = match path.as_str() {
                    "/index.yaml" => ("200 OK", text),
                    _ => ("404 Not Found", ""),
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .unwrap();
                if sender.send(path).is_err() {
                    return;
                }
            }
        });
        (address, asked)
    }

    const INDEX: &str = "entries:\n  redis:\n  - {name: redis, version: 1.0.0}\n  - {name: redis, version: 1.2.0}\n  - {name: redis, version: 2.0.0}\n";

    #[test]
    fn an_index_is_fetched_once_for_all_who_ask() {
        let (address, asked) = serve(INDEX);
        let flags = Flags::read(&[], &[]).unwrap();
        let indexes = Indexes::new(&flags);
        let version = |constraint| version_in(&indexes, &address, "redis", constraint).ok();
        assert_eq!(version("^1.0.0").as_deref(), Some("1.2.0"));
        assert_eq!(version("2.x").as_deref(), Some("2.0.0"));
        assert!(indexes.get(&format!("{address}/")).is_ok());
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["/index.yaml"]);
    }

    #[test]
    fn a_schema_that_is_not_there_is_told_by_its_status() {
        let (address, _asked) = serve(INDEX);
        let schema = format!(r#"{{"$ref":"{address}/schema.json"}}"#);
        let chart = [
            ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
            ("values.schema.json", schema.as_str()),
        ];
        let files = chart.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let chart = windlass_chart::load_from_files(files.into(), &Limits::default()).unwrap();
        let release = windlass_chart::ReleaseInfo {
            name: "a".to_owned(),
            namespace: "a".to_owned(),
            revision: 1,
            is_upgrade: false,
            service: "Helm".to_owned(),
        };
        let mut options = windlass_chart::Options::stable(&release, windlass_chart::Profile::Helm4);
        options.remote_schemas = schemas();
        let capabilities = windlass_chart::Capabilities::default();
        let values = windlass_chart::Value::empty_map();
        let error = windlass_chart::render_with(&chart, values, &release, &capabilities, &options);
        let error = error.unwrap_err().to_string();
        let expected = format!("HTTP request to {address}/schema.json returned status 404 (Not Found)");
        assert!(error.contains(&expected), "{error}");
    }
}
