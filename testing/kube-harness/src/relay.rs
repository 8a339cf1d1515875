//! A way to the API server that fails when a test says so: it stands in front of it, speaks plain HTTP on loopback, and is
//! its administrator behind.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use ureq::Agent;
use ureq::http::Request;

use crate::{Cluster, Error};

/// Longest head of a request.
const HEAD_MAX: u64 = 64 << 10;
/// Bytes of a watch that are handed on at once.
const PIECE: usize = 16 << 10;
/// Headers that are about one connection, and not about the request.
const OWN: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not handed on: 429, with this wait in seconds.
    Busy(u32),
    /// It is not handed on, and its connection ends.
    Dropped,
    /// It is done, and its connection ends before the answer.
    Unanswered,
}

/// A relay in front of a cluster. It ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    kubeconfig: PathBuf,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    agent: Agent,
    server: String,
    /// For the next requests that may change something, dry runs left aside, in their order.
    faults: Mutex<VecDeque<Fault>>,
    open: Mutex<Vec<TcpStream>>,
    /// Watches opened so far, and those of them that no longer tell anything.
    watches: AtomicU64,
    muted: AtomicU64,
    /// Requests so far that may have changed something.
    changes: AtomicU64,
    shut: AtomicBool,
    ended: AtomicBool,
}

impl Relay {
    /// Stands in front of a cluster on a port of loopback. Its kubeconfig is written into `folder`, with the cluster's
    /// context.
    pub fn start(cluster: &Cluster, port: u16, folder: &Path) -> Result<Self, Error> {
        let io = |what: &str| Error::io(what.to_owned());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).map_err(io("the relay cannot listen"))?;
        let text = std::fs::read_to_string(cluster.kubeconfig()).map_err(io("cannot read the kubeconfig"))?;
        let mut config: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| io("the kubeconfig is no JSON")(error.into()))?;
        config["clusters"][0]["cluster"] = json!({ "server": format!("http://{address}") });
        config["users"][0]["user"] = json!({});
        let kubeconfig = folder.join(format!("relay-{port}.kubeconfig"));
        std::fs::write(&kubeconfig, config.to_string()).map_err(io("cannot write the relay's kubeconfig"))?;
        let (agent, server) = cluster.client().parts();
        let state = Arc::new(State {
            agent,
            server,
            faults: Mutex::default(),
            open: Mutex::default(),
            watches: AtomicU64::new(0),
            muted: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            shut: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Ok(Self {
            address,
            kubeconfig,
            state,
        })
    }

    /// The kubeconfig that leads here.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Has the next requests that may change something fail, one fault for each, in this order.
    pub fn fail(&self, faults: &[Fault]) {
        held(&self.state.faults).extend(faults);
    }

    /// How many faults have not come up yet.
    pub fn left(&self) -> usize {
        held(&self.state.faults).len()
    }

    /// Ends all connections, those of watches too.
    pub fn cut(&self) {
        for stream in held(&self.state.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets nobody through any more.
    pub fn shut(&self) {
        self.state.shut.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// How many requests came so far that may have changed something, dry runs left aside.
    pub fn changes(&self) -> u64 {
        self.state.changes.load(Ordering::SeqCst)
    }

    /// Has all watches stay open and tell nothing more, as behind a device that forgot a connection.
    pub fn mute(&self) {
        let opened = self.state.watches.load(Ordering::SeqCst);
        self.state.muted.store(opened, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.cut();
        // The listener looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

/// A request as it came.
pub(crate) struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    /// The next request of a connection; `None` when there is none, or none that is understood.
    pub(crate) fn read(input: &mut impl BufRead) -> Option<Self> {
        let mut head = input.take(HEAD_MAX);
        let mut line = String::new();
        head.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            head.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
        let mut body = vec![0; length];
        head.into_inner().read_exact(&mut body).ok()?;
        Some(Self {
            method,
            path,
            headers,
            body,
        })
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    fn changes(&self) -> bool {
        // Questions are created too, and change nothing.
        let asks = self.path.contains("/selfsubject");
        self.method != "GET" && !self.path.contains("dryRun=All") && !asks
    }

    fn watches(&self) -> bool {
        self.path.contains("watch=1") || self.path.contains("watch=true")
    }
}

impl State {
    /// Serves one connection to its end.
    fn serve(&self, stream: &TcpStream) {
        if let Ok(known) = stream.try_clone() {
            held(&self.open).push(known);
        }
        let mut input = BufReader::new(stream);
        while let Some(asked) = Asked::read(&mut input) {
            if asked.changes() {
                self.changes.fetch_add(1, Ordering::SeqCst);
            }
            if self.shut.load(Ordering::SeqCst) || self.answer(stream, &asked).is_none() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// `None` when the connection is to end.
    fn answer(&self, mut output: &TcpStream, asked: &Asked) -> Option<()> {
        let fault = asked.changes().then(|| held(&self.faults).pop_front()).flatten();
        match fault {
            Some(Fault::Busy(seconds)) => {
                let text = "the relay is busy";
                let length = text.len();
                return write!(
                    output,
                    "HTTP/1.1 429 Too Many Requests\r\nretry-after: {seconds}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{text}"
                )
                .ok();
            }
            Some(Fault::Dropped) => return None,
            Some(Fault::Unanswered) | None => {}
        }
        let mut request = Request::builder()
            .method(asked.method.as_str())
            .uri(format!("{}{}", self.server, asked.path));
        for (name, value) in asked
            .headers
            .iter()
            .filter(|(name, _)| !OWN.contains(&name.as_str()))
        {
            request = request.header(name, value);
        }
        let mut answer = self.agent.run(request.body(asked.body.clone()).ok()?).ok()?;
        let code = answer.status().as_u16();
        let kind = answer.headers().get("content-type");
        let kind = kind
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("text/plain")
            .to_owned();
        let head = format!("HTTP/1.1 {code} relayed\r\ncontent-type: {kind}\r\n");
        if asked.watches() && code == 200 {
            write!(output, "{head}transfer-encoding: chunked\r\n\r\n").ok()?;
            let number = self.watches.fetch_add(1, Ordering::SeqCst) + 1;
            return self.hand_on(output, answer.into_body().into_reader(), number);
        }
        let body = answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_vec()
            .ok()?;
        if fault == Some(Fault::Unanswered) {
            return None;
        }
        write!(output, "{head}content-length: {}\r\n\r\n", body.len()).ok()?;
        output.write_all(&body).ok()
    }

    /// Hands on what a watch tells, for as long as it is not muted.
    fn hand_on(&self, mut output: &TcpStream, mut told: impl Read, number: u64) -> Option<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let length = told.read(&mut piece).ok()?;
            if number <= self.muted.load(Ordering::SeqCst) {
                if length == 0 {
                    // Whoever forgot the connection does not say that it ended.
                    std::thread::park();
                }
                continue;
            }
            if length == 0 {
                return output.write_all(b"0\r\n\r\n").ok();
            }
            write!(output, "{length:x}\r\n").ok()?;
            output.write_all(&piece[..length]).ok()?;
            output.write_all(b"\r\n").ok()?;
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
