//! A platform of one service in a folder of its own, and the program that releases it. Everything that runs ends with it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_core::view::{EnvironmentView, HistoryView, View};
use windlass_oci::{ImageSpec, Layout};
use windlass_server::Token;

use super::port::free_port;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// From look to look.
const LOOK: Duration = Duration::from_millis(2);
const WINDLASS: &str = env!("CARGO_BIN_EXE_windlass");
const SERVICE: &str = env!("CARGO_BIN_EXE_windlass-test-service");
/// The chart of one service that passes all rules.
const TEMPLATE: &str = include_str!("../../../engine/tests/helper/web.yaml");

pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

/// A controller in the foreground of a process of its own.
pub(crate) struct Controller {
    process: Child,
    address: String,
    token: String,
}

impl Place {
    /// `more` are further lines of the environment `staging`, which deploys by itself what is on `develop`.
    pub(crate) fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("cache/windlass/images")).unwrap();
        let spec = ImageSpec {
            binary: PathBuf::from(SERVICE),
            name: "service".to_owned(),
            ..ImageSpec::default()
        };
        let image = layout.assemble(&spec).unwrap();
        let port = free_port();
        let this = Self { folder, port };
        this.write(
            "windlass.yaml",
            &format!(
                "platform: shop\nservices:\n  web: {{ image: \"web@{image}\" }}\nchart: chart\nedge: web\nenvironments:\n  staging:\n    source: {{ branch: develop }}\n    port: {port}\n{more}"
            ),
        );
        this.write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
        this.write("chart/templates/web.yaml", TEMPLATE);
        git(&this.root(), &["init", "-q", "-b", "develop"]);
        this
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// The layout of images that the program uses.
    pub(crate) fn images(&self) -> PathBuf {
        self.folder.path().join("cache/windlass/images")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join(".windlass")
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Commits a release that greets like this.
    pub(crate) fn commit(&self, greeting: &str, fault: &str) -> String {
        let values = format!("greeting: {greeting}\nfault: \"{fault}\"\nmigration: 0\npatience: 60\n");
        self.write("chart/values.yaml", &values);
        git(&self.root(), &["add", "chart", "windlass.yaml"]);
        git(
            &self.root(),
            &["commit", "-q", "--allow-empty", "-m", &format!("Say {greeting}")],
        );
        format!("sha-{}", &git(&self.root(), &["rev-parse", "HEAD"])[..7])
    }

    /// The program with these arguments, in the repository.
    pub(crate) fn windlass(&self, arguments: &[&str]) -> Command {
        self.program(Path::new(WINDLASS), arguments)
    }

    fn program(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.root())
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("NO_COLOR", "1")
            .env_remove("WINDLASS_STATE")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.windlass(arguments).output().unwrap()
    }

    /// Runs it with `-o json`; the document it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["-o", "json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Starts a controller and waits until it answers.
    pub(crate) fn serve(&self) -> Controller {
        self.serve_with(&[])
    }

    /// With further variables.
    pub(crate) fn serve_with(&self, variables: &[(&str, &str)]) -> Controller {
        self.serve_by(Path::new(WINDLASS), variables)
    }

    /// With another copy of the program, as after an update.
    pub(crate) fn serve_updated(&self) -> Controller {
        let copy = self.folder.path().join("windlass");
        fs::copy(WINDLASS, &copy).unwrap();
        self.serve_by(&copy, &[])
    }

    fn serve_by(&self, program: &Path, variables: &[(&str, &str)]) -> Controller {
        let _ = fs::remove_file(self.state().join("controller.json"));
        let process = self.spawn(program, &["--listen=127.0.0.1:0"], "serve", variables);
        self.controller(process, "serve")
    }

    /// Starts one of several controllers, which may have to wait for its turn. What it says is in the file of its name.
    pub(crate) fn stand_by(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
        self.spawn(Path::new(WINDLASS), arguments, name, variables)
    }

    fn spawn(&self, program: &Path, arguments: &[&str], name: &str, variables: &[(&str, &str)]) -> Child {
        let log = self.folder.path().join(format!("{name}.log"));
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        self.program(program, &[&["serve"], arguments].concat())
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// What a controller said.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Waits until a process is the controller and answers.
    pub(crate) fn controller(&self, mut process: Child, name: &str) -> Controller {
        let path = self.state().join("controller.json");
        let contact = until("the controller to answer", || {
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the controller ended with {status}: {}", self.log(name));
            }
            let text = fs::read_to_string(&path).ok()?;
            let contact = serde_json::from_str::<Value>(&text).ok()?;
            (contact["pid"] == process.id()).then_some(contact)
        });
        let text = |key: &str| contact[key].as_str().unwrap().to_owned();
        Controller {
            process,
            address: text("address"),
            token: text("token"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Instances and the proxy outlive every controller.
        let _ = self.run(&["down"]);
    }
}

impl Controller {
    /// SIGKILL, and nothing else.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// The same, where another one takes its place.
    pub(crate) fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until its process ends by itself; whether that is well.
    pub(crate) fn wait(&mut self) -> bool {
        let ended = until("the controller to end", || self.process.try_wait().unwrap());
        ended.success()
    }

    pub(crate) fn view(&self) -> View {
        let body = self.ask("GET", "/api/v1/view");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// Has it look at its sources now.
    pub(crate) fn poke(&self) {
        self.ask("POST", "/api/v1/poke");
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull",
            self.address, self.token
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    }

    /// A webhook with this body and signature; the status of the answer.
    pub(crate) fn hook(&self, body: &str, signature: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "POST /hooks/github HTTP/1.0\r\nhost: {}\r\nx-github-event: push\r\nx-hub-signature-256: sha256={signature}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_whitespace().nth(1).unwrap().to_owned()
    }

    pub(crate) fn token(&self) -> Token {
        Token::new(self.token.clone())
    }

    pub(crate) fn staging(&self) -> EnvironmentView {
        self.view().environments.remove(0)
    }

    /// The end of the newest rollout of a release, if it has ended.
    pub(crate) fn has_ended(&self, release: &str) -> Option<HistoryView> {
        let history = self.staging().history;
        history.into_iter().find(|ended| ended.release == release)
    }

    /// Waits for it.
    pub(crate) fn ended(&self, release: &str) -> HistoryView {
        until(&format!("the end of {release}"), || self.has_ended(release))
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
