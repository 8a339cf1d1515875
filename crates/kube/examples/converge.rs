//! Measures how a set of objects comes to be on a real control plane, beside `kubectl apply --server-side` and Helm 4:
//! `converge OBJECTS...`. One JSON object for each figure on standard output: `case`, `metric`, `peer` (none for the
//! driver), `value`. Milliseconds, counts and kibibytes.
//!
//! The nodes of the test cluster pretend, and the Deployments ask for no pods: what is measured is the way to the API server
//! and back.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::json;
use windlass_cluster::{Binary, Client, Component};
use windlass_core::object::Object;
use windlass_kube::{Cluster, Owner, Place, Target};

/// What goes wrong ends the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Of five objects one is a Deployment, one a Service, three are ConfigMaps.
const KINDS: usize = 5;
/// Runs of what takes little time; the middle one counts.
const RUNS: usize = 5;
/// Ticks of processor time in a second, as the kernel counts for programs.
const TICKS_S: u64 = 100;

#[expect(clippy::print_stderr, reason = "its output is for the person who started it")]
fn main() -> ExitCode {
    let counts: Option<Vec<usize>> = std::env::args().skip(1).map(|word| word.parse().ok()).collect();
    let Some(counts) = counts.filter(|counts| !counts.is_empty()) else {
        eprintln!("usage: converge OBJECTS...");
        return ExitCode::from(2);
    };
    match run(&counts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(counts: &[usize]) -> Outcome<()> {
    let binary = windlass_cluster::find()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for count in counts {
        // Each its own cluster: what is left of another one would be in its way.
        let bench = Bench::start(&binary, *count)?;
        runtime.block_on(bench.ours())?;
        bench.kubectl("kubectl", &[])?;
        bench.kubectl("kubectl-novalidate", &["--validate=false"])?;
        bench.helm()?;
    }
    Ok(())
}

/// One number of objects on one cluster.
struct Bench {
    cluster: windlass_cluster::Cluster,
    folder: PathBuf,
    count: usize,
}

impl Bench {
    fn start(binary: &Binary, count: usize) -> Outcome<Self> {
        let cluster = windlass_cluster::Cluster::start(binary)?;
        let folder = cluster.report().dir.join("converge");
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            cluster,
            folder,
            count,
        })
    }

    /// The driver in a process that goes on, and in one that was started anew.
    async fn ours(&self) -> Outcome<()> {
        let namespace = self.namespace("ours")?;
        let objects = self.objects(&namespace, 0)?;
        let (_, settled) = self
            .timed(None, "cold", 1, async || {
                let place = self.place(&namespace).await?;
                place.apply(&objects).await?;
                Ok(place)
            })
            .await?;
        self.timed(None, "unchanged", RUNS, async || {
            Ok(settled.apply(&objects).await?)
        })
        .await?;
        self.timed(None, "unchanged, started anew", 1, async || {
            Ok(self.place(&namespace).await?.apply(&objects).await?)
        })
        .await?;
        let mut edit = 0;
        self.timed(None, "one changed", RUNS, async || {
            edit += 1;
            Ok(settled.apply(&self.objects(&namespace, edit)?).await?)
        })
        .await?;
        self.timed(None, "diff", 1, async || {
            Ok(settled.differences(&objects).await?)
        })
        .await?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        self.tell("all of it", "peak_memory_kib", None, peak.unwrap_or_default());
        Ok(())
    }

    async fn place(&self, namespace: &str) -> Outcome<Place> {
        let target = Target {
            kubeconfig: Some(self.cluster.kubeconfig().to_owned()),
            context: None,
            ..Target::default()
        };
        let owner = Owner {
            platform: "bench".to_owned(),
            environment: namespace.to_owned(),
        };
        let place = Place::new(Cluster::connect(&target).await?, namespace, owner);
        place.open().await?;
        Ok(place)
    }

    fn kubectl(&self, peer: &str, more: &[&str]) -> Outcome<()> {
        if !is_there("kubectl") {
            return Ok(());
        }
        let namespace = self.namespace(peer)?;
        let file = self.folder.join("objects.json");
        let write = |edit| -> Outcome<()> {
            let list =
                json!({ "apiVersion": "v1", "kind": "List", "items": self.objects(&namespace, edit)? });
            Ok(std::fs::write(&file, list.to_string())?)
        };
        let apply = || {
            let mut command = Command::new("kubectl");
            command.arg("--kubeconfig").arg(self.cluster.kubeconfig());
            command
                .args(["apply", "--server-side", "--filename"])
                .arg(&file)
                .args(more);
            done(&mut command)
        };
        write(0)?;
        self.apart(peer, "cold", &apply)?;
        self.apart(peer, "unchanged", &apply)?;
        write(1)?;
        self.apart(peer, "one changed", &apply)?;
        let diff = || {
            let mut command = Command::new("kubectl");
            command.arg("--kubeconfig").arg(self.cluster.kubeconfig());
            done(command.args(["diff", "--server-side", "--filename"]).arg(&file))
        };
        self.apart(peer, "diff", &diff)
    }

    fn helm(&self) -> Outcome<()> {
        let Some(helm) = helm() else { return Ok(()) };
        let namespace = self.namespace("helm4")?;
        let chart = self.folder.join("chart");
        std::fs::create_dir_all(chart.join("templates"))?;
        std::fs::write(
            chart.join("Chart.yaml"),
            "apiVersion: v2\nname: bench\nversion: 1.0.0\n",
        )?;
        let write = |edit| -> Outcome<()> {
            let objects = self.objects(&namespace, edit)?;
            let text: Vec<String> = objects.iter().map(|object| object.value().to_string()).collect();
            Ok(std::fs::write(
                chart.join("templates/all.yaml"),
                text.join("\n---\n"),
            )?)
        };
        let upgrade = || {
            let mut command = Command::new(&helm);
            command.arg("--kubeconfig").arg(self.cluster.kubeconfig());
            command
                .args(["upgrade", "--install", "--namespace", &namespace, "bench"])
                .arg(&chart);
            done(&mut command)
        };
        write(0)?;
        self.apart("helm4", "cold", &upgrade)?;
        self.apart("helm4", "unchanged", &upgrade)?;
        write(1)?;
        self.apart("helm4", "one changed", &upgrade)
    }

    /// A namespace that is there already.
    fn namespace(&self, name: &str) -> Outcome<String> {
        let namespace = format!("converge-{name}");
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        let client: &Client = self.cluster.client();
        client.create("/api/v1/namespaces", &object)?;
        Ok(namespace)
    }

    /// The objects; another `edit` changes one of them.
    fn objects(&self, namespace: &str, edit: usize) -> Outcome<Vec<Object>> {
        let all = (0..self.count).map(|number| {
            let name = format!("o{number}");
            let meta = json!({ "name": name, "namespace": namespace, "labels": { "app": name } });
            let value = match number % KINDS {
                0 => json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {
                    "replicas": 0, "selector": { "matchLabels": { "app": name } },
                    "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [{
                        "name": "app", "image": "example.com/app:1", "ports": [{ "containerPort": 8080 }],
                        "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
                        "readinessProbe": { "httpGet": { "path": "/ready", "port": 8080 } },
                    }] } } } }),
                1 => json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta,
                    "spec": { "clusterIP": "None", "selector": { "app": name }, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
                2 if number == 2 => json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
                    "data": { "edit": edit.to_string() } }),
                _ => json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
                    "data": { "LOG_LEVEL": "info", "NUMBER": number.to_string() } }),
            };
            Ok(Object::new(value)?)
        });
        all.collect()
    }

    /// Runs the driver, and tells the middle run's time, the writes of one run and the API server's processor time of all.
    async fn timed<T>(
        &self,
        peer: Option<&str>,
        case: &str,
        runs: usize,
        mut work: impl AsyncFnMut() -> Outcome<T>,
    ) -> Outcome<(f64, T)> {
        let (before, cpu) = (self.writes()?, self.cpu()?);
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..runs {
            let began = Instant::now();
            last = Some(work().await?);
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        let middle = times[times.len() / 2];
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests and of runs are small"
        )]
        let each = |all: u64| all as f64 / runs as f64;
        self.tell(case, "time_ms", peer, middle);
        self.tell(case, "write_requests", peer, each(self.writes()? - before));
        self.tell(case, "api_server_cpu_ms", peer, each(self.cpu()? - cpu));
        Ok((middle, last.ok_or("no run")?))
    }

    /// The same of another program.
    fn apart(&self, peer: &str, case: &str, work: &dyn Fn() -> Outcome<()>) -> Outcome<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(self.timed(Some(peer), case, 1, async || work()))?;
        Ok(())
    }

    /// Requests so far that could have changed something; dry runs and questions about permissions change nothing.
    fn writes(&self) -> Outcome<u64> {
        let requests = self.cluster.requests()?;
        let harmless = |path: &str| path.contains("dryRun=All") || path.contains("selfsubject");
        let writes = requests.iter().filter(|one| one.writes() && !harmless(&one.path));
        Ok(u64::try_from(writes.count())?)
    }

    /// Milliseconds of processor time that the API server has had.
    fn cpu(&self) -> Outcome<u64> {
        let process = self.cluster.process(Component::ApiServer)?;
        let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
        Ok(ticks * 1_000 / TICKS_S)
    }

    #[expect(clippy::print_stdout, reason = "figures are the output")]
    fn tell(&self, case: &str, metric: &str, peer: Option<&str>, value: f64) {
        let case = format!("{} objects, {case}", self.count);
        println!(
            "{}",
            json!({ "case": case, "metric": metric, "peer": peer, "value": value })
        );
    }
}

/// Runs a program to its end; differences are no failure.
fn done(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() || output.stderr.is_empty() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("version")
        .arg("--client")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The real Helm 4 of `WINDLASS_HELM4`, or the one that `./check` built.
fn helm() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WINDLASS_HELM4") {
        return Some(PathBuf::from(named));
    }
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let folders = std::fs::read_dir(base.join("windlass")).ok()?;
    let helms = folders.filter_map(|entry| Some(entry.ok()?.path()));
    let mut helms = helms.filter(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("helm-v4"))
    });
    helms.find_map(|folder| {
        let program = folder.join("helm");
        program.is_file().then_some(program)
    })
}
