//! Tries a track through the same proxy that customers use, before they meet it: its edge must answer, and the programs
//! that windlass.yaml names under `verify` must end well.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use windlass_core::config;

use super::Carry;
use crate::world::World;

/// How long the edge may take until it answers through the proxy, which has just learnt of its instances.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// From try to try.
const AGAIN: Duration = Duration::from_millis(50);
/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 512;
/// Where programs find the track.
const PREVIEW: &str = "PREVIEW_URL";
/// Bytes of a program's output in the reason.
const OUTPUT_BYTES: usize = 500;

pub(super) async fn verify(world: &World, carry: &Carry) -> Result<(), String> {
    let Some(address) = world.router.preview(&carry.environment, carry.track) else {
        // An environment without the edge has nothing that customers could reach.
        return Ok(());
    };
    edge_answers(address).await?;
    let environment = world.environment(&carry.environment);
    for step in environment.map(|one| one.verify.as_slice()).unwrap_or_default() {
        run(world, step, address).await?;
    }
    Ok(())
}

async fn edge_answers(address: SocketAddr) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let asked = tokio::time::timeout(REQUEST_TIMEOUT, status(address)).await;
        let problem = match asked {
            Ok(Ok(status)) if status < 500 => return Ok(()),
            Ok(Ok(status)) => format!("it answers {status}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it does not answer within {} s", REQUEST_TIMEOUT.as_secs()),
        };
        if began.elapsed() >= ANSWER_WITHIN {
            return Err(format!(
                "the edge does not serve GET / at http://{address}: {problem}"
            ));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn status(address: SocketAddr) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: windlass-verify\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("it does not speak HTTP"))
}

async fn run(world: &World, step: &config::Step, address: SocketAddr) -> Result<(), String> {
    let Some((program, arguments)) = step.run.split_first() else {
        return Ok(());
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(&world.options.root)
        .env(PREVIEW, format!("http://{address}"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let limit = Duration::from_millis(step.timeout_ms);
    let ended = tokio::time::timeout(limit, command.output()).await;
    let output = ended
        .map_err(|_| format!("{} does not end within {} s", step.name, limit.as_secs()))?
        .map_err(|e| format!("{} cannot be started ({program}): {e}", step.name))?;
    if output.status.success() {
        return Ok(());
    }
    let said = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    let from = said.len().saturating_sub(OUTPUT_BYTES);
    let said = String::from_utf8_lossy(&said[from..]).trim().to_owned();
    Err(format!("{} failed ({}): {said}", step.name, output.status))
}
