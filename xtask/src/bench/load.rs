//! Clients that cost little: bytes by hand, answers read by their length. What is not a complete 200 is lost.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEEP: &[u8] =
    b"GET /products HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
const CLOSE: &[u8] =
    b"GET /products HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\nConnection: close\r\n\r\n";
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What clients count, and how they are told to stop.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) stop: AtomicBool,
    pub(super) answered: AtomicU64,
    pub(super) lost: AtomicU64,
    /// The first loss, in words.
    pub(super) first_loss: std::sync::Mutex<Option<String>>,
    /// When a body was last seen, by its first byte; microseconds since `since`.
    pub(super) last_seen: [AtomicU64; 2],
}

impl Tally {
    fn lose(&self, what: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut first) = self.first_loss.lock() {
            first.get_or_insert_with(|| what.to_owned());
        }
    }

    fn note(&self, answer: &Answer, since: Instant) {
        if !answer.good {
            return self.lose("an answer that is no 200");
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let index = usize::from(answer.first == b'g');
        self.last_seen[index].fetch_max(now, Ordering::Relaxed);
    }
}

struct Answer {
    good: bool,
    closes: bool,
    first: u8,
}

/// Keeps a connection until it is told to close it.
pub(super) async fn keep(address: SocketAddr, tally: Arc<Tally>, since: Instant) {
    while !tally.stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else {
            tally.lose("connecting");
            continue;
        };
        let _ = stream.set_nodelay(true);
        while !tally.stop.load(Ordering::Relaxed) {
            match exchange(&mut stream, KEEP).await {
                Ok(answer) => {
                    tally.note(&answer, since);
                    if answer.closes {
                        break;
                    }
                }
                Err(error) => {
                    tally.lose(&format!("on a kept connection: {error}"));
                    break;
                }
            }
        }
    }
}

/// A new connection for each request.
pub(super) async fn anew(address: SocketAddr, tally: Arc<Tally>, since: Instant) {
    while !tally.stop.load(Ordering::Relaxed) {
        let outcome = async {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            exchange(&mut stream, CLOSE).await
        };
        match outcome.await {
            Ok(answer) => tally.note(&answer, since),
            Err(error) => tally.lose(&format!("on a new connection: {error}")),
        }
    }
}

async fn exchange(stream: &mut tokio::net::TcpStream, request: &[u8]) -> std::io::Result<Answer> {
    stream.write_all(request).await?;
    let mut buffer = Vec::with_capacity(2_048);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 || buffer.len() > ANSWER_BYTES_MAX {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(answer) = parse(&buffer) {
            return Ok(answer);
        }
    }
}

/// An answer, if all of it is there.
fn parse(buffer: &[u8]) -> Option<Answer> {
    let end = find(buffer, b"\r\n\r\n")? + 4;
    let head = &buffer[..end];
    let length = header(head, b"content-length: ")?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    if buffer.len() < end + length {
        return None;
    }
    Some(Answer {
        good: head.starts_with(b"HTTP/1.1 200"),
        closes: header(head, b"connection: ").is_some_and(|value| value.eq_ignore_ascii_case(b"close")),
        first: buffer.get(end).copied().unwrap_or_default(),
    })
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name))?;
    Some(line[name.len()..].trim_ascii())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Requests per second of so many clients that keep their connections and never wait, over so long.
pub(super) fn throughput(address: SocketAddr, clients: usize, during: Duration) -> Result<f64, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let tally = Arc::new(Tally::default());
        let since = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| tokio::spawn(keep(address, Arc::clone(&tally), since)))
            .collect();
        tokio::time::sleep(during / 4).await;
        let (begun, before) = (Instant::now(), tally.answered.load(Ordering::Relaxed));
        tokio::time::sleep(during).await;
        let after = tally.answered.load(Ordering::Relaxed);
        let took = begun.elapsed();
        tally.stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.map_err(|error| error.to_string())?;
        }
        match tally.lost.load(Ordering::Relaxed) {
            0 => Ok(to_f64(after - before) / took.as_secs_f64()),
            lost => Err(format!(
                "{lost} requests lost: {:?}",
                tally.first_loss.lock().ok()
            )),
        }
    })
}

/// Latencies in microseconds, sorted, of requests that begin at a steady rate, whatever the answers do: one that waits for
/// its connection counts from when it should have begun.
pub(super) fn latencies(
    address: SocketAddr,
    rate: u32,
    clients: u32,
    during: Duration,
) -> Result<Vec<f64>, String> {
    let begun = Instant::now() + Duration::from_millis(20);
    let interval = Duration::from_secs(1) * clients / rate;
    let threads: Vec<_> = (0..clients)
        .map(|number| {
            let first = begun + Duration::from_secs(1) * number / rate;
            std::thread::spawn(move || paced(address, first, interval, begun + during))
        })
        .collect();
    let mut all = Vec::new();
    for thread in threads {
        let some = thread.join().map_err(|_| "a client panicked".to_owned())?;
        all.extend(some.map_err(|error| format!("a client: {error}"))?);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

fn paced(address: SocketAddr, first: Instant, interval: Duration, end: Instant) -> std::io::Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut took = Vec::new();
    let mut due = first;
    let mut buffer = vec![0; ANSWER_BYTES_MAX];
    while due < end {
        let now = Instant::now();
        let start = if now < due {
            std::thread::sleep(due - now);
            Instant::now()
        } else {
            due
        };
        stream.write_all(KEEP)?;
        let mut filled = 0;
        while parse(&buffer[..filled]).is_none() {
            match stream.read(&mut buffer[filled..])? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                more => filled += more,
            }
        }
        took.push(start.elapsed().as_secs_f64() * 1e6);
        due += interval;
    }
    Ok(took)
}

/// The value below which a share of the sorted values lies.
pub(super) fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (to_f64(sorted.len() as u64) * share) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// The middle one.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(values, 0.5)
}

#[expect(clippy::cast_precision_loss, reason = "figures need no more than 52 bits")]
pub(super) fn to_f64(value: u64) -> f64 {
    value as f64
}
