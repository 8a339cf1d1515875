//! The process: arguments, state folder, log, signals, end. Lives on when whoever started it ends.

mod log;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc};

use crate::admin::Admin;
use crate::control::{self, CONNECTIONS_MAX, Control, Ending, SOCKET};
use crate::handover;
use crate::listen::Binder;
use crate::proxy::Proxy;
use crate::socket::Short;

/// What may still be in flight at a shutdown.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(30);
/// How long connections may stay with a process that has a successor: they end with their next answer, and one that
/// stays silent is closed by its own time limits.
const SUCCEEDED_WITHIN: Duration = Duration::from_mins(10);

/// The entry of the process: `proxy --state DIR [--workers N] [--admin ADDRESS] [--take-over]`. The word `proxy` may be
/// missing.
#[expect(
    clippy::print_stderr,
    reason = "whoever starts the process by hand sees why it does not start"
)]
pub fn main(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!(
                "error: {error}\nusage: proxy --state DIR [--workers N] [--admin ADDRESS] [--take-over]"
            );
            return ExitCode::from(2);
        }
    };
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "ended");
            eprintln!(
                "error: the proxy of {} does not run: {error}",
                options.state.display()
            );
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug)]
struct Options {
    state: PathBuf,
    workers: usize,
    admin: Option<SocketAddr>,
    take_over: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            state: PathBuf::new(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            admin: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            take_over: false,
        };
        let mut rest = arguments.iter().skip_while(|word| *word == "proxy");
        while let Some(word) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--state" => options.state = value()?.into(),
                "--workers" => options.workers = value()?.parse().map_err(|_| "--workers needs a number")?,
                "--admin" => {
                    options.admin = Some(
                        value()?
                            .parse()
                            .map_err(|_| "--admin needs an address and port")?,
                    );
                }
                "--take-over" => options.take_over = true,
                _ => return Err(format!("{word} is not known")),
            }
        }
        if options.state.as_os_str().is_empty() {
            return Err("--state is missing".to_owned());
        }
        Ok(options)
    }
}

fn start(options: &Options) -> io::Result<()> {
    std::fs::create_dir_all(&options.state)?;
    let state = options.state.canonicalize()?;
    log::begin(&state)?;
    // Fails if it leads a group already, which is as good.
    let _ = nix::unistd::setsid();
    raise_descriptors();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(options, &state))
}

/// As many file descriptors as the system lets this process have: each request in flight needs two.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of file descriptors stays as it is");
    }
}

async fn run(options: &Options, state: &Path) -> io::Result<()> {
    let starting = lock(state)?;
    let socket = state.join(SOCKET);
    let mut taken = if options.take_over {
        Some(tokio::task::spawn_blocking(move || handover::take(&socket)).await??)
    } else if std::os::unix::net::UnixStream::connect(Short::of(&socket)?.path()).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process serves this state folder already",
        ));
    } else {
        None
    };
    let mut sockets = taken
        .as_mut()
        .map(|taken| std::mem::take(&mut taken.sockets))
        .unwrap_or_default();
    let admin_address = read_address(state).filter(|address| sockets.contains_key(address));
    let inherited = admin_address.and_then(|address| sockets.remove(&address));
    let proxy = Proxy::new(state, options.workers, Binder::with(sockets))?;
    proxy.restore().await?;
    let admin = admin(options, inherited, state, &proxy)?;
    let listener = control::bind(state)?;
    std::fs::write(state.join("proxy.pid"), std::process::id().to_string())?;
    let (ending, mut ended) = mpsc::channel(1);
    let control = Arc::new(Control {
        proxy: Arc::clone(&proxy),
        admin,
        state: state.to_owned(),
        ending,
        wishes: Semaphore::new(CONNECTIONS_MAX),
    });
    tokio::spawn(control::serve(listener, Arc::clone(&control)));
    tokio::spawn(tick(Arc::clone(&proxy)));
    if let Some(mut taken) = taken {
        taken.serves()?;
    }
    drop(starting);
    tracing::info!(pid = std::process::id(), workers = proxy.workers(), "serves");
    let ending = tokio::select! {
        ending = ended.recv() => ending.unwrap_or(Ending::Shutdown),
        signal = told_to_end() => signal?,
    };
    end(&proxy, state, ending).await?;
    control.rest().await;
    Ok(())
}

async fn end(proxy: &Proxy, state: &Path, ending: Ending) -> io::Result<()> {
    tracing::info!(?ending, "ends");
    let left = match ending {
        Ending::Shutdown => {
            std::fs::remove_file(state.join(SOCKET))?;
            proxy.stop();
            proxy.wait_for_clients(SHUTDOWN_WITHIN).await
        }
        Ending::HandedOver => tokio::select! {
            left = proxy.wait_for_clients(SUCCEEDED_WITHIN) => left,
            signal = told_to_end() => {
                signal?;
                proxy.stop();
                proxy.wait_for_clients(SHUTDOWN_WITHIN).await
            }
        },
    };
    if ending == Ending::Shutdown {
        std::fs::remove_file(state.join("proxy.pid"))?;
    }
    tracing::info!(left, "ended");
    Ok(())
}

/// SIGTERM and SIGINT end the process; SIGHUP, the end of a terminal, does not.
async fn told_to_end() -> io::Result<Ending> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(Ending::Shutdown),
            _ = interrupt.recv() => return Ok(Ending::Shutdown),
            _ = hang_up.recv() => tracing::info!("a terminal ended"),
        }
    }
}

fn admin(
    options: &Options,
    inherited: Option<TcpListener>,
    state: &Path,
    proxy: &Arc<Proxy>,
) -> io::Result<Option<Admin>> {
    let socket = match (inherited, options.admin) {
        (Some(socket), _) => socket,
        (None, Some(address)) => TcpListener::bind(address)?,
        (None, None) => return Ok(None),
    };
    let admin = Admin::begin(socket, Arc::clone(proxy))?;
    std::fs::write(state.join("admin.address"), admin.address().to_string())?;
    Ok(Some(admin))
}

fn read_address(state: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(state.join("admin.address"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// One process at a time starts in a state folder.
fn lock(state: &Path) -> io::Result<Flock<std::fs::File>> {
    let file = std::fs::File::create(state.join("starting.lock"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

async fn tick(proxy: Arc<Proxy>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        proxy.tick();
    }
}
