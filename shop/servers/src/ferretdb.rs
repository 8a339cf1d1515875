//! FerretDB 1.24.2 on SQLite files: what speaks MongoDB's protocol here, because no MongoDB can be installed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::cached::FERRETDB;
use crate::{Process, Result, folder, free_port, listens, wait};

/// A server that can be killed, and started again on its data.
#[derive(Debug)]
pub struct FerretDb {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Process>,
}

impl FerretDb {
    /// Which server it is, for those who read the output of tests.
    pub const NAME: &str = "FerretDB 1.24.2 on SQLite";

    /// Starts one.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = FERRETDB.find()? else {
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
        let child: Child = Command::new(&self.program)
            .arg(format!("127.0.0.1:{}", self.port))
            .arg(self.folder.path())
            // It ends when this end of the pipe is closed, also by a test that was killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| format!("{}: {cause}", self.program.display()))?;
        self.process = Some(Process(child));
        wait(Self::NAME, || listens(self.port))
    }

    /// As a crash.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}", self.port)
    }
}
