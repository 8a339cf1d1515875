//! The connection: what may be in its address, how long anything may take, and what an error means for who asked.

use std::future::Future;
use std::time::Duration;

use mongodb::Client;
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, WriteConcern};
use service_kit::migration::Schema;
use service_kit::{Kit, Problem, SettingError, Settings, StartError, request_id};

use super::{Documents, Result};

pub(crate) const FORM: &str = "mongodb://user:password@host:port/database";
/// How long a call may take, with all its commands: less than callers wait.
const CALL_MAX: Duration = Duration::from_millis(1800);
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// How long a command waits for a server that takes it: more than the driver's half second between two looks at a server, and
/// so little that a caller who asks three times within its two seconds still hears that there is none.
const SERVER_MAX: Duration = Duration::from_millis(550);
const CONNECTIONS_MAX: u32 = 32;
/// MongoDB's codes for a primary that is going, or is none any more.
const GOING: [i32; 7] = [91, 189, 10107, 11600, 11602, 13435, 13436];

/// Too many wrote the same at once.
#[derive(Debug)]
pub(super) struct Busy;

impl Documents {
    /// The database that the variable names. Nothing is connected yet.
    pub(crate) async fn open(schema: Schema, settings: &Settings) -> std::result::Result<Self, SettingError> {
        // Not shown in messages: it may carry a password.
        let refused = || SettingError::wrong(schema.variable, "***", FORM);
        let url = settings.get(schema.variable).ok_or_else(refused)?;
        let mut options = ClientOptions::parse(url).await.map_err(|_| refused())?;
        options.app_name = Some("catalog-service".to_owned());
        options.connect_timeout = Some(CONNECT_MAX);
        options.server_selection_timeout = Some(SERVER_MAX);
        options.max_pool_size = options.max_pool_size.or(Some(CONNECTIONS_MAX));
        // DocumentDB has none; every write here may be repeated by whoever asked.
        options.retry_writes = Some(false);
        // What is acknowledged survives the loss of the primary, and is seen by whoever reads next.
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true);
        options.write_concern = Some(concern.build());
        options.selection_criteria = Some(ReadPreference::Primary.into());
        let client = Client::with_options(options).map_err(|_| refused())?;
        let database = client.default_database().ok_or_else(refused)?;
        Ok(Self { database })
    }

    /// The same for a service that runs: `/ready` tells of it.
    pub(crate) async fn of(kit: &Kit) -> std::result::Result<Self, StartError> {
        let schema = kit
            .schema()
            .ok_or_else(|| StartError::Failed("no schema".to_owned()))?;
        let documents = Self::open(schema, kit.settings()).await?;
        let (checked, kit_again) = (documents.clone(), kit.clone());
        kit.check("database", move || {
            let (documents, kit) = (checked.clone(), kit_again.clone());
            async move {
                let found = documents.found().await;
                let (found, floor) =
                    found.map_err(|cause| format!("the database does not answer: {}", words(&cause)))?;
                kit.set_schema_found(found);
                schema.range.refuses(found, floor).map_or(Ok(()), Err)
            }
        });
        Ok(documents)
    }
}

/// An answer in time, or a problem.
pub(crate) async fn within<T>(call: impl Future<Output = Result<T>>) -> std::result::Result<T, Problem> {
    match tokio::time::timeout(CALL_MAX, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(problem(&error)),
        Err(_) => Err(passing("no answer in time")),
    }
}

fn problem(error: &Error) -> Problem {
    let kind = error.kind.as_ref();
    let later = matches!(
        kind,
        ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
    ) || error.get_custom::<Busy>().is_some()
        || matches!(kind, ErrorKind::Command(command) if GOING.contains(&command.code))
        || error.contains_label("RetryableWriteError");
    if later {
        passing(&words(error))
    } else {
        Problem::internal(words(error))
    }
}

fn passing(cause: &str) -> Problem {
    tracing::warn!(cause, request_id = request_id(), "the database is not available");
    Problem::unavailable("The shop is busy. Please try again in a moment.")
}

/// The driver's own text repeats whole replies and topologies; its kind says enough.
pub(crate) fn words(error: &Error) -> String {
    let own = error.get_custom::<String>();
    own.map_or_else(|| error.kind.to_string(), String::clone)
}
