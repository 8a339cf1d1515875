//! Redis, as the services use it: bytes under keys, changed by compare and set, each with an end of its life.
//!
//! One connection is shared by all requests and comes back by itself. A request never waits long for it: whoever can do without
//! goes on, whoever cannot answers 503.

use std::fmt;
use std::sync::Once;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, Script};

use crate::settings::{SettingError, wrong};
use crate::{Kit, Problem};

const FORM: &str = "redis://host:port or rediss://:password@host:port";
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_millis(300);
const CONNECT_MAX: Duration = Duration::from_millis(300);
/// Longest pause before a connection that broke is tried again.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Keys that one turn of a walk over all keys asks for.
const WALK: usize = 1000;

/// Writes all keys if each still holds what it held: for each key whether it held anything, what, whether it shall, what, and
/// for how many milliseconds.
const REPLACE: &str = "
for i, key in ipairs(KEYS) do
    local there = redis.call('get', key)
    local at = (i - 1) * 5
    if ARGV[at + 1] == '0' then
        if there then return 0 end
    elseif there ~= ARGV[at + 2] then
        return 0
    end
end
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 5
    if ARGV[at + 3] == '0' then
        redis.call('del', key)
    else
        redis.call('set', key, ARGV[at + 4], 'px', ARGV[at + 5])
    end
end
return 1
";

/// A server. A clone uses the same connection.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
}

/// One key of a [`Redis::replace`].
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Its name.
    pub key: String,
    /// What it must hold; `None` is nothing.
    pub before: Option<Vec<u8>>,
    /// What it shall hold, and for how long; `None` is nothing.
    pub after: Option<(Vec<u8>, Duration)>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// The server that a variable names, if it is set. Nothing is connected yet.
    pub fn of(kit: &Kit, variable: &str) -> Result<Option<Self>, SettingError> {
        let Some(url) = kit.settings().get(variable) else {
            return Ok(None);
        };
        install_cryptography();
        // Not shown in messages: it may carry a password.
        let refused = || wrong(variable, "***", FORM);
        let client = Client::open(url).map_err(|_| refused())?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_MAX))
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(PAUSE_MAX);
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(|_| refused())?;
        Ok(Some(Self { connection }))
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), String> {
        let mut connection = self.connection.clone();
        let asked = redis::cmd("PING").query_async::<()>(&mut connection).await;
        asked.map_err(|cause| format!("Redis does not answer: {cause}"))
    }

    /// What a key holds.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Problem> {
        let mut connection = self.connection.clone();
        Ok(redis::cmd("GET").arg(key).query_async(&mut connection).await?)
    }

    /// Holds a value for so long, whatever was there.
    pub async fn set(&self, key: &str, value: &[u8], kept: Duration) -> Result<(), Problem> {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg("PX").arg(millis(kept));
        Ok(command.query_async(&mut connection).await?)
    }

    /// Writes all of them if each still holds what it held; `false` when somebody was faster, and then none is written.
    pub async fn replace(&self, all: &[Guarded]) -> Result<bool, Problem> {
        let script = Script::new(REPLACE);
        let mut call = script.prepare_invoke();
        for one in all {
            call.key(&one.key);
            match &one.before {
                None => call.arg(0).arg(""),
                Some(bytes) => call.arg(1).arg(bytes.as_slice()),
            };
            match &one.after {
                None => call.arg(0).arg("").arg(0),
                Some((bytes, kept)) => call.arg(1).arg(bytes.as_slice()).arg(millis(*kept)),
            };
        }
        let mut connection = self.connection.clone();
        let done: i64 = call.invoke_async(&mut connection).await?;
        Ok(done == 1)
    }

    /// Adds to counters that live for so long from their first count on; gives their sums.
    pub async fn add(&self, counts: &[(String, u64)], kept: Duration) -> Result<Vec<u64>, Problem> {
        let mut pipe = redis::pipe();
        for (key, count) in counts {
            pipe.cmd("INCRBY").arg(key).arg(*count);
            pipe.cmd("PEXPIRE").arg(key).arg(millis(kept)).arg("NX").ignore();
        }
        let mut connection = self.connection.clone();
        Ok(pipe.query_async(&mut connection).await?)
    }

    /// Every key of a pattern, with what it holds. It walks over all keys, so it is for proofs and not for requests.
    pub async fn all(&self, pattern: &str) -> Result<Vec<(String, Vec<u8>)>, Problem> {
        let mut connection = self.connection.clone();
        let (mut all, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(WALK);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let mut ask = redis::cmd("MGET");
                ask.arg(&keys);
                let values: Vec<Option<Vec<u8>>> = ask.query_async(&mut connection).await?;
                all.extend(
                    keys.into_iter()
                        .zip(values)
                        .filter_map(|(key, value)| Some((key, value?))),
                );
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        // A walk may meet a key twice.
        all.sort_unstable();
        all.dedup_by(|one, other| one.0 == other.0);
        Ok(all)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// For `rediss://`. Each program does it once; it only fails when somebody else was first, and then one is there.
fn install_cryptography() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        let passing = error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || matches!(error.kind(), ErrorKind::Server(_));
        if passing {
            tracing::warn!(%error, request_id = crate::request_id(), "Redis is not available");
            return Self::unavailable("The shop is busy. Please try again in a moment.");
        }
        Self::internal(error)
    }
}
