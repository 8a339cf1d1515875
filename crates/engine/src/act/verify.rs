//! Tries a track through the same proxy that customers use, before they meet it: its edge must answer with the release's
//! version, and the programs that windlass.yaml names under `verify` must end well.

mod program;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Carry;
use crate::world::World;

/// How long the edge may take until it answers through the proxy, which has just learnt of its instances.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// From try to try.
const AGAIN: Duration = Duration::from_millis(50);
/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 16 << 10;
/// What the edge is asked for.
const PATHS: [&str; 3] = ["/health", "/ready", "/"];
/// Where it may say which version it is.
const VERSION: &str = "/version";
/// Where programs find the track.
const PREVIEW: &str = "PREVIEW_URL";

pub(super) async fn verify(world: &World, carry: &Carry) -> Result<(), String> {
    let Some(address) = world.router.preview(&carry.environment, carry.track) else {
        // An environment without the edge has nothing that customers could reach.
        return Ok(());
    };
    for path in PATHS {
        edge_answers(address, path).await?;
    }
    if let Some(release) = world.release(&carry.release) {
        says_its_version(address, &release.version).await?;
    }
    programs(world, carry, address).await
}

/// Runs the programs that windlass.yaml names under `verify` against a track, as the release's commit has them.
pub(crate) async fn programs(world: &World, carry: &Carry, address: SocketAddr) -> Result<(), String> {
    let settings = world.settings_of(&carry.environment, &carry.release);
    let steps = settings.map(|settings| settings.verify).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    let folder = files(world, carry).await?;
    let preview = format!("http://{address}");
    for step in steps {
        program::run(&step, &folder, (PREVIEW, &preview)).await?;
    }
    Ok(())
}

/// Where the files of the release's commit are. What follows the working tree is tried with that.
async fn files(world: &World, carry: &Carry) -> Result<PathBuf, String> {
    let settings = world.environment(&carry.environment);
    let settings = settings.filter(|settings| settings.branch().is_some());
    let Some((settings, release)) = settings.zip(world.release(&carry.release)) else {
        return Ok(world.options.root.clone());
    };
    let repository = world.repository_of(settings);
    let files = world
        .builder
        .files(&repository, &release.commit, &carry.environment);
    files.await.map_err(|e| e.to_string())
}

/// A path that the edge does not have is fine; one that fails is not.
async fn edge_answers(address: SocketAddr, path: &str) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let asked = tokio::time::timeout(REQUEST_TIMEOUT, get(address, path)).await;
        let problem = match asked {
            Ok(Ok(answer)) if answer.status < 500 => return Ok(()),
            Ok(Ok(answer)) => format!("it answers {}", answer.status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it does not answer within {} s", REQUEST_TIMEOUT.as_secs()),
        };
        if began.elapsed() >= ANSWER_WITHIN {
            return Err(format!(
                "the edge does not serve GET {path} at http://{address}: {problem}"
            ));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// An edge that tells a version must tell the release's: otherwise another program answers.
async fn says_its_version(address: SocketAddr, expected: &str) -> Result<(), String> {
    let asked = tokio::time::timeout(REQUEST_TIMEOUT, get(address, VERSION)).await;
    let Ok(Ok(answer)) = asked else { return Ok(()) };
    match answer.version() {
        Some(version) if answer.status == 200 && version != expected => Err(format!(
            "the edge at http://{address}{VERSION} says version {version}, the release is {expected}"
        )),
        Some(_) | None => Ok(()),
    }
}

struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    /// The field `version` of a JSON object in the answer, however its body is framed.
    fn version(&self) -> Option<String> {
        let object = self.text.get(self.text.find('{')?..=self.text.rfind('}')?)?;
        let value: serde_json::Value = serde_json::from_str(object).ok()?;
        Some(value.get("version")?.as_str()?.to_owned())
    }
}

async fn get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: windlass-verify\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("it does not speak HTTP"))?;
    Ok(Answer { status, text })
}
