//! PostgreSQL, and a copy of it that follows.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Process, Result, folder, free_port, give, other_user, program, wait};

/// A server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    durable: Durable,
    process: Option<Process>,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// The system: a killed process loses nothing, a power cut might. For tests.
    Process,
    /// The disk, as in earnest. For measurements.
    Disk,
}

impl Postgres {
    /// Starts one with these databases.
    pub fn start(databases: &[&str]) -> Result<Option<Self>> {
        Self::start_as(databases, Durable::Process)
    }

    /// The same, with a say in what a commit waits for.
    pub fn start_as(databases: &[&str], durable: Durable) -> Result<Option<Self>> {
        let Some(mut server) = Self::prepare(durable)? else {
            return Ok(None);
        };
        let data = server.data();
        let mut make = server.program("initdb");
        make.args([
            "--username=shop",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        done(make.arg("--pgdata").arg(data))?;
        server.run()?;
        for database in databases {
            done(server.client("createdb").arg(database))?;
        }
        Ok(Some(server))
    }

    /// A copy that follows this one, read only.
    pub fn replica(&self) -> Result<Self> {
        let mut copy = Self::prepare(self.durable)?.ok_or("PostgreSQL has gone")?;
        let data = copy.data();
        let mut make = self.client("pg_basebackup");
        make.args([
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-sync",
            "--write-recovery-conf",
        ]);
        done(make.arg("--pgdata").arg(data))?;
        copy.run()?;
        Ok(copy)
    }

    fn prepare(durable: Durable) -> Result<Option<Self>> {
        let Some(postgres) = program("initdb", "postgresql")? else {
            return Ok(None);
        };
        let server = Self {
            programs: postgres.parent().map(PathBuf::from).unwrap_or_default(),
            folder: folder()?,
            port: free_port()?,
            durable,
            process: None,
        };
        give(server.folder.path(), other_user("postgres"))?;
        Ok(Some(server))
    }

    /// Starts it, again too, on its data, and waits until it answers.
    pub fn run(&mut self) -> Result<()> {
        let mut command = self.program("postgres");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(|cause| format!("{}: {cause}", self.log().display()))?;
        command.arg("-D").arg(self.data()).stderr(log);
        let durable = if self.durable == Durable::Disk {
            "on"
        } else {
            "off"
        };
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.path().display()),
            "max_connections=200".to_owned(),
            format!("fsync={durable}"),
        ];
        for setting in settings {
            command.args(["-c", &setting]);
        }
        let child = command.spawn().map_err(|cause| format!("postgres: {cause}"))?;
        self.process = Some(Process(child));
        wait("PostgreSQL", || self.answers())
    }

    /// As a crash: nothing is written any more.
    pub fn kill(&mut self) -> Result<()> {
        self.process = None;
        // The server's helpers end when they see that it is gone; without them nobody holds the data.
        let lock = self.data().join("postmaster.pid");
        wait("the end of PostgreSQL", || !self.answers())?;
        std::thread::sleep(Duration::from_millis(300));
        let _ = std::fs::remove_file(lock);
        Ok(())
    }

    /// Runs statements in a database; gives what they print.
    pub fn say(&self, database: &str, statements: &str) -> Result<String> {
        let mut command = self.client("psql");
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        command.args([
            "--set=ON_ERROR_STOP=1",
            "--dbname",
            database,
            "--command",
            statements,
        ]);
        done(&mut command)
    }

    /// What the server has written to its log.
    pub fn logged(&self) -> Result<String> {
        let bytes =
            std::fs::read(self.log()).map_err(|cause| format!("{}: {cause}", self.log().display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://shop@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn answers(&self) -> bool {
        self.client("pg_isready")
            .status()
            .is_ok_and(|status| status.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        let port = format!("--port={}", self.port);
        command.args(["--host=127.0.0.1", "--username=shop", &port]);
        command
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(user) = other_user("postgres") {
            command.uid(user);
        }
        command
    }
}

fn done(command: &mut Command) -> Result<String> {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|cause| format!("{}: {cause}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!(
        "{}: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr)
    ))
}
