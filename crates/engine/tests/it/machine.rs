//! The local runtime alone: one workload of the fixture on this machine, without repository, proxy and controller.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_core::object::Object;
use windlass_engine::local::{
    BackOff, InstanceState, Isolation, JobOutcome, LocalRuntime, Options, Phase, Scope,
};

use super::place::{FIXTURE, HELPER, assemble, until};

/// Waits that no test waits for: a second restart would be seen as a test that takes too long.
const BACK_OFF: BackOff = BackOff {
    first: Duration::from_hours(1),
    longest: Duration::from_hours(1),
    forgiven_after: Duration::from_hours(1),
};
/// More than any grace period of a test.
const DEADLINE: Duration = Duration::from_secs(30);

/// A runtime and its folder. What it runs ends with it.
pub(crate) struct Machine {
    pub(crate) folder: tempfile::TempDir,
    image: String,
    isolation: Isolation,
    tokio: tokio::runtime::Runtime,
    runtime: LocalRuntime,
}

/// The isolations that this machine allows to this user. Where there is only one, the other's tests say nothing.
pub(crate) fn allowed() -> Vec<Isolation> {
    let works = |name: &str| {
        let check = Command::new(HELPER).args(["check", name]).output().unwrap();
        check.status.success()
    };
    let mut found = vec![Isolation::None];
    found.extend(works("landlock").then_some(Isolation::Landlock));
    found.extend(works("namespaces").then_some(Isolation::Namespaces));
    found
}

impl Machine {
    pub(crate) fn new(isolation: Isolation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = assemble(&folder.path().join("images"), FIXTURE.as_ref());
        let (tokio, runtime) = open(folder.path(), isolation);
        Self {
            folder,
            image: format!("web@{image}"),
            isolation,
            tokio,
            runtime,
        }
    }

    /// The controller's process ends without a word, and another one takes over.
    pub(crate) fn restart(&mut self) {
        let (tokio, runtime) = open(self.folder.path(), self.isolation);
        self.runtime = runtime;
        std::mem::replace(&mut self.tokio, tokio).shutdown_background();
        for (_, resumed) in self.tokio.block_on(self.runtime.resume()) {
            resumed.unwrap();
        }
    }

    /// Runs the fixture once with these arguments; `more` are further fields of its container.
    pub(crate) fn job(&self, arguments: &[&str], more: &Value) -> JobOutcome {
        let mut objects = self.objects("Job", arguments, more);
        let job = objects.remove(0);
        let scope = scope();
        let ran = self.runtime.run_job(&scope, &job, &objects);
        self.tokio.block_on(ran).unwrap()
    }

    /// Lets the fixture run with these arguments.
    pub(crate) fn apply(&self, arguments: &[&str], more: &Value) {
        let objects = self.objects("Deployment", arguments, more);
        self.tokio
            .block_on(self.runtime.apply(&scope(), &objects))
            .unwrap();
    }

    pub(crate) fn instance(&self) -> InstanceState {
        let seen = self.tokio.block_on(self.runtime.observe(&scope()));
        seen.workloads[0].instances[0].clone()
    }

    /// What is known of it once that fits.
    pub(crate) fn instance_when(&self, fits: impl Fn(&InstanceState) -> bool) -> InstanceState {
        until(&format!("another state than {:?}", self.instance()), || {
            let now = self.instance();
            fits(&now).then_some(now)
        })
    }

    pub(crate) fn ready(&self) -> InstanceState {
        self.instance_when(|instance| instance.phase == Phase::Ready)
    }

    /// Makes a file where the instance has its scratch volume.
    pub(crate) fn write_scratch(&self, name: &str) {
        let volumes = "local/environments/staging/tracks/blue/instances/web_0_web/volumes/scratch";
        std::fs::write(self.folder.path().join(volumes).join(name), "").unwrap();
    }

    /// What all instances wrote.
    pub(crate) fn logs(&self) -> String {
        let lines = self.runtime.logs(&scope(), None, 100);
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    pub(crate) fn stop(&self) {
        self.tokio.block_on(self.runtime.stop(&scope(), DEADLINE));
    }

    fn objects(&self, kind: &str, arguments: &[&str], more: &Value) -> Vec<Object> {
        let mut container = json!({
            "name": "web", "image": self.image, "args": arguments, "ports": [{ "containerPort": 8080 }],
            "env": [
                { "name": "PORT", "value": "8080" }, { "name": "GREETING_FILE", "value": "/config/greeting" },
                { "name": "TOKEN", "valueFrom": { "secretKeyRef": { "name": "web", "key": "token" } } },
            ],
            "volumeMounts": [
                { "name": "config", "mountPath": "/config" }, { "name": "scratch", "mountPath": "/scratch" },
            ],
        });
        container
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let pod = json!({
            "terminationGracePeriodSeconds": 1, "restartPolicy": "Never",
            "securityContext": { "runAsUser": 10001 }, "containers": [container],
            "volumes": [
                { "name": "config", "configMap": { "name": "web" } }, { "name": "scratch", "emptyDir": {} },
            ],
        });
        let (api, labels) = (
            if kind == "Job" { "batch/v1" } else { "apps/v1" },
            json!({ "app": "web" }),
        );
        let meta = json!({ "name": "web", "labels": labels });
        [
            json!({
                "apiVersion": api, "kind": kind, "metadata": meta,
                "spec": {
                    "replicas": 1, "backoffLimit": 0, "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels }, "spec": pod },
                },
            }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": { "greeting": "hello" } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": { "token": "s3cret" } }),
        ]
        .map(|value| Object::new(value).unwrap())
        .into()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open(folder: &Path, isolation: Isolation) -> (tokio::runtime::Runtime, LocalRuntime) {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut options = Options::new(folder.join("local"), folder.join("images"));
    (options.helper, options.helper_entry) = (HELPER.into(), Vec::new());
    options.isolation = Some(isolation);
    options.back_off = BACK_OFF;
    let runtime = tokio.block_on(LocalRuntime::new(options)).unwrap();
    (tokio, runtime)
}

fn scope() -> Scope {
    Scope {
        environment: "staging".to_owned(),
        track: "blue".to_owned(),
    }
}
