//! Redis.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Process, Result, folder, free_port, listens, program, wait};

/// A server that writes every change to its disk, so that a killed one comes back with its data.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Process>,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = program("redis-server", "redis-server")? else {
            return Ok(None);
        };
        let mut server = Self {
            program,
            folder: folder()?,
            port: free_port()?,
            process: None,
        };
        server.run()?;
        Ok(Some(server))
    }

    /// Starts it again on its data.
    pub fn run(&mut self) -> Result<()> {
        let child = Command::new(&self.program)
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "everysec",
            ])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|cause| format!("redis-server: {cause}"))?;
        self.process = Some(Process(child));
        wait("redis-server", || listens(self.port))
    }

    /// As a crash.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}
