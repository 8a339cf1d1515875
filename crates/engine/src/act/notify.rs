//! Tells people: posts a message to each address of `notify` in windlass.yaml. Whoever does not answer is named in the
//! receipt, which is empty where nobody is listed; nothing waits for them.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use windlass_core::machine::event::Event;

use crate::world::World;

/// Of one message.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 256;

pub(super) async fn notify(world: &World, environment: String, rollout: u64, message: &str) -> Event {
    let body = serde_json::json!({
        "platform": world.options.config.platform,
        "environment": environment,
        "rollout": rollout,
        "text": message,
    })
    .to_string();
    let mut receipts = Vec::new();
    for address in &world.options.config.notify {
        let sent = tokio::time::timeout(TIMEOUT, post(address, &body)).await;
        let answer = sent.unwrap_or_else(|_| format!("no answer within {} s", TIMEOUT.as_secs()));
        receipts.push(format!("{address} {answer}"));
    }
    Event::Notified {
        environment,
        rollout,
        receipt: receipts.join(", "),
    }
}

/// Plain HTTP is spoken here; for HTTPS the curl of the machine is asked, as this program carries no certificates.
async fn post(address: &str, body: &str) -> String {
    let Some(rest) = address.strip_prefix("http://") else {
        return by_curl(address, body).await;
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let target = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    match send(&target, authority, path, body).await {
        Ok(status) => status,
        Err(error) => error.to_string(),
    }
}

async fn send(target: &str, authority: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(target).await?;
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.split_whitespace().nth(1).unwrap_or("no HTTP").to_owned())
}

async fn by_curl(address: &str, body: &str) -> String {
    let output = tokio::process::Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .args([
            "--header",
            "Content-Type: application/json",
            "--data-binary",
            body,
            "--",
            address,
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("curl cannot be started: {error}"),
    }
}
