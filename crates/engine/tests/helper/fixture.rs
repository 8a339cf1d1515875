//! A service with faults, for the tests of the local runtime. It knows nothing of windlass.
#![expect(clippy::print_stdout, reason = "its standard output is what the tests read")]
#![expect(clippy::exit, reason = "how it ends is what the tests look at")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Lines of a flood: more than the file of a log takes.
const FLOOD: u32 = 50_000;
/// Orders so far.
static ORDERS: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve(),
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
        ["report"] => report(),
        ["touch", path] => {
            let done = std::fs::write(path, "x");
            println!("touch {path}: {}", if done.is_ok() { "done" } else { "refused" });
        }
        _ => std::process::exit(64),
    }
}

/// What it sees of the world, one fact a line.
fn report() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for field in ["Uid", "NoNewPrivs", "CapEff"] {
        let line = status
            .lines()
            .find(|line| line.starts_with(field))
            .unwrap_or_default();
        println!(
            "{}",
            line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        );
    }
    println!("pid {}", std::process::id());
    for path in ["/usr/local/bin/no", "/tmp/yes", "/data/yes"] {
        println!("write {path} {}", std::fs::write(path, "x").is_ok());
    }
    println!(
        "config {}",
        std::fs::read_to_string("/etc/app/greeting").unwrap_or_default()
    );
    println!("secret {}", std::env::var("TOKEN").unwrap_or_default());
    println!(
        "host {}",
        Path::new("/root").exists() || Path::new("/home").exists()
    );
}

/// Answers every request with `GREETING`; `/ready` is 503 while `/tmp/unready` is there. `FAULT=never-ready` and
/// `FAULT=buy` (500 for `/buy`) are its faults, `FAULT=exit` (at once) and `FAULT=flood` (of its log) too. `/metrics` counts
/// orders, of which none is paid with `FAULT=unpaid`. It has no handler for SIGTERM, so as the first process of its space it
/// ignores it.
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

fn answer(mut stream: std::net::TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let fault = std::env::var("FAULT").unwrap_or_default();
    let mut request = [0; 1024];
    let count = stream.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..count]).into_owned();
    let unready = fault == "never-ready" || Path::new("/tmp/unready").exists();
    let status = if request.starts_with("GET /die") {
        std::process::exit(9)
    } else if request.starts_with("GET /ready") && unready {
        "503 Unready"
    } else if request.starts_with("GET /buy") && fault == "buy" {
        "500 Out of order"
    } else {
        "200 OK"
    };
    let body = if request.starts_with("GET /metrics") {
        let orders = ORDERS.load(Ordering::Relaxed);
        let paid = if fault == "unpaid" { 0 } else { orders };
        format!("orders_total {orders}\norders_paid_total {paid}\n")
    } else {
        if request.starts_with("GET /buy") {
            ORDERS.fetch_add(1, Ordering::Relaxed);
        }
        std::env::var("GREETING").unwrap_or_default()
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
