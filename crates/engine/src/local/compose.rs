//! From objects to processes: which instances a set of objects asks for, with programs, variables and volumes. It reads
//! no clock and starts nothing; images are looked up through a function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use windlass_core::digest::Digest;
use windlass_core::object::{
    Container, EnvFromSource, EnvValue, KeySource, Object, VolumeItem, VolumeSource, Workload, WorkloadKind,
};
use windlass_oci::Image;

use super::probe::{Probe, Probes};
use super::volume::{Content, Mount};
use super::{LocalError, Scope};

/// Replicas of one workload on this machine.
const REPLICAS_MAX: u32 = 100;
/// The user when neither the manifest nor the image names one: `nobody`.
const NOBODY: u32 = 65_534;

/// Which instance of a track.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) workload: String,
    pub(super) replica: u32,
    pub(super) container: String,
}

/// One instance that should run.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) key: Key,
    /// Labels of its pod.
    pub(super) labels: BTreeMap<String, String>,
    /// Ports of the manifest, with their names.
    pub(super) ports: Vec<(Option<String>, u16)>,
    pub(super) probes: Probes,
    pub(super) grace_s: u64,
    pub(super) program: Program,
    /// Programs that run to their end first.
    pub(super) before: Vec<Program>,
}

/// One program with all that it is given; ports are still those of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) image: Digest,
    pub(super) root: PathBuf,
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: String,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) mounts: Vec<Mount>,
    pub(super) memory_bytes: Option<u64>,
}

/// Looks up an image by reference and unpacks it.
pub(super) type Images<'a> = dyn Fn(&str) -> Result<(Digest, PathBuf, Image), windlass_oci::OciError> + 'a;

/// What instances are composed from.
pub(super) struct Composer<'a> {
    pub(super) scope: &'a Scope,
    pub(super) objects: &'a [Object],
    pub(super) images: &'a Images<'a>,
    /// Folder of the environment's claims.
    pub(super) claims: &'a Path,
}

impl Composer<'_> {
    /// All instances of the Deployments, StatefulSets and so on; Jobs are run by name.
    pub(super) fn instances(&self) -> Result<Vec<Wanted>, LocalError> {
        let mut wanted = Vec::new();
        for object in self.objects {
            let Some(workload) = object.workload() else {
                continue;
            };
            let replicas = match workload.kind() {
                WorkloadKind::Job | WorkloadKind::CronJob => continue,
                WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::ReplicaSet => {
                    workload.replicas()
                }
                WorkloadKind::DaemonSet | WorkloadKind::Pod => 1,
            };
            if replicas > REPLICAS_MAX {
                let reason = format!("{replicas} replicas, at most {REPLICAS_MAX} are run on one machine");
                return Err(refuse(object, reason, "lower `replicas` for this environment"));
            }
            for replica in 0..replicas {
                wanted.extend(self.pod(&workload, replica)?);
            }
        }
        Ok(wanted)
    }

    /// The containers of one pod of a workload.
    pub(super) fn pod(&self, workload: &Workload<'_>, replica: u32) -> Result<Vec<Wanted>, LocalError> {
        let object = workload.object();
        let pod = workload
            .pod()
            .ok_or_else(|| refuse(object, "it has no pod template".to_owned(), "add `spec.template`"))?;
        let mut before = Vec::new();
        for container in pod.init_containers() {
            before.push(self.program(workload, container, replica)?);
        }
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        pod.containers()
            .into_iter()
            .map(|container| {
                let probe = |probe: Option<windlass_core::object::Probe<'_>>| Probe::of(&probe?, container);
                Ok(Wanted {
                    key: Key {
                        workload: workload.name().to_owned(),
                        replica,
                        container: container.name().to_owned(),
                    },
                    labels: pod.labels().into_iter().map(own).collect(),
                    ports: container
                        .ports()
                        .iter()
                        .map(|port| (port.name.map(str::to_owned), port.number))
                        .collect(),
                    probes: Probes {
                        startup: probe(container.startup()),
                        readiness: probe(container.readiness()),
                        liveness: probe(container.liveness()),
                    },
                    grace_s: pod.grace_s(),
                    program: self.program(workload, container, replica)?,
                    before: std::mem::take(&mut before),
                })
            })
            .collect()
    }

    fn program(
        &self,
        workload: &Workload<'_>,
        container: Container<'_>,
        replica: u32,
    ) -> Result<Program, LocalError> {
        let object = workload.object();
        let failed = |source| LocalError::Image {
            workload: format!("{} {}", object.kind(), object.name()),
            source,
        };
        let (image, root, document) = (self.images)(container.image()).map_err(failed)?;
        let config = &document.config;
        let env = self.env(object, container, config, replica)?;
        let strings = |words: Vec<&str>| {
            words
                .into_iter()
                .map(|word| expand(word, &env))
                .collect::<Vec<_>>()
        };
        let (command, args) = (strings(container.command()), strings(container.args()));
        // As in Kubernetes: a command of the manifest replaces both of the image's, arguments only its arguments.
        let mut argv = if command.is_empty() {
            config.entrypoint.clone()
        } else {
            command.clone()
        };
        argv.extend(if command.is_empty() && args.is_empty() {
            config.cmd.clone()
        } else {
            args
        });
        let Some(first) = argv.first_mut() else {
            return Err(refuse(
                object,
                "its image names no program".to_owned(),
                "set `command` in the container",
            ));
        };
        *first = find_program(first, &root, env.get("PATH").map_or("", String::as_str)).ok_or_else(|| {
            refuse(
                object,
                format!("its image has no program {first:?}"),
                "check `command` and the image's entry point",
            )
        })?;
        windlass_oci::require_native_file(&root.join(first.trim_start_matches('/'))).map_err(failed)?;
        let (user, group) = self.user(workload, container, &config.user, &root);
        let limit = container
            .resources()
            .limits
            .get("memory")
            .and_then(|text| bytes_of(text));
        let cwd = container.working_dir().unwrap_or(&config.working_dir);
        Ok(Program {
            image,
            argv,
            cwd: if cwd.is_empty() {
                "/".to_owned()
            } else {
                cwd.to_owned()
            },
            user,
            group,
            mounts: self.mounts(workload, container, replica)?,
            memory_bytes: limit,
            env,
            root,
        })
    }

    /// Image, then `envFrom`, then `env`; a later one wins, `$(NAME)` means an earlier one.
    fn env(
        &self,
        object: &Object,
        container: Container<'_>,
        config: &windlass_oci::Config,
        replica: u32,
    ) -> Result<BTreeMap<String, String>, LocalError> {
        let mut env: BTreeMap<String, String> = config
            .env
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for from in container.env_from() {
            let data = match from.source {
                EnvFromSource::ConfigMap(name) => self.data("ConfigMap", name),
                EnvFromSource::Secret(name) => self.data("Secret", name),
            };
            match data {
                Some(data) => env.extend(data.into_iter().map(|(key, bytes)| {
                    (
                        format!("{}{key}", from.prefix),
                        String::from_utf8_lossy(&bytes).into_owned(),
                    )
                })),
                None if from.optional => {}
                None => return Err(missing(object, &format!("{:?}", from.source))),
            }
        }
        for entry in container.env() {
            let value = match entry.value {
                EnvValue::Literal(text) => Some(expand(text, &env)),
                EnvValue::ConfigMap(source) => self.key(object, "ConfigMap", &source)?,
                EnvValue::Secret(source) => self.key(object, "Secret", &source)?,
                EnvValue::Field(path) => Some(self.field(object, path, replica)),
                EnvValue::Resource(path) => {
                    let limit = container
                        .value()
                        .pointer(&format!("/resources/{}", path.replace('.', "/")));
                    Some(limit.and_then(Value::as_str).unwrap_or_default().to_owned())
                }
            };
            env.extend(value.map(|value| (entry.name.to_owned(), value)));
        }
        env.entry("BIND".to_owned())
            .or_insert_with(|| "127.0.0.1".to_owned());
        env.entry("TRACK".to_owned())
            .or_insert_with(|| self.scope.track.clone());
        env.insert("HOSTNAME".to_owned(), format!("{}-{replica}", object.name()));
        Ok(env)
    }

    fn data(&self, kind: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let object = self
            .objects
            .iter()
            .find(|object| object.is("", kind) && object.name() == name)?;
        let data = object
            .config_map()
            .map(|map| map.bytes())
            .or_else(|| object.secret().map(|secret| secret.reveal()))?;
        Some(
            data.into_iter()
                .map(|(key, bytes)| (key.to_owned(), bytes))
                .collect(),
        )
    }

    fn key(&self, object: &Object, kind: &str, source: &KeySource<'_>) -> Result<Option<String>, LocalError> {
        let found = self
            .data(kind, source.name)
            .and_then(|mut data| data.remove(source.key));
        match found {
            Some(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            None if source.optional => Ok(None),
            None => Err(missing(
                object,
                &format!("key {:?} of {kind} {:?}", source.key, source.name),
            )),
        }
    }

    fn field(&self, object: &Object, path: &str, replica: u32) -> String {
        match path {
            "metadata.name" => format!("{}-{replica}", object.name()),
            "metadata.namespace" => object.namespace().unwrap_or(&self.scope.environment).to_owned(),
            "status.podIP" | "status.hostIP" => "127.0.0.1".to_owned(),
            "spec.nodeName" => "localhost".to_owned(),
            _ => String::new(),
        }
    }

    fn mounts(
        &self,
        workload: &Workload<'_>,
        container: Container<'_>,
        replica: u32,
    ) -> Result<Vec<Mount>, LocalError> {
        let volumes = workload.pod().map(|pod| pod.volumes()).unwrap_or_default();
        let templates = workload.claim_templates();
        container
            .mounts()
            .into_iter()
            .map(|mount| {
                let volume = volumes.iter().find(|volume| volume.name == mount.volume);
                let content = match volume {
                    Some(volume) => self.content(workload.object(), &volume.source)?,
                    None if templates.contains(&mount.volume) => Content::Claim(self.claims.join(format!(
                        "{}-{}-{replica}",
                        mount.volume,
                        workload.name()
                    ))),
                    None => return Err(missing(workload.object(), &format!("volume {:?}", mount.volume))),
                };
                Ok(Mount {
                    name: mount.volume.to_owned(),
                    content,
                    target: mount.path.to_owned(),
                    sub_path: mount.sub_path.map(str::to_owned),
                    read_only: mount.read_only,
                })
            })
            .collect()
    }

    fn content(&self, object: &Object, source: &VolumeSource<'_>) -> Result<Content, LocalError> {
        let files =
            |kind: &str, name: &str, items: &[VolumeItem<'_>], optional: bool| match self.data(kind, name) {
                Some(data) => Ok(chosen(data, items)),
                None if optional => Ok(BTreeMap::new()),
                None => Err(missing(object, &format!("{kind} {name:?}"))),
            };
        Ok(match source {
            VolumeSource::ConfigMap {
                name,
                items,
                optional,
            } => Content::Files(files("ConfigMap", name, items, *optional)?),
            VolumeSource::Secret {
                name,
                items,
                optional,
            } => Content::Files(files("Secret", name, items, *optional)?),
            VolumeSource::Claim { name } => Content::Claim(self.claims.join(name)),
            VolumeSource::EmptyDir => Content::Scratch,
            VolumeSource::Projected { sources } => {
                let mut all = BTreeMap::new();
                for source in sources {
                    if let Content::Files(files) = self.content(object, source)? {
                        all.extend(files);
                    }
                }
                Content::Files(all)
            }
            VolumeSource::HostPath { path } => {
                return Err(refuse(
                    object,
                    format!("it mounts {path} of the machine"),
                    "use a PersistentVolumeClaim",
                ));
            }
            VolumeSource::Other { kind } => {
                return Err(refuse(
                    object,
                    format!("it has a volume of kind {kind}"),
                    "use a PersistentVolumeClaim",
                ));
            }
        })
    }

    /// The manifest's user wins over the image's.
    #[expect(clippy::unused_self, reason = "belongs to the parts of a program")]
    fn user(
        &self,
        workload: &Workload<'_>,
        container: Container<'_>,
        image: &str,
        root: &Path,
    ) -> (u32, u32) {
        let pod = workload.object().value().pointer(workload.kind().pod_pointer());
        let asked = |field: &str| {
            let own = container.value().pointer(&format!("/securityContext/{field}"));
            let found = own.or_else(|| pod?.pointer(&format!("/spec/securityContext/{field}")))?;
            u32::try_from(found.as_u64()?).ok()
        };
        let (name, group) = image.split_once(':').unwrap_or((image, ""));
        let listed = std::fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
        let listed = listed
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|line| line.first() == Some(&name));
        let listed = |field: usize| listed.as_ref()?.get(field)?.parse().ok();
        let user = asked("runAsUser")
            .or_else(|| name.parse().ok())
            .or_else(|| listed(2))
            .unwrap_or(NOBODY);
        // Never root, whatever image or manifest say: there is no user namespace here.
        let user = if user == 0 { NOBODY } else { user };
        let group = asked("runAsGroup")
            .or_else(|| group.parse().ok())
            .or_else(|| listed(3))
            .unwrap_or(user);
        (user, if group == 0 { user } else { group })
    }
}

impl Program {
    /// The program with its own ports: `PORT`, and each variable named `*PORT` whose value is a port of the manifest.
    pub(super) fn with_ports(&self, ports: &BTreeMap<u16, u16>) -> Self {
        let mut program = self.clone();
        for (name, value) in &mut program.env {
            if name.ends_with("PORT")
                && let Some(own) = value.parse().ok().and_then(|port: u16| ports.get(&port))
            {
                *value = own.to_string();
            }
        }
        if let Some((_, own)) = ports.first_key_value() {
            program
                .env
                .entry("PORT".to_owned())
                .or_insert_with(|| own.to_string());
        }
        program
    }

    /// What makes two programs the same, as JSON: a secret's content is in it only as part of the digest made of it.
    fn identity(&self) -> Value {
        let mounts: Vec<Value> = self
            .mounts
            .iter()
            .map(|mount| {
                let content = match &mount.content {
                    Content::Files(files) => {
                        json!(
                            files
                                .iter()
                                .map(|(name, bytes)| (name.clone(), Digest::of_bytes(bytes).to_string()))
                                .collect::<BTreeMap<_, _>>()
                        )
                    }
                    Content::Scratch => json!("scratch"),
                    Content::Claim(folder) => json!(folder),
                };
                json!([mount.target, mount.sub_path, mount.read_only, content])
            })
            .collect();
        json!([
            self.image,
            self.argv,
            self.env,
            self.cwd,
            self.user,
            self.group,
            self.memory_bytes,
            mounts
        ])
    }
}

impl Wanted {
    /// Equal for two instances that need not be told apart: then the one that runs is left alone.
    pub(super) fn digest(&self) -> Digest {
        let before: Vec<Value> = self.before.iter().map(Program::identity).collect();
        Digest::of_json(&json!([
            self.program.identity(),
            before,
            format!("{:?}", self.probes),
            self.grace_s,
            self.ports
        ]))
    }
}

impl Key {
    /// Unique in its track, and a plain file name: names of objects have neither `/` nor `_`.
    pub(super) fn name(&self) -> String {
        format!("{}_{}_{}", self.workload, self.replica, self.container)
    }
}

/// `$(NAME)` becomes the value of an earlier variable, `$$` a dollar; an unknown name stays as it is.
fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
            && let Some(value) = env.get(name)
        {
            out.push_str(value);
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

fn chosen(mut data: BTreeMap<String, Vec<u8>>, items: &[VolumeItem<'_>]) -> BTreeMap<String, Vec<u8>> {
    if items.is_empty() {
        return data;
    }
    items
        .iter()
        .filter_map(|item| Some((item.path.to_owned(), data.remove(item.key)?)))
        .collect()
}

/// A program of the image by absolute path or through its `PATH`.
pub(super) fn find_program(name: &str, root: &Path, path: &str) -> Option<String> {
    let is_there = |path: &str| root.join(path.trim_start_matches('/')).is_file();
    if name.contains('/') {
        return is_there(name).then(|| name.to_owned());
    }
    path.split(':')
        .map(|folder| format!("{folder}/{name}"))
        .find(|path| is_there(path))
}

/// A Kubernetes quantity of bytes: `512Mi`, `1G`, `1000`.
fn bytes_of(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    let unit = UNITS
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (number, factor) = unit.unwrap_or((text, 1));
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn refuse(object: &Object, reason: String, hint: &'static str) -> LocalError {
    LocalError::Object {
        object: format!("{} {}", object.kind(), object.name()),
        reason,
        hint,
    }
}

fn missing(object: &Object, what: &str) -> LocalError {
    refuse(
        object,
        format!("{what} is not among the environment's objects"),
        "add it to the chart or mark it `optional: true`",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{bytes_of, expand};

    #[test]
    fn variables_expand_as_in_kubernetes() {
        let env = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        for (text, expected) in [
            ("$(A)/$(A)", "1/1"),
            ("$$(A)", "$(A)"),
            ("$(B) $A $", "$(B) $A $"),
            ("plain", "plain"),
        ] {
            assert_eq!(expand(text, &env), expected);
        }
    }

    #[test]
    fn quantities_are_bytes() {
        for (text, expected) in [
            ("512Mi", Some(512 << 20)),
            ("1G", Some(1_000_000_000)),
            ("64", Some(64)),
            ("much", None),
        ] {
            assert_eq!(bytes_of(text), expected, "{text}");
        }
    }
}
