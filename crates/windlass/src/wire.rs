//! The composition root: the one place that knows every room and puts them together.

pub(crate) mod cluster;
mod handle;
mod proxy;
mod standby;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use windlass_core::config::Config;
use windlass_engine::cluster::Clusters;
use windlass_engine::controller::{Controller, Options};
use windlass_engine::ledger::Ledger;
use windlass_engine::local::{self, LocalRuntime};
use windlass_server::Token;

use crate::client::Contact;
use crate::place::Place;

/// How long instances may take to end; each has its own grace period below that.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Cargo's target folder that `./windlass` shares with builds.
const TARGET: &str = "WINDLASS_TARGET_DIR";

/// How a controller is reached, and what it waits for before it acts.
pub(crate) struct Serving<'a> {
    /// Address of the API and the release page.
    pub(crate) listen: SocketAddr,
    /// The repository whose branches are followed, where it is not the one that holds the configuration.
    pub(crate) repository: Option<&'a Path>,
    /// The Lease that it has to hold, where there are several.
    pub(crate) lease: Option<&'a str>,
    /// Where probes are answered.
    pub(crate) probe: Option<SocketAddr>,
}

/// Is the controller of a platform until a signal asks it to end. Instances and the proxy go on.
pub(crate) async fn serve(place: &Place, config: &Config, serving: &Serving<'_>) -> Result<()> {
    log();
    let options = Options {
        root: place.root.clone(),
        state: place.state.clone(),
        cache: place.cache.clone(),
        config: config.clone(),
        repository: serving.repository.map(Path::to_owned),
        target: std::env::var_os(TARGET).map(PathBuf::from),
        proxy: place.socket(),
        helper: None,
    };
    let stop = CancellationToken::new();
    tokio::spawn(until_told(stop.clone()));
    let ready = watch::Sender::new(false);
    if let Some(address) = serving.probe {
        let listener = bound(address, "--probe").await?;
        tokio::spawn(windlass_server::probes(listener, ready.subscribe()));
    }
    // Whoever acts is the only one to listen: a second one on this machine changes nothing.
    let Some(lease) = serving.lease else {
        let clusters = cluster::all(config, None)?;
        // The ledger's lock comes first.
        let ledger = Controller::lock(&options).await?;
        let listener = bound(serving.listen, "--listen").await?;
        return act(place, options, (ledger, clusters), listener, &ready, stop).await;
    };
    let listener = bound(serving.listen, "--listen").await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let seat = Arc::new(cluster::seat(lease, &standby::identity(address)).await?);
    let clusters = cluster::all(config, Some(&seat))?;
    if standby::wait(&seat, &listener, &ready, &stop).await == standby::End::Told {
        return Ok(());
    }
    // By itself: whatever keeps the controller busy does not keep the Lease from being renewed.
    let keeper = Arc::clone(&seat);
    let mut lost = tokio::spawn(async move { keeper.hold().await });
    let acts = async {
        match standby::open(&options, &stop).await? {
            Some(ledger) => act(place, options, (ledger, clusters), listener, &ready, stop).await,
            None => Ok(()),
        }
    };
    let acted = tokio::select! {
        acted = acts => acted,
        // What is under way ends with the process, and writes nothing until then.
        reason = &mut lost => return Err(anyhow::Error::msg(reason.unwrap_or_default())),
    };
    lost.abort();
    seat.give_back().await;
    acted
}

/// Is the controller.
async fn act(
    place: &Place,
    options: Options,
    (ledger, clusters): (Ledger, Clusters),
    listener: TcpListener,
    ready: &watch::Sender<bool>,
    stop: CancellationToken,
) -> Result<()> {
    proxy::ensure(place).await?;
    let controller = Controller::open_with(options, ledger, clusters).await?;
    let token = token(&place.state.join("token"))?;
    let contact = Contact {
        address: listener.local_addr().context("the listener has no address")?,
        token: token.reveal().to_owned(),
        pid: std::process::id(),
    };
    write_contact(place, &contact)?;
    let handle = handle::Wired(controller.handle());
    let server = windlass_server::serve(listener, handle, token, stop.clone().cancelled_owned());
    let server = tokio::spawn(server);
    let keeper = tokio::spawn(proxy::keep(place.clone(), controller.handle()));
    ready.send_replace(true);
    let ran = controller.run(stop.clone()).await;
    keeper.abort();
    stop.cancel();
    // Streams to browsers end with the process.
    server.abort();
    let _ = fs::remove_file(place.contact());
    Ok(ran?)
}

async fn bound(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "{address} cannot be listened on\nhint: another program has the port; `{option}` names another"
        )
    })
}

/// Stops instances and proxy. Ledger and data stay.
pub(crate) async fn stop_all(place: &Place) -> Result<()> {
    if !place.state.is_dir() {
        return Ok(());
    }
    let options = local::Options::new(place.state.join("local"), place.images());
    let runtime = LocalRuntime::new(options).await?;
    proxy::end(place).await;
    runtime.stop_all(STOP_WITHIN).await;
    Ok(())
}

/// Cancels when the process is asked to end.
async fn until_told(stop: CancellationToken) {
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
}

/// The platform's token: 256 random bits, hexadecimal. It is kept, so that browsers stay signed in and webhooks stay
/// signed when a new controller takes over.
fn token(path: &Path) -> Result<Token> {
    if let Ok(kept) = fs::read_to_string(path)
        && kept.len() == 2 * TOKEN_BYTES
    {
        return Ok(Token::new(kept));
    }
    let mut bytes = [0_u8; TOKEN_BYTES];
    let mut source = fs::File::open("/dev/urandom").context("the system has no random numbers")?;
    std::io::Read::read_exact(&mut source, &mut bytes).context("the system has no random numbers")?;
    let token = hex::encode(bytes);
    write_private(path, token.as_bytes())?;
    Ok(Token::new(token))
}

/// How to reach this controller.
fn write_contact(place: &Place, contact: &Contact) -> Result<()> {
    write_private(&place.contact(), &serde_json::to_vec(contact)?)
}

/// Writes what is for this user's eyes only: the token in it allows changes.
fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = || format!("{} cannot be written", path.display());
    let next = path.with_extension("next");
    let _ = fs::remove_file(&next);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&next)
        .with_context(written)?;
    file.write_all(bytes).with_context(written)?;
    fs::rename(&next, path).with_context(written)
}

/// The controller's log goes to standard error, which `up` leads into controller.log.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WINDLASS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
}
