//! The controller's side of the control socket. One connection per wish; does not know what a release is.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::control::SOCKET;
use crate::message::{
    Applied, Done, Drained, LINE_BYTES_MAX, Metrics, Reply, Request, Retire, Status, Upgraded,
};
use crate::socket::Short;
use crate::table::Table;

pub use crate::message::{Reason, Refusal};

/// Longest wait for an answer that needs no waiting by itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks whether a new process answers.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Speaks to a running proxy. Cheap to clone; holds no connection.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

/// Why a wish was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process did not start.
    #[error("{} does not start as the proxy", program.display())]
    Unstarted {
        /// The program.
        program: PathBuf,
        /// What starting it met.
        #[source]
        source: io::Error,
    },
    /// Nobody answers.
    #[error("the proxy does not answer at {}", socket.display())]
    Unreachable {
        /// The control socket.
        socket: PathBuf,
        /// What connecting, writing or reading met.
        #[source]
        source: io::Error,
    },
    /// The proxy said no.
    #[error("the proxy refused: {}", .0.detail)]
    Refused(Refusal),
    /// The answer is no answer.
    #[error("the proxy's answer at {} was not understood", socket.display())]
    Garbled {
        /// The control socket.
        socket: PathBuf,
        /// What reading it met.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Why the proxy said no, if it did.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Unstarted { .. } | Self::Unreachable { .. } | Self::Garbled { .. } => None,
        }
    }
}

impl Client {
    /// Starts a proxy for a state folder as `PROGRAM proxy --state DIR`, in a session of its own, and waits until it
    /// answers. If one serves there already, nothing is started.
    pub async fn start(program: &Path, state: &Path) -> Result<Self, Error> {
        let client = Self::new(state.join(SOCKET));
        if client.status().await.is_ok() {
            return Ok(client);
        }
        let fail = |source| Error::Unstarted {
            program: program.to_owned(),
            source,
        };
        let mut process = tokio::process::Command::new(program)
            .arg("proxy")
            .arg("--state")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(fail)?;
        let answers = async {
            while client.status().await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = answers => Ok(client),
            ended = process.wait() => {
                let log = state.join("proxy.log");
                let what = format!("it ended with {ended:?}; {} tells more", log.display());
                Err(fail(io::Error::other(what)))
            }
            () = tokio::time::sleep(ANSWER_WITHIN) => Err(fail(io::ErrorKind::TimedOut.into())),
        }
    }

    /// For the proxy whose control socket is there. Does not connect yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// The control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Puts a table in force; on return it is on disk, and no request begins on anything that it does not name.
    pub async fn apply(&self, table: Table, retire: Retire) -> Result<Applied, Error> {
        self.ask(&Request::Apply { table, retire }, ANSWER_WITHIN).await
    }

    /// Waits until nothing is in flight on a track of all services of a table, or until `deadline` is over.
    pub async fn drained(&self, name: &str, track: &str, deadline: Duration) -> Result<Drained, Error> {
        let request = Request::Drained {
            name: name.to_owned(),
            track: track.to_owned(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        };
        self.ask(&request, deadline.saturating_add(ANSWER_WITHIN)).await
    }

    /// All counters.
    pub async fn metrics(&self) -> Result<Metrics, Error> {
        self.ask(&Request::Metrics, ANSWER_WITHIN).await
    }

    /// Holds customers' requests of a table.
    pub async fn pause(&self, name: &str) -> Result<Done, Error> {
        self.ask(
            &Request::Pause {
                name: name.to_owned(),
            },
            ANSWER_WITHIN,
        )
        .await
    }

    /// Releases them.
    pub async fn resume(&self, name: &str) -> Result<Done, Error> {
        self.ask(
            &Request::Resume {
                name: name.to_owned(),
            },
            ANSWER_WITHIN,
        )
        .await
    }

    /// Forgets a table and closes its listeners. A table that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<Done, Error> {
        self.ask(
            &Request::Remove {
                name: name.to_owned(),
            },
            ANSWER_WITHIN,
        )
        .await
    }

    /// What there is.
    pub async fn status(&self) -> Result<Status, Error> {
        self.ask(&Request::Status, ANSWER_WITHIN).await
    }

    /// Ends the proxy after what is in flight.
    pub async fn shutdown(&self) -> Result<Done, Error> {
        self.ask(&Request::Shutdown, ANSWER_WITHIN).await
    }

    /// Replaces the proxy's process by a new one of `program` without closing a socket.
    pub async fn upgrade(&self, program: &Path) -> Result<Upgraded, Error> {
        self.ask(
            &Request::Upgrade {
                program: program.to_owned(),
            },
            ANSWER_WITHIN,
        )
        .await
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request, within: Duration) -> Result<T, Error> {
        let line = tokio::time::timeout(within, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| Error::Unreachable {
                socket: self.socket.clone(),
                source,
            })?;
        match serde_json::from_str(&line) {
            Ok(Reply::Ok(answer)) => Ok(answer),
            Ok(Reply::Refused(refusal)) => Err(Error::Refused(refusal)),
            Err(source) => Err(Error::Garbled {
                socket: self.socket.clone(),
                source,
            }),
        }
    }

    async fn exchange(&self, request: &Request) -> io::Result<String> {
        let mut stream = UnixStream::connect(Short::of(&self.socket)?.path()).await?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        BufReader::new(stream)
            .take(LINE_BYTES_MAX)
            .read_line(&mut answer)
            .await?;
        if answer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }
}
