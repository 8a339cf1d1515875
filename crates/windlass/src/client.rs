//! Speaks to the running controller over its HTTP API. Knows addresses and tokens, not what the answers mean.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::view::View;
use windlass_server::Command;

/// How long the controller may take to answer; it answers from memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// From look to look while something is waited for.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of one answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// How to reach a controller; it writes this when it starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contact {
    /// Address of the API and the release page.
    pub(crate) address: SocketAddr,
    /// What proves that a caller may change something.
    pub(crate) token: String,
    /// Process id of the controller.
    pub(crate) pid: u32,
}

/// A connection-per-request client. The requests are few and local; blocking code keeps the command line quick to start.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    contact: Contact,
}

/// An answer: its status and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body, JSON.
    pub(crate) body: Value,
}

impl Client {
    /// The controller of a state folder; an error that says how to start one when none runs.
    pub(crate) fn connect(contact: &Path) -> Result<Self> {
        let Some(client) = Self::running(contact) else {
            bail!("no controller is running for this platform\nhint: `windlass up` starts it");
        };
        Ok(client)
    }

    /// The controller of a state folder when it runs and answers.
    pub(crate) fn running(contact: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(contact).ok()?;
        let contact: Contact = serde_json::from_str(&text).ok()?;
        let client = Self { contact };
        client
            .get("/api/v1/health")
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|_| client)
    }

    /// How to reach the controller.
    pub(crate) fn contact(&self) -> &Contact {
        &self.contact
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path, None)
    }

    /// The platform as it is now.
    pub(crate) fn view(&self) -> Result<View> {
        let answer = self.get("/api/v1/view")?;
        serde_json::from_value(answer.body).context(
            "the controller's answer is not understood\nhint: it may be of another version: `windlass down` and `windlass up`",
        )
    }

    /// Asks for a change. Returns the sequence number of the event that it became.
    pub(crate) fn ask(&self, command: &Command) -> Result<u64> {
        let body = serde_json::to_value(command).context("the command cannot be written as JSON")?;
        let answer = self.post("/api/v1/commands", &body)?;
        answer
            .get("seq")
            .and_then(Value::as_u64)
            .context("the controller's answer is not understood")
    }

    /// Lets the controller look at its sources now.
    pub(crate) fn poke(&self) -> Result<Value> {
        self.post("/api/v1/poke", &Value::Null)
    }

    /// Looks at the view until `found` sees what it looks for; `None` once `timeout` is over. An answer that does not come
    /// is waited for: the controller may be starting again.
    pub(crate) fn until<T>(&self, timeout: Duration, mut found: impl FnMut(&View) -> Option<T>) -> Option<T> {
        let began = Instant::now();
        loop {
            if let Some(answer) = self.view().ok().and_then(|view| found(&view)) {
                return Some(answer);
            }
            if began.elapsed() >= timeout {
                return None;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Asks for a change. A refusal becomes an error with the controller's own words.
    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.request("POST", path, Some(body))?;
        if answer.status < 300 {
            return Ok(answer.body);
        }
        let text = |key: &str| answer.body.get(key).and_then(Value::as_str).map(str::to_owned);
        let detail = text("detail").unwrap_or_else(|| format!("the controller answered {}", answer.status));
        match text("hint") {
            Some(hint) => bail!("{detail}\nhint: {hint}"),
            None => bail!("{detail}"),
        }
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let address = self.contact.address;
        let unreachable =
            || format!("the controller at {address} does not answer\nhint: `windlass up` starts it again");
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT).with_context(unreachable)?;
        stream
            .set_read_timeout(Some(ANSWER_TIMEOUT))
            .with_context(unreachable)?;
        let body = body.map(Value::to_string).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.contact.token,
            body.len(),
        )
        .with_context(unreachable)?;
        read_answer(stream).with_context(unreachable)
    }
}

/// Reads status, headers and a body that ends with the connection, with its length, or in chunks.
fn read_answer(stream: TcpStream) -> Result<Answer> {
    let mut reader = BufReader::new(stream.take(ANSWER_BYTES_MAX));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context("not HTTP")?;
    let mut chunked = false;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut bytes = Vec::new();
    if chunked {
        while let Some(chunk) = read_chunk(&mut reader)? {
            bytes.extend(chunk);
        }
    } else {
        reader.read_to_end(&mut bytes)?;
    }
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
    Ok(Answer { status, body })
}

fn read_chunk(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16)
        .context("not a chunk")?;
    if size == 0 {
        return Ok(None);
    }
    let mut chunk = vec![0; size];
    reader.read_exact(&mut chunk)?;
    line.clear();
    reader.read_line(&mut line)?;
    Ok(Some(chunk))
}
