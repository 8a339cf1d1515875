//! An image from a static binary: what goes into it, and its assembly. The same input gives the same digest everywhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use windlass_core::digest::Digest;

use crate::archive::{Layer, Node};
use crate::document::{self, Config, Descriptor, Healthcheck, Image, Manifest, Runtime};
use crate::layout::{Layout, encode};
use crate::{Architecture, OciError, elf};

/// The user that services run as; the chart names the same number.
const USER: u32 = 10001;
/// Bytes of a program in which its headers are.
const HEAD_BYTES: u64 = 64 << 10;
/// Where programs are in an image.
const PROGRAMS: &str = "usr/local/bin";

/// What an image is made of.
#[derive(Debug, Clone, Default)]
pub struct ImageSpec {
    /// The static program on this machine.
    pub binary: PathBuf,
    /// Its name in the image: `/usr/local/bin/<name>`, which is the entry point too.
    pub name: String,
    /// Further files.
    pub assets: Vec<Asset>,
    /// Arguments after the program that are always given.
    pub arguments: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Labels, for example `org.opencontainers.image.revision`.
    pub labels: BTreeMap<String, String>,
    /// Arguments of the program that ask a running instance for its health, for example `["health"]`; empty for none.
    pub health: Vec<String>,
    /// Ports that it listens on.
    pub ports: Vec<u16>,
    /// Certificate authorities in PEM, if the service calls others over TLS.
    pub authorities: Option<Vec<u8>>,
    /// RFC 3339 time of the commit; never the clock.
    pub created: Option<String>,
    /// The user (and group) that it runs as; `None` is 10001.
    pub user: Option<u32>,
}

/// A further file of an image.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Absolute path in the image.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// Whether it may be run.
    pub executable: bool,
}

impl Layout {
    /// Assembles an image and stores it. Base files, the program and the assets are a layer each, so that what did not
    /// change is not stored or sent again. Layers are not compressed: a digest must not depend on a compressor's version.
    pub fn assemble(&self, spec: &ImageSpec) -> Result<Digest, OciError> {
        let architecture = architecture_of(spec)?;
        let user = spec.user.unwrap_or(USER);
        let mut layers = Vec::new();
        for layer in [base(spec, user)?, program(spec)?, assets(spec)?] {
            if !layer.is_empty() {
                layers.push(self.write_blob(document::LAYER, |to| layer.write(to))?);
            }
        }
        let image = Image {
            created: spec.created.clone(),
            architecture: architecture.name().to_owned(),
            os: "linux".to_owned(),
            config: config(spec, user),
            rootfs: Runtime {
                kind: "layers".to_owned(),
                diff_ids: layers.iter().map(|layer| layer.digest).collect(),
            },
        };
        let manifest = Manifest {
            schema_version: 2,
            media_type: document::MANIFEST.to_owned(),
            artifact_type: None,
            config: self.put_blob(document::CONFIG, &encode(&image)?)?,
            layers,
            subject: None,
            annotations: spec.labels.clone(),
        };
        let stored: Descriptor = self.put_blob(document::MANIFEST, &encode(&manifest)?)?;
        Ok(stored.digest)
    }
}

fn architecture_of(spec: &ImageSpec) -> Result<Architecture, OciError> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(&spec.binary)
        .and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head))
        .map_err(OciError::file("read", &spec.binary))?;
    let program = spec.binary.display().to_string();
    let architecture = elf::architecture(&program, &head)?;
    elf::require_static(&program, &head)?;
    Ok(architecture)
}

/// What an empty root needs for users, name look-ups and temporary files.
fn base(spec: &ImageSpec, user: u32) -> Result<Layer, OciError> {
    let mut layer = Layer::default();
    let text = |text: String| Node::Bytes {
        mode: 0o644,
        bytes: text.into_bytes(),
    };
    layer.put(
        "etc/passwd",
        text(format!(
            "root:x:0:0:root:/:/sbin/nologin\nservice:x:{user}:{user}:service:/nonexistent:/sbin/nologin\n"
        )),
    )?;
    layer.put("etc/group", text(format!("root:x:0:\nservice:x:{user}:\n")))?;
    layer.put(
        "etc/hosts",
        text("127.0.0.1 localhost\n::1 localhost\n".to_owned()),
    )?;
    layer.put("etc/nsswitch.conf", text("hosts: files dns\n".to_owned()))?;
    layer.put(
        "tmp",
        Node::Folder {
            mode: 0o1777,
            owner: 0,
        },
    )?;
    layer.put(
        "data",
        Node::Folder {
            mode: 0o755,
            owner: user,
        },
    )?;
    for folder in ["proc", "dev", "sys"] {
        layer.put(
            folder,
            Node::Folder {
                mode: 0o755,
                owner: 0,
            },
        )?;
    }
    if let Some(authorities) = &spec.authorities {
        layer.put(
            "etc/ssl/certs/ca-certificates.crt",
            Node::Bytes {
                mode: 0o644,
                bytes: authorities.clone(),
            },
        )?;
    }
    Ok(layer)
}

fn program(spec: &ImageSpec) -> Result<Layer, OciError> {
    let mut layer = Layer::default();
    layer.put(
        &format!("{PROGRAMS}/{}", spec.name),
        Node::File {
            mode: 0o755,
            from: spec.binary.clone(),
        },
    )?;
    Ok(layer)
}

fn assets(spec: &ImageSpec) -> Result<Layer, OciError> {
    let mut layer = Layer::default();
    for asset in &spec.assets {
        let mode = if asset.executable { 0o755 } else { 0o644 };
        layer.put(
            &asset.path,
            Node::Bytes {
                mode,
                bytes: asset.bytes.clone(),
            },
        )?;
    }
    Ok(layer)
}

fn config(spec: &ImageSpec, user: u32) -> Config {
    const SECOND_NS: u64 = 1_000_000_000;
    let program = format!("/{PROGRAMS}/{}", spec.name);
    let mut env = BTreeMap::from([("PATH".to_owned(), format!("/{PROGRAMS}:/usr/bin:/bin"))]);
    env.extend(spec.env.clone());
    let healthcheck = (!spec.health.is_empty()).then(|| Healthcheck {
        test: ["CMD".to_owned(), program.clone()]
            .into_iter()
            .chain(spec.health.iter().cloned())
            .collect(),
        interval: Some(30 * SECOND_NS),
        timeout: Some(3 * SECOND_NS),
    });
    Config {
        user: format!("{user}:{user}"),
        exposed_ports: spec
            .ports
            .iter()
            .map(|port| (format!("{port}/tcp"), serde_json::Map::new()))
            .collect(),
        env: env
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        entrypoint: std::iter::once(program)
            .chain(spec.arguments.iter().cloned())
            .collect(),
        cmd: Vec::new(),
        working_dir: "/".to_owned(),
        labels: spec.labels.clone(),
        healthcheck,
    }
}
