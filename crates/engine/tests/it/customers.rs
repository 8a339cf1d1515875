//! Customers: one request after the other, each on a connection of its own, and what became of them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// From request to request.
const REST: Duration = Duration::from_millis(3);
/// Of one request.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A customer in a thread of its own.
pub(crate) struct Customers {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
    thread: Option<JoinHandle<()>>,
}

impl Customers {
    /// Begins to ask for `path`.
    pub(crate) fn of(port: u16, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let (stopped, tally) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let answer = get(port, path);
                *tally.lock().unwrap().entry(answer).or_default() += 1;
                std::thread::sleep(REST);
            }
        });
        Self {
            stop,
            seen,
            thread: Some(thread),
        }
    }

    /// How often each answer was seen so far.
    pub(crate) fn seen(&self) -> BTreeMap<String, usize> {
        self.seen.lock().unwrap().clone()
    }

    /// Stops asking and gives the tally.
    pub(crate) fn stop(mut self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.seen()
    }
}

/// The status and the body, or what went wrong.
pub(crate) fn get(port: u16, path: &str) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        // In one piece: who reads once must see all of it.
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split_whitespace().nth(1).unwrap_or("no HTTP").to_owned();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(format!("{status} {body}"))
    };
    ask().unwrap_or_else(|error| format!("{:?}", error.kind()))
}
