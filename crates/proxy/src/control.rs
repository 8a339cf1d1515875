//! The control socket: wishes in, answers out. Only whoever may use the state folder can connect.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use crate::admin::Admin;
use crate::handover;
use crate::message::{Done, LINE_BYTES_MAX, Reason, Refusal, Reply, Request};
use crate::proxy::Proxy;
use crate::socket::Short;

/// Connections at once; more wait.
pub(crate) const CONNECTIONS_MAX: usize = 64;
/// Name of the socket in the state folder.
pub(crate) const SOCKET: &str = "control.sock";

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Somebody wants it.
    Shutdown,
    /// A successor has the sockets.
    HandedOver,
}

/// What answers wishes.
pub(crate) struct Control {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) admin: Option<Admin>,
    pub(crate) state: PathBuf,
    pub(crate) ending: mpsc::Sender<Ending>,
    /// One wish that is being fulfilled holds one; the process ends when all are back.
    pub(crate) wishes: Semaphore,
}

/// Binds the socket under a name of its own and puts it in place of an older one, so that there is always one.
pub(crate) fn bind(state: &Path) -> io::Result<UnixListener> {
    let (path, draft) = (state.join(SOCKET), state.join("control.new"));
    if let Err(error) = std::fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(Short::of(&draft)?.path())?;
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&draft, &path)?;
    Ok(listener)
}

/// Answers wishes, forever.
pub(crate) async fn serve(listener: UnixListener, control: Arc<Control>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let control = Arc::clone(&control);
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = control.converse(stream).await {
                        tracing::debug!(%error, "a control connection broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a control connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl Control {
    /// Waits until each wish has its answer, but not for long.
    pub(crate) async fn rest(&self) {
        const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(ANSWERS_WITHIN, self.wishes.acquire_many(all)).await;
    }

    async fn converse(&self, stream: UnixStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if (&mut stream).take(LINE_BYTES_MAX).read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let request = match serde_json::from_str(&line) {
                Ok(Request::HandOver) => return self.hand_over(stream.into_inner()).await,
                Ok(request) => request,
                Err(error) => {
                    let refusal = Refusal {
                        reason: Reason::Garbled,
                        detail: format!("the request is not understood: {error}"),
                        hint: "one JSON object per line, such as {\"do\":\"status\"}".to_owned(),
                    };
                    return stream
                        .write_all(&line_of(&Reply::<Done>::Refused(refusal))?)
                        .await;
                }
            };
            let ends = request == Request::Shutdown;
            let wish = self.wishes.acquire().await.map_err(io::Error::other)?;
            stream.write_all(&self.fulfil(request).await?).await?;
            drop(wish);
            if ends {
                let _ = self.ending.send(Ending::Shutdown).await;
            }
        }
    }

    async fn fulfil(&self, request: Request) -> io::Result<Vec<u8>> {
        let proxy = &self.proxy;
        match request {
            Request::Apply { table, retire } => reply(proxy.apply(table, retire).await),
            Request::Drained {
                name,
                track,
                deadline_ms,
            } => reply(
                proxy
                    .drained(&name, &track, Duration::from_millis(deadline_ms))
                    .await,
            ),
            Request::Metrics => reply(Ok(proxy.metrics())),
            Request::Pause { name } => reply(proxy.pause(&name)),
            Request::Resume { name } => reply(proxy.resume(&name)),
            Request::Remove { name } => reply(proxy.remove(&name).await),
            Request::Status => reply(Ok(proxy.status(self.admin.as_ref().map(Admin::address)))),
            Request::Shutdown | Request::HandOver => reply(Ok(Done {})),
            Request::Upgrade { program } => reply(handover::start_successor(self, &program).await),
        }
    }

    /// Gives all sockets to a successor and ends once it serves.
    async fn hand_over(&self, stream: UnixStream) -> io::Result<()> {
        let _changing = self.proxy.changing.lock().await;
        handover::give(self, stream).await?;
        tracing::info!("a successor serves");
        self.proxy.leave_to_successor();
        let _ = self.ending.send(Ending::HandedOver).await;
        Ok(())
    }
}

fn reply<T: Serialize>(outcome: Result<T, Refusal>) -> io::Result<Vec<u8>> {
    line_of(&match outcome {
        Ok(answer) => Reply::Ok(answer),
        Err(refusal) => Reply::Refused(refusal),
    })
}

fn line_of<T: Serialize>(reply: &Reply<T>) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    Ok(line)
}
