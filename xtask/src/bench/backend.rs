//! A server that costs as little as possible, so that what is before it is measured: one thread, fixed answers. A process
//! of its own, so that it can be killed as an instance is.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What makes this program a backend: `xtask bench backend BODY DELAY_MS`.
pub(super) const WORD: &str = "backend";

/// A running backend; killed when dropped.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    process: Child,
}

impl Backend {
    /// Starts one that answers each request with `body`, after `delay_ms`.
    pub(super) fn start(body: &str, delay_ms: u64) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut process = Command::new(own)
            .args(["bench", WORD, body, &delay_ms.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("starting a backend: {error}"))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)
                .map_err(|error| error.to_string())?;
        }
        let address = line
            .trim()
            .parse()
            .map_err(|_| format!("a backend said {line:?}"))?;
        Ok(Self { address, process })
    }

    /// SIGKILL, now.
    pub(super) fn kill(&mut self) {
        // It fails only if the process is gone already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The process.
#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
pub(super) fn main(arguments: &[String]) -> ExitCode {
    let body = arguments.first().cloned().unwrap_or_default();
    let delay_ms = arguments.get(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(serve(&body, Duration::from_millis(delay_ms))));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: backend: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(body: &str, delay: Duration) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", listener.local_addr()?)?;
    output.flush()?;
    let answer: &'static [u8] = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .leak()
    .as_bytes();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, answer, delay));
    }
}

/// Requests have no body and come whole or in a few pieces.
async fn converse(mut stream: TcpStream, answer: &'static [u8], delay: Duration) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        buffer.clear();
        while !buffer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        stream.write_all(answer).await?;
    }
}
