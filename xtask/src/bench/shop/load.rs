//! Customers on one thread, so that their own cost is small and known: as fast as the answers come, or at a steady rate.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::bench::load::to_f64;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Does the same again and again.
pub(super) trait Customer: 'static {
    /// One turn over its own connection. A wrong answer is an error and ends the measurement.
    async fn turn(&mut self, connection: &mut Connection) -> Result<(), String>;

    /// Where it asks.
    fn address(&self) -> SocketAddr;

    /// Orders that were answered as paid.
    fn acknowledged(self) -> Vec<String>
    where
        Self: Sized,
    {
        Vec::new()
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Turns a second.
    pub(super) rate: f64,
    /// How long each took, in milliseconds, in no order.
    pub(super) took_ms: Vec<f64>,
    pub(super) acknowledged: Vec<String>,
}

/// All of them, each as soon as it has its answer. The first quarter of the time more is not counted.
pub(super) fn flat_out<C: Customer>(customers: Vec<C>, during: Duration) -> Result<Load, String> {
    let counted = Instant::now() + during / 4;
    let ends = counted + during;
    let tasks = customers.into_iter().map(|mut customer| async move {
        let mut connection = Connection::to(customer.address());
        let mut took_ms = Vec::new();
        loop {
            let begun = Instant::now();
            if begun >= ends {
                return Ok((took_ms, customer.acknowledged()));
            }
            customer.turn(&mut connection).await?;
            if begun >= counted {
                took_ms.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
    });
    together(tasks, during)
}

/// Turns that begin at a steady rate, whatever the answers do: one that waits for its customer counts from when it should
/// have begun.
pub(super) fn at_rate<C: Customer>(customers: Vec<C>, rate: u32, during: Duration) -> Result<Load, String> {
    let begun = Instant::now();
    let warm = during / 4;
    let next = Rc::new(Cell::new(0_u32));
    let tasks = customers.into_iter().map(|mut customer| {
        let next = Rc::clone(&next);
        async move {
            let mut connection = Connection::to(customer.address());
            let mut took_ms = Vec::new();
            loop {
                let number = next.replace(next.get() + 1);
                let after = Duration::from_secs(1) * number / rate;
                if after >= warm + during {
                    return Ok((took_ms, customer.acknowledged()));
                }
                let due = begun + after;
                tokio::time::sleep_until(due.into()).await;
                customer.turn(&mut connection).await?;
                if after >= warm {
                    took_ms.push(due.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
    });
    let mut load = together(tasks, during)?;
    // What was begun in time may have ended later: then so many a second were not reached.
    load.rate *= during.as_secs_f64() / (begun.elapsed().saturating_sub(warm)).max(during).as_secs_f64();
    Ok(load)
}

/// So many turns in all, each as soon as its customer has the answer to the one before; all are counted.
pub(super) fn so_often<C: Customer>(customers: Vec<C>, turns: usize) -> Result<Load, String> {
    let begun = Instant::now();
    let left = Rc::new(Cell::new(turns));
    let tasks = customers.into_iter().map(|mut customer| {
        let left = Rc::clone(&left);
        async move {
            let mut connection = Connection::to(customer.address());
            let mut took_ms = Vec::new();
            while let Some(less) = left.get().checked_sub(1) {
                left.set(less);
                let begun = Instant::now();
                customer.turn(&mut connection).await?;
                took_ms.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            Ok((took_ms, customer.acknowledged()))
        }
    });
    let mut load = together(tasks, Duration::from_secs(1))?;
    load.rate /= begun.elapsed().as_secs_f64();
    Ok(load)
}

type Outcome = Result<(Vec<f64>, Vec<String>), String>;

fn together<T>(tasks: impl Iterator<Item = T>, during: Duration) -> Result<Load, String>
where
    T: Future<Output = Outcome> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let local = LocalSet::new();
    let running: Vec<_> = tasks.map(|task| local.spawn_local(task)).collect();
    let ends = local.run_until(async {
        let mut load = Load::default();
        for task in running {
            let (mut took_ms, mut acknowledged) = task.await.map_err(|error| error.to_string())??;
            load.took_ms.append(&mut took_ms);
            load.acknowledged.append(&mut acknowledged);
        }
        load.rate = to_f64(load.took_ms.len() as u64) / during.as_secs_f64();
        Ok(load)
    });
    runtime.block_on(ends)
}

/// A kept connection; opened when it is first needed, and again after the server ended it.
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer, read whole.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    head: &'a [u8],
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    /// A header's value, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

impl Connection {
    pub(super) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            buffer: Vec::new(),
        }
    }

    /// One request, as it is to be written, and its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, String> {
        let told = |error: std::io::Error| error.to_string();
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.map_err(told)?;
            stream.set_nodelay(true).map_err(told)?;
            self.stream = Some(stream);
        }
        let Some(stream) = &mut self.stream else {
            return Err("no connection".to_owned());
        };
        stream.write_all(request).await.map_err(told)?;
        self.buffer.clear();
        let (head, body) = loop {
            let read = stream.read_buf(&mut self.buffer).await.map_err(told)?;
            if read == 0 || self.buffer.len() > ANSWER_BYTES_MAX {
                return Err("an answer that breaks off, or has no end".to_owned());
            }
            if let Some(ends) = ends(&self.buffer) {
                break ends;
            }
        };
        let (head, body) = (&self.buffer[..head], &self.buffer[head..body]);
        if header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.stream = None;
        }
        let status = head
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).unwrap_or(0);
        Ok(Answer { status, head, body })
    }
}

/// Where head and body end, once both are there.
fn ends(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let length: usize = header(&buffer[..head], "content-length")?.parse().ok()?;
    (buffer.len() >= head + length).then_some((head, head + length))
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value
            .strip_prefix(b":")
            .filter(|_| found.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok().map(str::trim)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(ends(text), Some((55, 57)));
        assert_eq!(ends(&text[..56]), None);
        assert_eq!(header(text, "content-type"), Some("a"));
        assert_eq!(header(text, "content"), None);
    }
}
