//! A repository of the shop's chart in a folder of its own, and the controller that releases it onto the cluster.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_cluster::Image;

use crate::cluster::shop::{self, Built};

/// Where the shop is on the cluster.
pub(super) const NAMESPACE: &str = "shop";
/// Where customers enter.
pub(super) const EDGE: &str = "api-gateway";

const CHART: &str = "charts/ecommerce-platform";
/// How long anything may take: the machine is busy with customers, seven services on two tracks, and a whole Kubernetes.
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK: Duration = Duration::from_millis(50);
/// Two tracks of the shop on one small machine, which nobody throttles.
const SETTINGS: &str = "environment: staging
logLevel: info
replicas: 1
autoscaling: {maxReplicas: 1}
resources:
  requests: {memory: 32Mi, cpu: 20m}
  limits: {memory: 512Mi, cpu: \"2\"}
";

pub(super) struct Platform {
    folder: tempfile::TempDir,
    services: String,
    kubeconfig: PathBuf,
    release: String,
    controller: Option<Child>,
}

/// The images under the names that releases give them.
pub(super) fn images(built: &Built) -> Vec<Image> {
    let image = |(name, digest): &(String, String)| Image {
        name: name.clone(),
        digest: digest.clone(),
    };
    built.images.iter().map(image).collect()
}

impl Platform {
    pub(super) fn new(built: &Built, kubeconfig: &Path) -> Result<Self, String> {
        let services: Vec<String> = built
            .images
            .iter()
            .map(|(name, digest)| format!("  {name}: {{ image: \"{name}@{digest}\" }}"))
            .collect();
        let mut platform = Self {
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
            services: services.join("\n"),
            kubeconfig: kubeconfig.to_owned(),
            release: String::new(),
            controller: None,
        };
        copy(&shop::root().join(CHART), &platform.root().join("chart")).map_err(|error| error.to_string())?;
        platform.git(&["init", "-q", "-b", "develop"])?;
        platform.write("10m", "nothing yet")?;
        platform.git(&["add", "."])?;
        platform.git(&["commit", "-q", "-m", "The chart"])?;
        // Nothing is released before the first commit that is asked for.
        platform.git(&["branch", "-m", "waiting"])?;
        platform.come_back()?;
        Ok(platform)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// Commits a release that is watched for so long.
    pub(super) fn commit(&mut self, what: &str, watch: &str) -> Result<(), String> {
        self.write(watch, what)?;
        self.git(&["add", "."])?;
        self.git(&["commit", "-q", "-m", what])?;
        let commit = self.git(&["rev-parse", "HEAD"])?;
        self.git(&["branch", "-f", "develop", "HEAD"])?;
        self.release = format!("sha-{}", commit.get(..7).unwrap_or(&commit));
        self.ask("POST", "/api/v1/poke")?;
        Ok(())
    }

    /// Commits a release and waits until customers have it and it is watched. Its name, which is its version too.
    pub(super) fn watched(&mut self, what: &str) -> Result<String, String> {
        self.commit(what, "10m")?;
        self.until("a release to be watched", |lane, release| {
            let rollout = &lane["rollout"];
            (rollout["release"] == release && rollout["phase"] == "watch").then(String::new)
        })?;
        Ok(self.release.clone())
    }

    /// Waits for the end of the newest rollout: its outcome, and why.
    pub(super) fn ended(&self) -> Result<(String, String), String> {
        let mut reason = String::new();
        let outcome = self.until("a rollout to end", |lane, release| {
            let history = lane["history"].as_array()?;
            let ended = history.iter().find(|ended| ended["release"] == release)?;
            ended["reason"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut reason);
            Some(ended["outcome"].as_str().unwrap_or_default().to_owned())
        })?;
        Ok((outcome, reason))
    }

    /// `windlass rollback`, as a person gives it.
    pub(super) fn rollback(&self) -> Result<(), String> {
        let output = self
            .windlass(&["rollback", "staging", "--as", "Ada", "-m", "it is bad"])
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "windlass rollback: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }

    /// The controller ends, and nobody notices.
    pub(super) fn leave(&mut self) {
        if let Some(mut controller) = self.controller.take() {
            let _ = controller.kill();
            let _ = controller.wait();
        }
    }

    pub(super) fn come_back(&mut self) -> Result<(), String> {
        let contact = self.root().join(".windlass/controller.json");
        let _ = fs::remove_file(&contact);
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .map_err(|error| error.to_string())?;
        let controller = self
            .windlass(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("the controller does not start: {error}"))?;
        self.controller = Some(controller);
        let began = Instant::now();
        while !contact.exists() {
            if began.elapsed() > PATIENCE {
                return Err(format!("the controller does not answer: {}", self.log()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }

    fn until(
        &self,
        what: &str,
        mut look: impl FnMut(&Value, &str) -> Option<String>,
    ) -> Result<String, String> {
        let began = Instant::now();
        loop {
            let view = self.ask("GET", "/api/v1/view")?;
            if let Some(found) = look(&view["environments"][0], &self.release) {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!(
                    "waited in vain for {what}\n{}\n{}",
                    view["environments"][0],
                    self.log()
                ));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn ask(&self, method: &str, path: &str) -> Result<Value, String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("the controller does not answer {path}: {error}");
        let contact = fs::read_to_string(self.root().join(".windlass/controller.json"));
        let contact: Value = serde_json::from_str(&contact.map_err(|error| failed(&error))?)
            .map_err(|error| failed(&error))?;
        let text = |key: &str| contact[key].as_str().unwrap_or_default();
        let mut stream = TcpStream::connect(text("address")).map_err(|error| failed(&error))?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull",
            text("address"),
            text("token")
        )
        .map_err(|error| failed(&error))?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .map_err(|error| failed(&error))?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        Ok(serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// The version is the commit's; the text only makes it another one.
    fn write(&self, watch: &str, what: &str) -> Result<(), String> {
        let config = format!(
            "platform: ecommerce\nservices:\n{}\nchart: chart\nedge: {EDGE}\nenvironments:\n  staging:\n    runtime: {{ kubernetes: {{ context: windlass-test, namespace: {NAMESPACE} }} }}\n    source: {{ branch: develop }}\n    deploy: auto\n    strategy: blue-green\n    watch: {watch}\n",
            self.services
        );
        let settings = format!("# {what}\n{SETTINGS}");
        fs::write(self.root().join("windlass.yaml"), config)
            .and_then(|()| fs::write(self.root().join("chart/values.staging.yaml"), settings))
            .map_err(|error| error.to_string())
    }

    fn windlass(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(shop::program("windlass"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env("KUBECONFIG", &self.kubeconfig)
            .env_remove("WINDLASS_STATE")
            .stdin(Stdio::null());
        command
    }

    fn git(&self, arguments: &[&str]) -> Result<String, String> {
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
            .current_dir(self.root())
            .output()
            .map_err(|error| format!("git: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(format!(
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.leave();
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            fs::copy(&path, to)?;
        }
    }
    Ok(())
}
