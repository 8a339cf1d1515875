//! The local runtime: runs the objects of an environment on this machine, as processes from unpacked images.
//!
//! Deployments, StatefulSets, DaemonSets and Pods become supervised processes, Jobs run to their end, Services tell which
//! addresses are behind them, ConfigMaps, Secrets and claims become variables and folders. Every instance has a shim as
//! its parent and outlives the controller. It does not route requests, and does not know what a rollout is.

mod back_off;
mod compose;
mod error;
mod log;
mod port;
mod probe;
mod process;
mod record;
mod roll;
pub mod sandbox;
mod shim;
mod supervisor;
mod volume;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc};
use windlass_core::object::{Object, PortName, Workload};
use windlass_oci::Layout;

pub use back_off::BackOff;
pub use error::LocalError;
pub use sandbox::Isolation;
pub use supervisor::{InstanceState, Phase};

use compose::{Composer, Key, Wanted};
use process::read_json;
use record::{LOG, RUN, Run, make_private, write_private};
use supervisor::{Shared, Supervisor};

/// Objects of a track as they were applied last: what a restarted controller goes on with.
const OBJECTS: &str = "objects.json";
/// Tries of a Job when its manifest names none: Kubernetes' default.
const TRIES_DEFAULT: u64 = 6;
/// Longest run of a Job when its manifest names none.
const JOB_DEADLINE: Duration = Duration::from_mins(10);
/// Lines of a Job's log that its outcome holds.
const JOB_LINES: usize = 40;
/// Lines that wait for a slow reader who follows a log.
const FOLLOW_LINES_MAX: usize = 1_000;
/// From look to look at a log that is followed.
const FOLLOW_LOOK: Duration = Duration::from_millis(200);

/// How the runtime works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder; it holds secrets and is made for this user only.
    pub state: PathBuf,
    /// The image layout.
    pub layout: PathBuf,
    /// The program whose entry is [`sandbox::main`]: normally windlass itself.
    pub helper: PathBuf,
    /// Arguments that lead there, for example `["sandbox"]`.
    pub helper_entry: Vec<String>,
    /// Waits between restarts.
    pub back_off: BackOff,
    /// From try to try until an instance was ready once.
    pub eager_probe: Duration,
    /// Bytes of one log file; twice as much is kept.
    pub log_bytes_max: u64,
    /// The isolation to use; `None` for the best that works here.
    pub isolation: Option<Isolation>,
}

impl Options {
    /// The usual ones, with this program as helper through its entry `sandbox`.
    pub fn new(state: PathBuf, layout: PathBuf) -> Self {
        Self {
            state,
            layout,
            helper: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe")),
            helper_entry: vec!["sandbox".to_owned()],
            back_off: BackOff::default(),
            eager_probe: Duration::from_millis(100),
            log_bytes_max: log::BYTES_MAX,
            isolation: None,
        }
    }
}

/// One track of one environment; for an environment without tracks the track is a word of the caller's choice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The environment.
    pub environment: String,
    /// `blue`, `green`.
    pub track: String,
}

/// What runs of a track.
#[derive(Debug, Clone, Serialize)]
pub struct Observation {
    /// How instances are kept from the machine.
    pub isolation: Isolation,
    /// By workload.
    pub workloads: Vec<WorkloadState>,
    /// By Service.
    pub services: Vec<ServiceState>,
}

/// One workload.
#[derive(Debug, Clone, Serialize)]
pub struct WorkloadState {
    /// Its name.
    pub name: String,
    /// Pods whose containers are all ready.
    pub ready: u32,
    /// Pods that should be.
    pub desired: u32,
    /// Restarts of all its instances.
    pub restarts: u32,
    /// What keeps it from being ready; empty when nothing does.
    pub message: String,
    /// Its instances, one per container.
    pub instances: Vec<InstanceState>,
}

/// A Service and what is behind it.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// Name of the port, if it has one.
    pub port_name: Option<String>,
    /// The port that clients use.
    pub port: u16,
    /// The addresses of the instances, ready or not.
    pub targets: Vec<ServiceTarget>,
}

/// One address behind a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceTarget {
    /// The instance.
    pub id: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it may be sent requests.
    pub ready: bool,
}

/// How a Job ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobOutcome {
    /// Whether a try ended well.
    pub succeeded: bool,
    /// Tries.
    pub tries: u64,
    /// How the last one ended, in words.
    pub message: String,
    /// The end of its log.
    pub log: Vec<String>,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Who wrote it.
    pub instance: String,
    /// The line.
    pub text: String,
}

/// The runtime. Clones are the same runtime.
#[derive(Clone)]
pub struct LocalRuntime {
    shared: Arc<Shared>,
    layout: Layout,
    instances: Arc<Mutex<BTreeMap<(Scope, Key), Supervisor>>>,
    objects: Arc<Mutex<BTreeMap<Scope, Vec<Object>>>>,
}

impl LocalRuntime {
    /// Opens the runtime's folder and finds out which isolation works here. Instances that run go on; [`Self::resume`]
    /// takes them over.
    pub async fn new(options: Options) -> Result<Self, LocalError> {
        make_private(&options.state).map_err(LocalError::file("make", &options.state))?;
        let layout = Layout::open(&options.layout).map_err(|source| LocalError::Image {
            workload: "the local runtime".to_owned(),
            source,
        })?;
        let isolation = match options.isolation {
            Some(isolation) => isolation,
            None => best_isolation(&options).await,
        };
        let shared = Shared {
            options,
            isolation,
            ports: port::Ports::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            layout,
            instances: Arc::default(),
            objects: Arc::default(),
        })
    }

    /// The isolation in force.
    pub fn isolation(&self) -> Isolation {
        self.shared.isolation
    }

    /// Takes over what the controller before had applied: running instances as they are, others are started. Tells what
    /// became of each track: one that cannot be started does not keep the others from it.
    pub async fn resume(&self) -> Vec<(Scope, Result<(), LocalError>)> {
        let mut found = Vec::new();
        for environment in folders(&self.shared.options.state.join("environments")) {
            for track in folders(&environment.join("tracks")) {
                let Some(objects) = read_json::<Vec<Object>>(&track.join(OBJECTS)) else {
                    continue;
                };
                let scope = Scope {
                    environment: name_of(&environment),
                    track: name_of(&track),
                };
                let applied = self.apply(&scope, &objects).await;
                found.push((scope, applied));
            }
        }
        found
    }

    /// Makes the instances of a track be those that the objects ask for. Instances that need no change are left alone,
    /// changed ones are stopped and started again, others are stopped. Host references must be local addresses already.
    pub async fn apply(&self, scope: &Scope, objects: &[Object]) -> Result<(), LocalError> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough over lifetimes"
        )]
        let wanted = self
            .compose(scope, objects, |composer| composer.instances())
            .await?;
        let folder = self.track(scope);
        make_private(&folder).map_err(LocalError::file("make", &folder))?;
        let path = folder.join(OBJECTS);
        let bytes = serde_json::to_vec(objects).unwrap_or_default();
        write_private(&path, &bytes).map_err(LocalError::file("write", &path))?;
        self.objects.lock().await.insert(scope.clone(), objects.to_vec());
        let mut instances = self.instances.lock().await;
        let keep: BTreeMap<&Key, String> = wanted
            .iter()
            .map(|wanted| (&wanted.key, wanted.digest().to_string()))
            .collect();
        let leaving: Vec<_> = instances
            .iter()
            .filter(|((of, key), one)| of == scope && keep.get(key) != Some(&one.digest))
            .map(|(key, _)| key.clone())
            .collect();
        stop_all(
            leaving.iter().filter_map(|key| instances.remove(key)).collect(),
            Duration::MAX,
        )
        .await;
        self.stop_strangers(scope, &keep).await;
        drop(instances);
        for wanted in wanted {
            self.start(scope, wanted).await?;
        }
        Ok(())
    }

    /// Looks after an instance from now on, unless it is looked after already.
    async fn start(&self, scope: &Scope, wanted: Wanted) -> Result<(), LocalError> {
        let key = (scope.clone(), wanted.key.clone());
        if let std::collections::btree_map::Entry::Vacant(place) = self.instances.lock().await.entry(key) {
            let folder = self.instance(scope, &wanted.key);
            place.insert(Supervisor::start(Arc::clone(&self.shared), wanted, folder)?);
        }
        Ok(())
    }

    /// What runs of a track, and what is behind its Services.
    pub async fn observe(&self, scope: &Scope) -> Observation {
        let instances = self.instances.lock().await;
        let own: Vec<(&Wanted, InstanceState)> = instances
            .iter()
            .filter(|((of, _), _)| of == scope)
            .map(|(_, one)| (&one.wanted, one.state()))
            .collect();
        let objects = self.objects.lock().await;
        let objects = objects.get(scope).map(Vec::as_slice).unwrap_or_default();
        Observation {
            isolation: self.shared.isolation,
            workloads: workloads(&own),
            services: services(objects, &own),
        }
    }

    /// The objects of a track as they were applied last; empty when none were.
    pub async fn objects(&self, scope: &Scope) -> Vec<Object> {
        self.objects.lock().await.get(scope).cloned().unwrap_or_default()
    }

    /// Runs a Job to its end, with as many tries as its manifest allows. A Job that ended well is not run again, one that
    /// still runs is waited for; a Job is known by name and content. `objects` are those that it refers to.
    pub async fn run_job(
        &self,
        scope: &Scope,
        job: &Object,
        objects: &[Object],
    ) -> Result<JobOutcome, LocalError> {
        let name = job.name().to_owned();
        let found = self
            .compose(scope, objects, |composer| {
                job.workload()
                    .map_or_else(|| Ok(Vec::new()), |job| composer.pod(&job, 0))
            })
            .await?;
        let Some(wanted) = found.into_iter().next() else {
            return Err(LocalError::Object {
                object: format!("{} {name}", job.kind()),
                reason: "it runs no container".to_owned(),
                hint: "a Job has `spec.template.spec.containers`",
            });
        };
        let folder = self.environment(scope).join("jobs").join(&name);
        let outcome_path = folder.join(format!("outcome-{}.json", wanted.digest().short()));
        if let Some(outcome) = read_json::<JobOutcome>(&outcome_path).filter(|outcome| outcome.succeeded) {
            return Ok(outcome);
        }
        let number = |field: &str| job.value().pointer(field).and_then(serde_json::Value::as_u64);
        let tries_max = number("/spec/backoffLimit").unwrap_or(TRIES_DEFAULT) + 1;
        let deadline = number("/spec/activeDeadlineSeconds").map_or(JOB_DEADLINE, Duration::from_secs);
        let tried = tokio::time::timeout(deadline, self.try_job(&wanted, &folder, tries_max)).await;
        let mut outcome = if let Ok(outcome) = tried {
            outcome
        } else {
            if let Some(run) = read_json::<Run>(&folder.join(RUN)) {
                supervisor::stop_run(&run, Duration::from_secs(wanted.grace_s)).await;
            }
            JobOutcome {
                succeeded: false,
                tries: tries_max,
                message: format!("did not end within {} s", deadline.as_secs()),
                log: Vec::new(),
            }
        };
        outcome.log = log::tail(&folder.join(LOG), JOB_LINES);
        let bytes = serde_json::to_vec(&outcome).unwrap_or_default();
        write_private(&outcome_path, &bytes).map_err(LocalError::file("write", &outcome_path))?;
        Ok(outcome)
    }

    async fn try_job(&self, wanted: &Wanted, folder: &Path, tries_max: u64) -> JobOutcome {
        let program = wanted.program.with_ports(&BTreeMap::new());
        let mut outcome = JobOutcome {
            succeeded: false,
            tries: 0,
            message: String::new(),
            log: Vec::new(),
        };
        while outcome.tries < tries_max && !outcome.succeeded {
            let failures = u32::try_from(outcome.tries).unwrap_or(u32::MAX);
            tokio::time::sleep(self.shared.options.back_off.wait(failures)).await;
            outcome.tries += 1;
            let ended =
                supervisor::run_to_end(&self.shared, &program, folder, &wanted.key.name(), wanted.grace_s)
                    .await;
            (outcome.succeeded, outcome.message) = match ended {
                Ok(exit) => (exit.is_good(), exit.sentence()),
                Err(error) => (false, error),
            };
        }
        outcome
    }

    /// Stops all of a track; each instance has its own grace period, but none longer than `deadline`. Claims stay.
    pub async fn stop(&self, scope: &Scope, deadline: Duration) {
        let mut instances = self.instances.lock().await;
        let keys: Vec<_> = instances.keys().filter(|(of, _)| of == scope).cloned().collect();
        stop_all(
            keys.iter().filter_map(|key| instances.remove(key)).collect(),
            deadline,
        )
        .await;
        self.stop_strangers(scope, &BTreeMap::new()).await;
        self.objects.lock().await.remove(scope);
        let _ = fs::remove_file(self.track(scope).join(OBJECTS));
    }

    /// Stops everything that this runtime has started, also what an earlier controller left.
    pub async fn stop_all(&self, deadline: Duration) {
        for environment in folders(&self.shared.options.state.join("environments")) {
            for track in folders(&environment.join("tracks")) {
                let scope = Scope {
                    environment: name_of(&environment),
                    track: name_of(&track),
                };
                self.stop(&scope, deadline).await;
            }
            for job in folders(&environment.join("jobs")) {
                if let Some(run) = read_json::<Run>(&job.join(RUN)).filter(|run| run.shim.runs()) {
                    supervisor::stop_run(&run, deadline).await;
                }
            }
        }
    }

    /// The last lines of a workload's instances, also of those that have ended; `None` for all workloads.
    pub fn logs(&self, scope: &Scope, workload: Option<&str>, lines: usize) -> Vec<LogLine> {
        let mut found = Vec::new();
        for folder in self.log_folders(scope, workload) {
            let instance = name_of(&folder);
            let line = |text| LogLine {
                instance: instance.clone(),
                text,
            };
            found.extend(log::tail(&folder.join(LOG), lines).into_iter().map(line));
        }
        found
    }

    /// New lines as they are written, until the receiver is dropped.
    pub fn follow(&self, scope: &Scope, workload: Option<&str>) -> mpsc::Receiver<LogLine> {
        let (sender, receiver) = mpsc::channel(FOLLOW_LINES_MAX);
        let (runtime, scope, workload) = (self.clone(), scope.clone(), workload.map(str::to_owned));
        let size = |folder: &Path| fs::metadata(folder.join(LOG)).map_or(0, |meta| meta.len());
        let mut places: BTreeMap<PathBuf, u64> = self
            .log_folders(&scope, workload.as_deref())
            .into_iter()
            .map(|folder| (folder.clone(), size(&folder)))
            .collect();
        tokio::spawn(async move {
            while !sender.is_closed() {
                for folder in runtime.log_folders(&scope, workload.as_deref()) {
                    let at = places.get(&folder).copied().unwrap_or_default();
                    let (lines, next) = log::since(&folder.join(LOG), at);
                    places.insert(folder.clone(), next);
                    for text in lines {
                        if sender
                            .send(LogLine {
                                instance: name_of(&folder),
                                text,
                            })
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                }
                tokio::time::sleep(FOLLOW_LOOK).await;
            }
        });
        receiver
    }

    fn log_folders(&self, scope: &Scope, workload: Option<&str>) -> Vec<PathBuf> {
        let belongs = |folder: &PathBuf| {
            workload.is_none_or(|workload| name_of(folder).split('_').next() == Some(workload))
        };
        folders(&self.track(scope).join("instances"))
            .into_iter()
            .filter(belongs)
            .collect()
    }

    /// Instances of an earlier controller that nobody looks after and that are not wanted as they are.
    async fn stop_strangers(&self, scope: &Scope, keep: &BTreeMap<&Key, String>) {
        #[derive(Deserialize)]
        struct Kept {
            digest: String,
        }
        let keep: BTreeMap<String, &String> = keep.iter().map(|(key, digest)| (key.name(), digest)).collect();
        for folder in folders(&self.track(scope).join("instances")) {
            let kept: Option<Kept> = read_json(&folder.join("instance.json"));
            let wanted = kept.is_some_and(|kept| keep.get(&name_of(&folder)) == Some(&&kept.digest));
            if let Some(run) = read_json::<Run>(&folder.join(RUN)).filter(|run| !wanted && run.shim.runs()) {
                supervisor::stop_run(&run, Duration::from_secs(30)).await;
            }
        }
    }

    /// Composes on a thread where unpacking images may take its time.
    async fn compose<T>(
        &self,
        scope: &Scope,
        objects: &[Object],
        compose: impl FnOnce(&Composer<'_>) -> Result<T, LocalError>,
    ) -> Result<T, LocalError> {
        let images = self.shared.options.state.join("images");
        let names: std::collections::BTreeSet<String> = objects
            .iter()
            .filter_map(Object::workload)
            .filter_map(|workload: Workload<'_>| workload.pod())
            .flat_map(|pod| [pod.containers(), pod.init_containers()].concat())
            .map(|container| container.image().to_owned())
            .collect();
        let (layout, into) = (self.layout.clone(), images.clone());
        // Unpacking what is not there yet is the only slow part; its errors come again below, with the workload's name.
        let _ = tokio::task::spawn_blocking(move || {
            for name in names {
                let _ = layout
                    .resolve(&name)
                    .and_then(|digest| layout.unpack(digest, &into));
            }
        })
        .await;
        let look_up = |name: &str| {
            let digest = self.layout.resolve(name)?;
            let (root, image) = self.layout.unpack(digest, &images)?;
            Ok((digest, root, image))
        };
        let claims = self.environment(scope).join("claims");
        compose(&Composer {
            scope,
            objects,
            images: &look_up,
            claims: &claims,
        })
    }

    fn environment(&self, scope: &Scope) -> PathBuf {
        self.shared
            .options
            .state
            .join("environments")
            .join(&scope.environment)
    }

    fn track(&self, scope: &Scope) -> PathBuf {
        self.environment(scope).join("tracks").join(&scope.track)
    }

    fn instance(&self, scope: &Scope, key: &Key) -> PathBuf {
        self.track(scope).join("instances").join(key.name())
    }
}

fn workloads(own: &[(&Wanted, InstanceState)]) -> Vec<WorkloadState> {
    let mut found: BTreeMap<&str, WorkloadState> = BTreeMap::new();
    let mut pods: BTreeMap<(&str, u32), bool> = BTreeMap::new();
    for (wanted, state) in own {
        let name = wanted.key.workload.as_str();
        *pods.entry((name, wanted.key.replica)).or_insert(true) &= state.phase == Phase::Ready;
        let workload = found.entry(name).or_insert_with(|| WorkloadState {
            name: name.to_owned(),
            ready: 0,
            desired: 0,
            restarts: 0,
            message: String::new(),
            instances: Vec::new(),
        });
        workload.restarts += state.restarts;
        if state.phase != Phase::Ready && workload.message.is_empty() {
            workload.message.clone_from(&state.message);
        }
        workload.instances.push(state.clone());
    }
    for ((name, _), ready) in pods {
        if let Some(workload) = found.get_mut(name) {
            workload.desired += 1;
            workload.ready += u32::from(ready);
        }
    }
    found.into_values().collect()
}

fn services(objects: &[Object], own: &[(&Wanted, InstanceState)]) -> Vec<ServiceState> {
    let mut found = Vec::new();
    for service in objects.iter().filter_map(Object::service) {
        for port in service.ports() {
            let targets = own.iter().filter_map(|(wanted, state)| {
                let labels = wanted
                    .labels
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str()))
                    .collect();
                let declared = wanted.ports.iter().find(|(name, number)| match &port.target {
                    PortName::Number(target) => number == target,
                    PortName::Named(target) => name.as_ref() == Some(target),
                });
                let own = state.ports.get(&declared?.1)?;
                service.selects(&labels).then(|| ServiceTarget {
                    id: state.id.clone(),
                    address: SocketAddr::from((Ipv4Addr::LOCALHOST, *own)),
                    ready: state.phase == Phase::Ready,
                })
            });
            found.push(ServiceState {
                name: service.name().to_owned(),
                port_name: port.name.map(str::to_owned),
                port: port.port,
                targets: targets.collect(),
            });
        }
    }
    found
}

/// Stops supervisors side by side.
async fn stop_all(supervisors: Vec<Supervisor>, deadline: Duration) {
    let stopping: Vec<_> = supervisors
        .into_iter()
        .map(|one| tokio::spawn(one.stop(deadline)))
        .collect();
    for one in stopping {
        let _ = one.await;
    }
}

/// Tries each isolation in a process of its own, best first.
async fn best_isolation(options: &Options) -> Isolation {
    for (isolation, name) in [
        (Isolation::Namespaces, "namespaces"),
        (Isolation::Landlock, "landlock"),
    ] {
        if isolation == Isolation::Namespaces && !nix::unistd::geteuid().is_root() {
            continue;
        }
        let mut check = tokio::process::Command::new(&options.helper);
        check
            .args(&options.helper_entry)
            .args(["check", name])
            .env_clear();
        check
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if check.status().await.is_ok_and(|status| status.success()) {
            return isolation;
        }
    }
    Isolation::None
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
