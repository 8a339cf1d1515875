//! The command line of a service: `serve`, `migrate expand|backfill|contract`, `healthcheck`, and its exit codes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::kit::{Definition, StartError};
use crate::migration::Phase;
use crate::settings::{Settings, missing};
use crate::{serve, telemetry};

const USAGE: &str = "usage: <service> [serve | migrate expand|backfill|contract | healthcheck]";
/// How long a health check may take.
const HEALTH_TIME_MAX: Duration = Duration::from_secs(2);
/// More threads than this only wait for each other.
const WORKERS_MAX: usize = 64;

/// Runs a service as this process was called.
pub fn run<D: Definition>() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run_with::<D>(&words, Settings::from_environment())
}

/// Runs a service as if the process had been called with these words.
pub fn run_with<D: Definition>(words: &[&str], settings: Settings) -> ExitCode {
    if let Err(error) = telemetry::start(&settings) {
        return report(&StartError::Setting(error));
    }
    let result = match words {
        [] | ["serve"] => in_runtime(&settings.clone(), serve_until_told::<D>(settings)),
        ["migrate", phase] => in_runtime(&settings.clone(), migrate::<D>(settings, phase)),
        ["healthcheck"] => healthcheck::<D>(&settings),
        _ => return usage(),
    };
    result.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "the command line of a service")]
fn report(error: &StartError) -> ExitCode {
    eprintln!("error: {error}");
    match error {
        StartError::Setting(_) => ExitCode::from(2),
        StartError::Failed(_) => ExitCode::from(1),
    }
}

#[expect(clippy::print_stderr, reason = "the command line of a service")]
fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// One worker needs no second thread to hand work to: whatever wakes a task would wake that thread first. So a service
/// whose container has one core or less runs on the thread that it was started on.
fn in_runtime(
    settings: &Settings,
    work: impl Future<Output = Result<(), StartError>>,
) -> Result<(), StartError> {
    // What the container may use, not what the machine has.
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers: NonZeroUsize = settings.parsed("WORKERS", "a number of threads, 1 or more", cores)?;
    let mut runtime = if workers == NonZeroUsize::MIN {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = runtime
        .worker_threads(workers.get().min(WORKERS_MAX))
        .enable_all()
        .build()
        .map_err(|cause| StartError::Failed(format!("no runtime: {cause}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

async fn serve_until_told<D: Definition>(settings: Settings) -> Result<(), StartError> {
    let told = |cause: std::io::Error| StartError::Failed(format!("cannot listen for signals: {cause}"));
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate()).map_err(told)?,
        signal(SignalKind::interrupt()).map_err(told)?,
    );
    let running = serve::start::<D>(settings).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}

async fn migrate<D: Definition>(settings: Settings, phase: &str) -> Result<(), StartError> {
    let Some(schema) = D::SCHEMA else {
        return Err(StartError::Failed(format!("{} keeps no data", D::NAME)));
    };
    let Some(phase) = Phase::of_word(phase) else {
        return Err(StartError::Setting(missing(
            "the phase",
            "expand, backfill or contract",
        )));
    };
    if schema.elsewhere(&settings).is_some() {
        D::migrate_elsewhere(phase, &settings).await?;
        tracing::info!(service = D::NAME, phase = phase.word(), "migrated");
        return Ok(());
    }
    let store = crate::store::Store::open(D::NAME, schema, &settings)?;
    let failed = |cause: sqlx::Error| StartError::Failed(format!("migrate {}: {cause}", phase.word()));
    let found = store.migrate(phase).await.map_err(failed)?;
    if phase == Phase::Expand {
        D::seed(&store, &settings).await?;
    }
    tracing::info!(
        service = D::NAME,
        phase = phase.word(),
        schema = found,
        "migrated"
    );
    store.close().await;
    Ok(())
}

/// Migrates and seeds, and tries again with growing pauses while the database is not there. Without a `store` it is elsewhere.
pub(crate) async fn migrate_until_done<D: Definition>(
    store: Option<&crate::store::Store>,
    settings: &Settings,
) {
    let mut pause = Duration::from_millis(50);
    loop {
        let Err(cause) = migrate_once::<D>(store, settings).await else {
            return;
        };
        tracing::warn!(cause, ?pause, "migrate expand failed, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

async fn migrate_once<D: Definition>(
    store: Option<&crate::store::Store>,
    settings: &Settings,
) -> Result<(), String> {
    let Some(store) = store else {
        let done = D::migrate_elsewhere(Phase::Expand, settings).await;
        return done.map_err(|error| error.to_string());
    };
    let migrated = store.migrate(Phase::Expand).await;
    migrated.map_err(|cause| cause.to_string())?;
    D::seed(store, settings).await.map_err(|error| error.to_string())
}

/// Asks the service of this container whether it lives; needs no other program in the image.
fn healthcheck<D: Definition>(settings: &Settings) -> Result<(), StartError> {
    let port: u16 = settings.parsed("PORT", "a port, 0 to 65535", D::PORT)?;
    let host = match settings.text("BIND", "0.0.0.0").as_str() {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        bind => bind.to_owned(),
    };
    let failed = |cause: std::io::Error| StartError::Failed(format!("no answer from {host}:{port}: {cause}"));
    let mut stream = TcpStream::connect((host.as_str(), port)).map_err(failed)?;
    stream.set_read_timeout(Some(HEALTH_TIME_MAX)).map_err(failed)?;
    write!(
        stream,
        "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .map_err(failed)?;
    let mut start = [0_u8; 12];
    stream.read_exact(&mut start).map_err(failed)?;
    if start.ends_with(b" 200") {
        return Ok(());
    }
    Err(StartError::Failed(format!(
        "{host}:{port} answered {}",
        String::from_utf8_lossy(&start)
    )))
}
