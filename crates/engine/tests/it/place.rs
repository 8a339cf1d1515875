//! A platform of one service in a folder of its own: repository, images, proxy, and controllers that can be killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use windlass_core::config::Config;
use windlass_core::view::{EnvironmentView, HistoryView, View};
use windlass_engine::cluster::Clusters;
use windlass_engine::controller::{Controller, Handle, Options};
use windlass_engine::local::{self, LocalRuntime};
use windlass_oci::{ImageSpec, Layout};

use super::port::free_port;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// From look to look.
const LOOK: Duration = Duration::from_millis(10);
pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_windlass-sandbox");
pub(crate) const FIXTURE: &str = env!("CARGO_BIN_EXE_windlass-fixture");

/// The chart of one service that passes all rules.
const TEMPLATE: &str = include_str!("../helper/web.yaml");

/// What an environment follows when nothing else is said.
const BRANCH: &str = "{ branch: develop }";

/// The folder and the proxy. Everything that runs ends with it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    proxy: Child,
    pub(crate) port: u16,
    config: Config,
    /// The image of the service.
    pub(crate) image: String,
    /// Whether the state folder is a file system of its own.
    mounted: bool,
}

/// A controller in a thread of its own.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    kill: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Place {
    /// `more` are further lines of the environment `staging`.
    pub(crate) fn new(more: &str) -> Self {
        Self::following(BRANCH, more)
    }

    /// With another source.
    pub(crate) fn following(source: &str, more: &str) -> Self {
        Self::made("local", source, more)
    }

    /// On another runtime.
    pub(crate) fn on(runtime: &str, more: &str) -> Self {
        Self::made(runtime, BRANCH, more)
    }

    fn made(runtime: &str, source: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("shop");
        fs::create_dir_all(&root).unwrap();
        let port = free_port();
        let image = assemble(&folder.path().join("cache/images"), Path::new(FIXTURE));
        let text = format!(
            "platform: shop\nservices:\n  web: {{ image: \"web@{image}\" }}\nchart: chart\nedge: web\nenvironments:\n  staging:\n    runtime: {runtime}\n    source: {source}\n    port: {port}\n    deploy: auto\n{more}"
        );
        git(&root, &["init", "-q", "-b", "develop"]);
        let proxy = proxy(folder.path());
        let config = Config::parse("windlass.yaml", &text).unwrap();
        let this = Self {
            folder,
            proxy,
            port,
            config,
            image,
            mounted: false,
        };
        this.write("windlass.yaml", &text);
        this.write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
        this.write("chart/templates/web.yaml", TEMPLATE);
        until("the proxy to answer", || this.socket().exists().then_some(()));
        this
    }

    /// Commits a release that greets like this.
    pub(crate) fn commit(&self, greeting: &str, fault: &str) -> String {
        self.commit_with(greeting, fault, 0)
    }

    /// Commits a release whose migration ends with a status.
    pub(crate) fn commit_with(&self, greeting: &str, fault: &str, migration: u8) -> String {
        self.values(greeting, fault, migration);
        self.commit_all(&format!("Say {greeting}"))
    }

    /// Writes what differs from release to release, and commits nothing.
    pub(crate) fn values(&self, greeting: &str, fault: &str, migration: u8) {
        // One that never becomes ready is not waited for; a slow machine makes no good one bad.
        let patience = if ["never-ready", "exit"].contains(&fault) {
            2
        } else {
            60
        };
        let values = format!(
            "greeting: {greeting}\nfault: \"{fault}\"\nmigration: {migration}\npatience: {patience}\n"
        );
        self.write("chart/values.yaml", &values);
    }

    /// Commits the files as they are.
    pub(crate) fn commit_all(&self, subject: &str) -> String {
        git(&self.root(), &["add", "-A"]);
        git(&self.root(), &["commit", "-q", "--allow-empty", "-m", subject]);
        let id = git(&self.root(), &["rev-parse", "HEAD"]);
        format!("sha-{}", &id[..7])
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads one.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// The fixture's image with another program, which is the fixture's bytes changed.
    pub(crate) fn other_image(&self, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = fs::read(FIXTURE).unwrap();
        change(&mut bytes);
        let program = self.folder.path().join("program");
        fs::write(&program, bytes).unwrap();
        assemble(&self.folder.path().join("cache/images"), &program)
    }

    /// Gives the state folder a file system of its own of a few MiB. `false` where that is not allowed.
    pub(crate) fn small_disk(&mut self, mib: u32) -> bool {
        fs::create_dir_all(self.state()).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(self.state())
            .output();
        self.mounted = mounted.is_ok_and(|output| output.status.success());
        self.mounted
    }

    /// Ends everything that runs and starts the proxy again, as after a restart of the machine.
    pub(crate) fn reboot(&mut self) {
        self.end();
        let _ = fs::remove_file(self.socket());
        self.proxy = proxy(self.folder.path());
        until("the proxy to answer", || self.socket().exists().then_some(()));
    }

    fn end(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
        let mut options = local::Options::new(
            self.state().join("local"),
            self.folder.path().join("cache/images"),
        );
        (options.helper, options.helper_entry) = (PathBuf::from(HELPER), Vec::new());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            if let Ok(runtime) = LocalRuntime::new(options).await {
                runtime.stop_all(Duration::from_secs(2)).await;
            }
        });
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("proxy/control.sock")
    }

    /// Starts a controller, which goes on where the one before was killed.
    pub(crate) fn controller(&self) -> Running {
        self.controller_on(Clusters::default())
    }

    /// The same with environments on clusters.
    pub(crate) fn controller_on(&self, clusters: Clusters) -> Running {
        let options = Options {
            root: self.root(),
            state: self.state(),
            cache: self.folder.path().join("cache"),
            config: self.config.clone(),
            repository: None,
            target: None,
            proxy: self.socket(),
            helper: Some((PathBuf::from(HELPER), Vec::new())),
        };
        let kill = CancellationToken::new();
        let killed = kill.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            // What happens to a process that is killed: its tasks are not asked.
            runtime.block_on(async {
                let ledger = Controller::lock(&options).await.unwrap();
                let controller = Controller::open_with(options, ledger, clusters).await.unwrap();
                tell.send(controller.handle()).unwrap();
                tokio::select! {
                    ended = controller.run(CancellationToken::new()) => ended.unwrap(),
                    () = killed.cancelled() => {}
                }
            });
        });
        Running {
            handle: told.recv().expect("the controller starts"),
            kill,
            thread: Some(thread),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end();
        if self.mounted {
            let _ = Command::new("umount").arg("--lazy").arg(self.state()).output();
        }
    }
}

impl Running {
    /// Ends it as a kill does.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.kill.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.handle.view()
    }

    pub(crate) fn staging(&self) -> EnvironmentView {
        self.view().environments[0].clone()
    }

    /// Waits for the end of the newest rollout of a release.
    pub(crate) fn ended(&self, release: &str) -> HistoryView {
        until(
            &format!("the end of {release}; now: {:?}", self.staging().summary),
            || {
                let staging = self.staging();
                staging.history.into_iter().find(|ended| ended.release == release)
            },
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Looks until there is something to see.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn proxy(folder: &Path) -> Child {
    Command::new(HELPER)
        .args(["proxy", "--state"])
        .arg(folder.join("proxy"))
        .args(["--workers", "1"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn assemble(layout: &Path, program: &Path) -> String {
    let spec = ImageSpec {
        binary: program.to_owned(),
        name: "fixture".to_owned(),
        ..ImageSpec::default()
    };
    Layout::open(layout).unwrap().assemble(&spec).unwrap().to_string()
}
