//! A service with faults, for the tests of the local runtime. It knows nothing of windlass.
#![expect(clippy::print_stdout, reason = "its standard output is what the tests read")]
#![expect(clippy::exit, reason = "how it ends is what the tests look at")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Lines of a flood: more than the file of a log takes.
const FLOOD: u32 = 50_000;
/// Whether it was made sick.
static SICK: AtomicBool = AtomicBool::new(false);
/// Orders so far.
static ORDERS: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve(),
        ["stay"] => stay(),
        ["exit", status] => {
            println!("going away with {status}");
            std::process::exit(status.parse().unwrap_or(1));
        }
        ["flood", lines] => {
            for number in 0..lines.parse().unwrap_or(0_u32) {
                println!("line {number} {}", "x".repeat(200));
            }
            serve();
        }
        ["report", paths @ ..] => report(paths),
        ["have", path] => std::process::exit(i32::from(!Path::new(path).exists())),
        ["greedy"] => greedy(),
        ["stubborn"] => {
            stubborn();
            serve();
        }
        _ => std::process::exit(64),
    }
}

/// What it sees of the world, one fact a line: itself, what it was given, and whether it can read and write the paths.
fn report(paths: &[&str]) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for field in ["Uid", "NoNewPrivs", "CapEff"] {
        let line = status.lines().find(|line| line.starts_with(field));
        let words = line.unwrap_or_default().split_whitespace();
        println!("{}", words.take(2).collect::<Vec<_>>().join(" "));
    }
    println!("pid {}", std::process::id());
    println!("token {}", std::env::var("TOKEN").unwrap_or_default());
    for path in paths {
        if let Ok(text) = std::fs::read_to_string(path) {
            println!("reads {text}");
        }
        // Nothing that is there is changed.
        let mut file = std::fs::OpenOptions::new();
        if file.append(true).open(path).is_ok() || std::fs::write(format!("{path}/new"), "x").is_ok() {
            println!("writes {}", path.rsplit('/').next().unwrap_or_default());
        }
    }
    let own = std::env::current_exe().unwrap_or_default();
    if std::fs::write(own.with_file_name("new"), "x").is_ok() {
        println!("writes its image");
    }
}

/// Takes memory until there is no more.
fn greedy() {
    let mut taken = Vec::new();
    for number in 0..4096_u32 {
        taken.push(vec![number; 1 << 18]);
    }
    println!("took {} MiB and was not stopped", taken.len());
}

/// From now on the word to stop is not heard, also by a process that is not the first of its space.
fn stubborn() {
    let mut signals = nix::sys::signal::SigSet::empty();
    signals.add(nix::sys::signal::Signal::SIGTERM);
    if let Err(error) = signals.thread_block() {
        println!("cannot block signals: {error}");
    }
}

/// Answers every request with `GREETING`; `/ready` is 503 while `/tmp/unready` is there. `FAULT=never-ready` and
/// `FAULT=buy` (500 for `/buy`) are its faults, `FAULT=exit` (at once) and `FAULT=flood` (of its log) too. `/metrics` counts
/// orders, of which none is paid with `FAULT=unpaid`. Once asked for `/sicken`, `/health` is 500; `/greeting` is
/// what the file `GREETING_FILE` says. It has no handler for SIGTERM,
/// so as the first process of its space it ignores it.
fn serve() {
    let port = std::env::var("PORT").unwrap_or_default();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap_or_else(|e| {
        println!("cannot listen on {port}: {e}");
        std::process::exit(3);
    });
    println!("listening");
    match std::env::var("FAULT").as_deref() {
        Ok("exit") => {
            println!("cannot go on");
            std::process::exit(7);
        }
        Ok("flood") => {
            std::thread::spawn(|| {
                for number in 0..FLOOD {
                    println!("line {number} {}", "x".repeat(200));
                }
            });
        }
        _ => {}
    }
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        std::thread::spawn(move || answer(stream));
    }
}

/// As `serve`, on every address, and a connection stays open for as long as the client likes.
fn stay() {
    let port = std::env::var("PORT").unwrap_or_default();
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap_or_else(|e| {
        println!("cannot listen on {port}: {e}");
        std::process::exit(3);
    });
    for mut stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let mut request = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut request) {
                let (status, body) = respond(&String::from_utf8_lossy(&request[..count]));
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
    }
}

fn answer(mut stream: std::net::TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut request = [0; 1024];
    let count = stream.read(&mut request).unwrap_or(0);
    let (status, body) = respond(&String::from_utf8_lossy(&request[..count]));
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Status and body.
fn respond(request: &str) -> (&'static str, String) {
    let fault = std::env::var("FAULT").unwrap_or_default();
    let unready = fault == "never-ready" || Path::new("/tmp/unready").exists();
    let status = if request.starts_with("GET /die") {
        std::process::exit(9)
    } else if request.starts_with("GET /ready") && unready {
        "503 Unready"
    } else if request.starts_with("GET /health") && SICK.load(Ordering::Relaxed) {
        "500 Sick"
    } else if request.starts_with("GET /buy") && fault == "buy" {
        "500 Out of order"
    } else {
        "200 OK"
    };
    if request.starts_with("GET /sicken") {
        SICK.store(true, Ordering::Relaxed);
    }
    let body = if request.starts_with("GET /metrics") {
        let orders = ORDERS.load(Ordering::Relaxed);
        let paid = if fault == "unpaid" { 0 } else { orders };
        format!("orders_total {orders}\norders_paid_total {paid}\n")
    } else if request.starts_with("GET /greeting") {
        let path = std::env::var("GREETING_FILE").unwrap_or_default();
        std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string())
    } else {
        if request.starts_with("GET /buy") {
            ORDERS.fetch_add(1, Ordering::Relaxed);
        }
        std::env::var("GREETING").unwrap_or_default()
    };
    (status, body)
}
