//! A platform of one service in a folder of its own: repository, images, proxy, and controllers that can be killed.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use windlass_core::config::Config;
use windlass_core::view::{EnvironmentView, HistoryView, View};
use windlass_engine::controller::{Controller, Handle, Options};
use windlass_engine::local::{self, LocalRuntime};
use windlass_oci::{ImageSpec, Layout};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// From look to look.
const LOOK: Duration = Duration::from_millis(10);
const HELPER: &str = env!("CARGO_BIN_EXE_windlass-sandbox");
const FIXTURE: &str = env!("CARGO_BIN_EXE_windlass-fixture");

/// The chart of one service that passes all rules.
const TEMPLATE: &str = r#"
apiVersion: v1
kind: Service
metadata: { name: web, labels: { app: web } }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web }
automountServiceAccountToken: false
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec:
  minAvailable: 1
  selector: { matchLabels: { app: web } }
---
apiVersion: batch/v1
kind: Job
metadata:
  name: web-migrate
  annotations: { helm.sh/hook: "pre-install,pre-upgrade" }
spec:
  backoffLimit: 0
  template:
    metadata: { labels: { app: web-migrate } }
    spec:
      restartPolicy: Never
      serviceAccountName: web
      automountServiceAccountToken: false
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: migrate
          image: {{ .Values.global.images.web | quote }}
          args: [exit, {{ .Values.migration | quote }}]
          resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { memory: 64Mi } }
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: { drop: [ALL] } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  progressDeadlineSeconds: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: web
          image: {{ .Values.global.images.web | quote }}
          args: [serve]
          ports: [{ name: http, containerPort: 8080 }]
          env:
            - { name: PORT, value: "8080" }
            - { name: GREETING, value: {{ .Values.greeting | quote }} }
            - { name: FAULT, value: {{ .Values.fault | quote }} }
          readinessProbe: { httpGet: { path: /ready, port: http }, periodSeconds: 1 }
          livenessProbe: { httpGet: { path: /health, port: http }, periodSeconds: 5 }
          resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { memory: 64Mi } }
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: { drop: [ALL] } }
          volumeMounts: [{ name: tmp, mountPath: /tmp }]
      volumes: [{ name: tmp, emptyDir: {} }]
"#;

/// The folder and the proxy. Everything that runs ends with it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    proxy: Child,
    pub(crate) port: u16,
    config: Config,
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
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("shop");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let port = free_port();
        let image = assemble(&folder.path().join("cache/images"));
        let text = format!(
            "platform: shop\nservices:\n  web: {{ image: \"web@{image}\" }}\nchart: chart\nedge: web\nenvironments:\n  staging:\n    runtime: local\n    source: {{ branch: develop }}\n    port: {port}\n    deploy: auto\n{more}"
        );
        write("windlass.yaml", &text);
        write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
        write("chart/templates/web.yaml", TEMPLATE);
        git(&root, &["init", "-q", "-b", "develop"]);
        let proxy = proxy(folder.path());
        let config = Config::parse("windlass.yaml", &text).unwrap();
        let this = Self {
            folder,
            proxy,
            port,
            config,
        };
        until("the proxy to answer", || this.socket().exists().then_some(()));
        this
    }

    /// Commits a release that greets like this.
    pub(crate) fn commit(&self, greeting: &str, fault: &str) -> String {
        self.commit_with(greeting, fault, 0)
    }

    /// Commits a release whose migration ends with a status.
    pub(crate) fn commit_with(&self, greeting: &str, fault: &str, migration: u8) -> String {
        let values = format!("greeting: {greeting}\nfault: \"{fault}\"\nmigration: {migration}\n");
        fs::write(self.root().join("chart/values.yaml"), values).unwrap();
        git(&self.root(), &["add", "-A"]);
        git(&self.root(), &["commit", "-q", "-m", &format!("Say {greeting}")]);
        let id = git(&self.root(), &["rev-parse", "HEAD"]);
        format!("sha-{}", &id[..7])
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
                let controller = Controller::open(options, ledger).await.unwrap();
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

fn assemble(layout: &Path) -> String {
    let spec = ImageSpec {
        binary: PathBuf::from(FIXTURE),
        name: "fixture".to_owned(),
        ..ImageSpec::default()
    };
    Layout::open(layout).unwrap().assemble(&spec).unwrap().to_string()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
