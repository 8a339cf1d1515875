//! Listening sockets go from a process to its successor over the control socket, so that none is ever closed.
//!
//! ```text
//! successor: {"do":"hand-over"}\n
//! old:       length of the list (4 bytes), list (JSON), then per socket one byte with the descriptor beside it
//! successor: restores the tables from disk with these sockets, serves, puts its own control socket in place, says 1 byte
//! old:       stops accepting, ends its connections with their next answer, ends
//! ```

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::control::Control;
use crate::message::{Reason, Refusal, Request, Upgraded};
use crate::socket::Short;

/// How long a successor may take to serve. The old process serves all the while.
const TAKE_OVER_WITHIN: Duration = Duration::from_secs(15);
/// Longest list of sockets, in bytes.
const LIST_BYTES_MAX: u32 = 4 << 20;
/// Said by a successor that serves.
const READY: u8 = b'!';

/// Gives all listening sockets away. Returns once the successor serves.
pub(crate) async fn give(control: &Control, stream: tokio::net::UnixStream) -> io::Result<()> {
    let mut sockets: Vec<(SocketAddr, OwnedFd)> = Vec::new();
    let mut add = |address: SocketAddr, socket: BorrowedFd<'_>| -> io::Result<()> {
        sockets.push((address, socket.try_clone_to_owned()?));
        Ok(())
    };
    let mut added = Ok(());
    control.proxy.each_open(|open| {
        if added.is_ok() {
            added = add(open.listening.address, open.fd());
        }
    });
    added?;
    if let Some(admin) = &control.admin {
        add(admin.address(), admin.fd())?;
    }
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    tokio::task::spawn_blocking(move || give_blocking(stream, &sockets))
        .await
        .map_err(io::Error::other)?
}

fn give_blocking(mut stream: UnixStream, sockets: &[(SocketAddr, OwnedFd)]) -> io::Result<()> {
    stream.set_read_timeout(Some(TAKE_OVER_WITHIN))?;
    stream.set_write_timeout(Some(TAKE_OVER_WITHIN))?;
    let list: Vec<_> = sockets.iter().map(|(address, _)| address).collect();
    let list = serde_json::to_vec(&list)?;
    let length = u32::try_from(list.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&list)?;
    for (_, socket) in sockets {
        send(&stream, socket.as_fd())?;
    }
    let mut ready = [0];
    stream.read_exact(&mut ready)?;
    if ready == [READY] {
        Ok(())
    } else {
        Err(io::Error::other("the successor does not serve"))
    }
}

/// The sockets of the process that serves now, and the way to tell it that they are in use.
pub(crate) struct Taken {
    pub(crate) sockets: BTreeMap<SocketAddr, TcpListener>,
    stream: UnixStream,
}

/// Takes the sockets of the process behind a control socket. Blocks.
pub(crate) fn take(socket: &Path) -> io::Result<Taken> {
    let mut stream = UnixStream::connect(Short::of(socket)?.path())?;
    stream.set_read_timeout(Some(TAKE_OVER_WITHIN))?;
    let mut line = serde_json::to_vec(&Request::HandOver)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LIST_BYTES_MAX {
        return Err(io::Error::other("the list of sockets is too long"));
    }
    let mut list = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut list)?;
    let list: Vec<SocketAddr> = serde_json::from_slice(&list)?;
    let mut sockets = BTreeMap::new();
    for address in list {
        sockets.insert(address, TcpListener::from(receive(&stream)?));
    }
    Ok(Taken { sockets, stream })
}

impl Taken {
    /// Tells the old process to stop accepting.
    pub(crate) fn serves(&mut self) -> io::Result<()> {
        self.stream.write_all(&[READY])
    }
}

fn send(stream: &UnixStream, socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket];
    if !beside.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(io::Error::other("no space for a descriptor"));
    }
    sendmsg(stream, &[IoSlice::new(b"+")], &mut beside, SendFlags::empty())?;
    Ok(())
}

fn receive(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut byte)],
        &mut beside,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    beside
        .drain()
        .find_map(|message| {
            if let RecvAncillaryMessage::ScmRights(mut sockets) = message {
                sockets.next()
            } else {
                None
            }
        })
        .ok_or_else(|| io::Error::other("a socket did not come along"))
}

/// Starts a successor and waits until it serves.
pub(crate) async fn start_successor(control: &Control, program: &Path) -> Result<Upgraded, Refusal> {
    let refused = |detail: String| Refusal {
        reason: Reason::Busy,
        detail,
        hint: "this process goes on serving; the log in the state folder may tell more".to_owned(),
    };
    let mut child = tokio::process::Command::new(program)
        .arg("proxy")
        .arg("--state")
        .arg(&control.state)
        .arg("--take-over")
        .args(["--workers", &control.proxy.workers().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| refused(format!("{} does not start: {error}", program.display())))?;
    let pid = child.id().unwrap_or_default();
    let serves = async {
        // The control socket is replaced before the old process is told; so whoever answers there is the successor.
        let client = crate::client::Client::new(control.state.join(crate::control::SOCKET));
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if client.status().await.is_ok_and(|status| status.pid == pid) {
                return;
            }
        }
    };
    tokio::select! {
        () = serves => Ok(Upgraded { pid }),
        ended = child.wait() => Err(refused(format!("{} ended: {ended:?}", program.display()))),
        () = tokio::time::sleep(TAKE_OVER_WITHIN) => {
            let _ = child.start_kill();
            Err(refused(format!("{} does not serve in time", program.display())))
        }
    }
}
