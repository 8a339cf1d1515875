//! PgBouncer, with the settings that the chart gives it.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use crate::{Process, Result, folder, free_port, give, listens, other_user, program, wait};

/// A pool of connections to PostgreSQL: each client has one for as long as it stays.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts one that knows these databases: the name for clients, the port of the server, the name there.
    pub fn start(databases: &[(&str, u16, &str)]) -> Result<Option<Self>> {
        let Some(program) = program("pgbouncer", "pgbouncer")? else {
            return Ok(None);
        };
        let (folder, port, user) = (folder()?, free_port()?, other_user("postgres"));
        let mut settings = "[databases]\n".to_owned();
        for (name, port, there) in databases {
            let _ = writeln!(settings, "{name} = host=127.0.0.1 port={port} dbname={there}");
        }
        let _ = write!(
            settings,
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = session\ndefault_pool_size = 60\nmax_client_conn = 500\n\
             ignore_startup_parameters = extra_float_digits\n"
        );
        // Whoever asks is the owner of the databases.
        let settings = settings.replace("dbname=", "user=shop dbname=");
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).map_err(|cause| format!("{}: {cause}", file.display()))?;
        give(folder.path(), user)?;
        let mut command = Command::new(program);
        command
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(user) = user {
            command.uid(user);
        }
        let child = command.spawn().map_err(|cause| format!("pgbouncer: {cause}"))?;
        let process = Process(child);
        wait("PgBouncer", || listens(port))?;
        Ok(Some(Self {
            port,
            _process: process,
            _folder: folder,
        }))
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://shop@127.0.0.1:{}/{database}", self.port)
    }
}
