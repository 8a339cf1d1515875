//! What instances of the gateway share through Redis: public answers, and how fast each client asks.
//!
//! Both are conveniences. Without Redis each instance goes on alone: it asks the services itself and limits by what it sees.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use service_kit::redis::Redis;
use service_kit::{Kit, SettingError};

use crate::App;

/// The form of what is kept; both versions of a rollout share what has the same.
const FORM: u32 = 1;
/// The revision of the catalogue before it was first asked for: nothing is shared under it.
const UNKNOWN: i64 = 0;
/// Between two exchanges of how fast clients ask.
const ROUND: Duration = Duration::from_millis(250);
/// Counters are of so many seconds each.
const WINDOW_S: u64 = 10;
/// Clients of one exchange.
const CLIENTS_MAX: usize = 2000;

#[derive(Clone)]
pub(crate) struct Shared {
    redis: Redis,
}

/// A public answer of status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long ago it was given.
    pub(crate) age: Duration,
}

impl Answer {
    pub(crate) fn new(given: &crate::cache::Answer) -> Self {
        Self {
            headers: given.headers.clone(),
            body: given.body.clone(),
            age: Duration::ZERO,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    at_ms: u64,
    headers: Vec<(String, String)>,
}

impl Shared {
    /// With `REDIS_URL`; without it nothing is shared.
    pub(crate) fn of(kit: &Kit) -> Result<Option<Self>, SettingError> {
        Ok(Redis::of(kit, "REDIS_URL")?.map(|redis| Self { redis }))
    }

    /// What an instance kept since the catalogue's revision.
    pub(crate) async fn find(&self, revision: i64, key: &str) -> Option<Answer> {
        if revision == UNKNOWN {
            return None;
        }
        let bytes = self.redis.get(&name(revision, key)).await.ok()??;
        unpack(&bytes, now_ms())
    }

    /// For the other instances, for as long as it may be shown at all.
    pub(crate) async fn keep(&self, revision: i64, key: &str, answer: &Answer, kept: Duration) {
        if revision == UNKNOWN {
            return;
        }
        // It is no loss when it is not kept.
        let packed = pack(answer, now_ms());
        let _ = self.redis.set(&name(revision, key), &packed, kept).await;
    }

    /// Tells others how fast clients ask here, and learns how fast they ask there, for ever.
    pub(crate) async fn follow(self, app: App) {
        let mut known: std::collections::HashMap<(IpAddr, u64), u64> = std::collections::HashMap::new();
        loop {
            tokio::time::sleep(ROUND).await;
            let window = now_ms() / 1000 / WINDOW_S;
            known.retain(|(_, of), _| *of == window);
            let mut told = app.limits.untold();
            told.truncate(CLIENTS_MAX);
            if told.is_empty() {
                continue;
            }
            let counts: Vec<(String, u64)> = told
                .iter()
                .map(|(client, taken)| (format!("limit:{client}:{window}"), u64::from(*taken)))
                .collect();
            let kept = Duration::from_secs(WINDOW_S * 2);
            let Ok(sums) = self.redis.add(&counts, kept).await else {
                continue;
            };
            for ((client, taken), sum) in told.into_iter().zip(sums) {
                let before = known.insert((client, window), sum).unwrap_or(0);
                let elsewhere = sum.saturating_sub(before).saturating_sub(u64::from(taken));
                app.limits
                    .taken_elsewhere(client, u32::try_from(elsewhere).unwrap_or(u32::MAX));
            }
        }
    }
}

/// A change of the catalogue is a new name, so nothing old is ever found after it.
fn name(revision: i64, key: &str) -> String {
    format!("answer:{FORM}:{revision}:{key}")
}

fn pack(answer: &Answer, now_ms: u64) -> Vec<u8> {
    let headers = answer.headers.iter();
    let head = Head {
        at_ms: now_ms,
        headers: headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
    };
    let mut packed = serde_json::to_vec(&head).unwrap_or_default();
    packed.push(b'\n');
    packed.extend_from_slice(&answer.body);
    packed
}

fn unpack(bytes: &[u8], now_ms: u64) -> Option<Answer> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in head.headers {
        headers.append(
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        );
    }
    Some(Answer {
        headers,
        body: Bytes::copy_from_slice(&bytes[end + 1..]),
        age: Duration::from_millis(now_ms.saturating_sub(head.at_ms)),
    })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was_and_older() {
        let mut headers = HeaderMap::new();
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        headers.append("vary", HeaderValue::from_static("a"));
        headers.append("vary", HeaderValue::from_static("b"));
        let answer = Answer {
            headers,
            body: Bytes::from_static(b"{\"a\":\n1}"),
            age: Duration::ZERO,
        };
        let back = unpack(&pack(&answer, 1000), 4000).unwrap();
        let older = Answer {
            age: Duration::from_secs(3),
            ..answer
        };
        assert_eq!(back, older);
        for broken in [
            &b""[..],
            b"x",
            b"{}\n",
            b"{\"at_ms\":1,\"headers\":[[\"\",\"\"]]}\n",
        ] {
            assert_eq!(unpack(broken, 0), None);
        }
    }
}
