//! A few customers that do nothing but ask who serves them, on connections that stay open and on new ones. They tell when
//! a version gave its last answer.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Connections that stay open.
const KEPT: usize = 6;
/// Customers with a new connection for each request.
const FRESH: usize = 2;
/// From request to request of one of them.
const PAUSE: Duration = Duration::from_millis(50);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Losses that are kept in words.
const LOSSES_MAX: usize = 20;
/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Requests.
    pub(super) sent: u64,
    /// Of these, without a good answer.
    pub(super) lost: u64,
    /// The first losses, in words.
    pub(super) losses: Vec<String>,
    /// When each version answered last.
    last: BTreeMap<String, Instant>,
}

/// The customers, until they are told to leave.
#[derive(Debug)]
pub(super) struct Witness {
    seen: Arc<Mutex<Seen>>,
    leave: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Witness {
    /// Sends the customers to an address.
    pub(super) fn start(address: SocketAddr) -> Self {
        let (seen, leave) = (
            Arc::new(Mutex::new(Seen::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let threads = (0..KEPT + FRESH)
            .map(|number| {
                let (seen, leave) = (Arc::clone(&seen), Arc::clone(&leave));
                std::thread::spawn(move || visit(address, number < KEPT, &seen, &leave))
            })
            .collect();
        Self { seen, leave, threads }
    }

    /// How long after `since` a version still answered; `None` when it did not.
    pub(super) fn answered_after(&self, version: &str, since: Instant) -> Option<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last
            .get(version)
            .and_then(|last| last.checked_duration_since(since))
    }

    /// The connections that ask.
    pub(super) fn connections() -> usize {
        KEPT + FRESH
    }

    /// Ends it; what was seen.
    pub(super) fn end(self) -> Seen {
        self.leave.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn visit(address: SocketAddr, keep: bool, seen: &Mutex<Seen>, leave: &AtomicBool) {
    let mut connection = None;
    while !leave.load(Ordering::Relaxed) {
        let answer = ask(address, &mut connection);
        let now = Instant::now();
        if !keep {
            connection = None;
        }
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.sent += 1;
        match answer {
            Ok(version) => {
                seen.last.insert(version, now);
            }
            Err(reason) => {
                seen.lost += 1;
                if seen.losses.len() < LOSSES_MAX {
                    seen.losses.push(reason);
                }
                connection = None;
            }
        }
        drop(seen);
        std::thread::sleep(PAUSE);
    }
}

/// Asks once. A kept connection that was closed before any byte of an answer is opened again, as every browser does
/// (RFC 9112, 9.3.1).
fn ask(address: SocketAddr, connection: &mut Option<BufReader<TcpStream>>) -> Result<String, String> {
    if let Some(mut kept) = connection.take() {
        match exchange(&mut kept) {
            Ok(Some((version, open))) => {
                *connection = open.then_some(kept);
                return Ok(version);
            }
            Ok(None) => {}
            Err(reason) => return Err(reason),
        }
    }
    let stream =
        TcpStream::connect_timeout(&address, TIMEOUT).map_err(|error| format!("connect: {error}"))?;
    stream
        .set_read_timeout(Some(TIMEOUT))
        .map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut fresh = BufReader::new(stream);
    match exchange(&mut fresh)? {
        Some((version, open)) => {
            *connection = open.then_some(fresh);
            Ok(version)
        }
        None => Err("a new connection was closed without an answer".to_owned()),
    }
}

/// The version that answered and whether the connection stays open; `None` when it was closed before any answer.
fn exchange(connection: &mut BufReader<TcpStream>) -> Result<Option<(String, bool)>, String> {
    let request = "GET /api/v1/products?limit=1 HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    if connection.get_mut().write_all(request.as_bytes()).is_err() {
        return Ok(None);
    }
    let mut line = String::new();
    match connection.read_line(&mut line) {
        Ok(0) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(format!("no answer: {error}")),
        Ok(_) => {}
    }
    let status = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let (mut version, mut length, mut open) = (String::new(), None, true);
    loop {
        line.clear();
        connection
            .read_line(&mut line)
            .map_err(|error| format!("half an answer: {error}"))?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "x-served-by" => value
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .clone_into(&mut version),
            "content-length" => length = value.parse::<u64>().ok(),
            "connection" => open = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let body = length.map(|length| {
        std::io::copy(
            &mut connection.take(length.min(ANSWER_BYTES_MAX)),
            &mut std::io::sink(),
        )
    });
    if let Some(Err(error)) = body {
        return Err(format!("half an answer: {error}"));
    }
    if status != "200" {
        return Err(format!("answered {status}"));
    }
    Ok(Some((version, open && length.is_some())))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::Witness;

    fn serve(stream: TcpStream, answers: usize) {
        let mut reader = BufReader::new(stream);
        for number in 1..=answers {
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let status = if number == 3 { "503 Gone" } else { "200 OK" };
            let answer = format!(
                "HTTP/1.1 {status}\r\nx-served-by: api-gateway/v{number}\r\ncontent-length: 2\r\n\r\nok"
            );
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    #[test]
    fn a_closed_connection_is_opened_again_and_a_bad_answer_is_a_loss() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream, 3));
            }
        });
        let began = Instant::now();
        let witness = Witness::start(address);
        std::thread::sleep(Duration::from_millis(300));
        assert!(witness.answered_after("v1", began).is_some());
        assert!(witness.answered_after("v9", began).is_none());
        let seen = witness.end();
        assert!(seen.lost > 0 && seen.lost < seen.sent, "{seen:?}");
        assert!(seen.losses.iter().all(|loss| loss == "answered 503"), "{seen:?}");
    }
}
