//! Calls to other services: pooled connections, one deadline over all tries, retries where they are safe, a breaker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::breaker::Breaker;
use crate::context::{
    READ_AFTER, note_written, parse_place, place_text, request_id, request_id_header, written,
};
use crate::metrics::{Counter, Family, Metrics};
use crate::middleware::REQUEST_ID;

/// Tries of a call that may be repeated, within its deadline.
const TRIES_MAX: u32 = 3;
/// First pause between tries; doubled each time, and spread so that callers do not come back together.
const PAUSE: Duration = Duration::from_millis(20);
/// Default deadline of a call over all its tries.
const DEADLINE: Duration = Duration::from_secs(2);
/// Most bytes of an answer that is read whole.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Idle connections kept for one host.
const IDLE_MAX: usize = 256;
/// How long an idle one is kept: less than the servers of this kit keep theirs.
const IDLE_FOR: Duration = Duration::from_secs(15);
const CONNECT_TIME_MAX: Duration = Duration::from_millis(500);

/// Why a call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Not connected, or the connection broke.
    #[error("{0} cannot be reached")]
    Unreachable(&'static str),
    /// No answer within the deadline.
    #[error("{0} did not answer in time")]
    Timeout(&'static str),
    /// It failed several times just now, so it was not asked.
    #[error("{0} failed several times and is left alone for a moment")]
    Open(&'static str),
    /// It answered something that cannot be used.
    #[error("{0} gave an answer that cannot be used: {1}")]
    Useless(&'static str, String),
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let detail = "A part of the shop does not answer. Please try again.";
        tracing::warn!(request_id = request_id(), %error, "call failed");
        match error {
            CallError::Unreachable(_) | CallError::Open(_) => Self::unavailable(detail),
            CallError::Timeout(_) => Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail),
            CallError::Useless(..) => Self::new(StatusCode::BAD_GATEWAY, "upstream", detail),
        }
    }
}

type Pool = Client<HttpConnector, Full<Bytes>>;

#[derive(Debug)]
pub(crate) struct Clients {
    pool: Pool,
    requests: Family<Counter>,
}

impl Clients {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(connector);
        let labels = &["upstream", "result"];
        Self {
            pool,
            requests: metrics.counter("shop_upstream_requests_total", "Calls to others.", labels),
        }
    }

    pub(crate) fn upstream(&self, name: &'static str, base: &Uri) -> Upstream {
        let count = |result| self.requests.with(&[name, result]);
        let known = Known {
            name,
            authority: base.authority().cloned(),
            breaker: Breaker::default(),
            ok: count("ok"),
            error: count("error"),
            refused: count("refused"),
            unreachable: count("unreachable"),
            timeout: count("timeout"),
        };
        Upstream {
            pool: self.pool.clone(),
            known: Arc::new(known),
        }
    }
}

/// Another service. A clone shares connections and breaker.
#[derive(Debug, Clone)]
pub struct Upstream {
    pool: Pool,
    known: Arc<Known>,
}

/// What all who call it share.
#[derive(Debug)]
struct Known {
    name: &'static str,
    authority: Option<Authority>,
    breaker: Breaker,
    ok: Counter,
    error: Counter,
    refused: Counter,
    unreachable: Counter,
    timeout: Counter,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    from: &'static str,
}

impl Reply {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|cause| CallError::Useless(self.from, cause.to_string()))
    }

    /// The same answer, if its status is 2xx.
    pub fn success(self) -> Result<Self, CallError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(CallError::Useless(
            self.from,
            format!("status {}", self.status.as_u16()),
        ))
    }

    /// `<kind>` of `urn:shop:<kind>` when it is a problem.
    pub fn problem_kind(&self) -> Option<String> {
        let document: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        document
            .get("type")?
            .as_str()?
            .strip_prefix("urn:shop:")
            .map(str::to_owned)
    }
}

/// A call that is being put together.
#[derive(Debug, Clone)]
pub struct Call {
    upstream: Upstream,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    deadline: Duration,
    repeatable: bool,
}

impl Upstream {
    /// A call; `path` begins with `/` and is sent as it is. GET, HEAD, PUT and DELETE are repeated when they fail.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call {
            upstream: self.clone(),
            repeatable: method.is_idempotent(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: DEADLINE,
        }
    }

    /// `GET path`.
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        self.known.name
    }

    /// Sends one request once and hands the answer on as it arrives. The deadline ends with the answer's headers.
    pub async fn forward(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Result<Response<Incoming>, CallError> {
        let known = &*self.known;
        if !known.breaker.admits(Instant::now()) {
            known.refused.inc();
            return Err(CallError::Open(known.name));
        }
        // The path as it was parsed once, at this host: nothing is written out and read again.
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority.clone_from(&known.authority);
        parts.path_and_query = Some(
            request
                .uri()
                .path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
        );
        *request.uri_mut() =
            Uri::from_parts(parts).map_err(|cause| CallError::Useless(known.name, cause.to_string()))?;
        let result = tokio::time::timeout(deadline, self.pool.request(request)).await;
        let (result, counter) = match result {
            Ok(Ok(response)) if response.status().is_server_error() => (Ok(response), &known.error),
            Ok(Ok(response)) => (Ok(response), &known.ok),
            Ok(Err(cause)) => {
                tracing::debug!(upstream = known.name, ?cause, "call failed");
                (Err(CallError::Unreachable(known.name)), &known.unreachable)
            }
            Err(_) => (Err(CallError::Timeout(known.name)), &known.timeout),
        };
        counter.inc();
        // Only silence opens the breaker: a service that answers 500 for one input may be fine for the next.
        if result.is_ok() {
            known.breaker.succeeded();
        } else {
            known.breaker.failed(Instant::now());
        }
        result
    }
}

impl Call {
    /// With a header; one that cannot be sent is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// With the same header as the request at hand, if it has it.
    #[must_use]
    pub fn pass(mut self, from: &HeaderMap, name: &'static str) -> Self {
        if let Some(value) = from.get(name) {
            self.headers.insert(HeaderName::from_static(name), value.clone());
        }
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).unwrap_or_default().into();
        self.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// With a body that is sent as it is.
    #[must_use]
    pub fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With another deadline over all tries.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// May be sent again when it is not known whether it arrived (it carries an idempotency key).
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sends it and reads the answer. Any status is an answer.
    pub async fn send(self) -> Result<Reply, CallError> {
        let ends = Instant::now() + self.deadline;
        let tries = if self.repeatable { TRIES_MAX } else { 1 };
        let mut pause = PAUSE;
        for tried in 1.. {
            let result = self.once(ends).await;
            let again = match &result {
                Ok(reply) => reply.status == StatusCode::SERVICE_UNAVAILABLE,
                Err(CallError::Unreachable(_) | CallError::Open(_)) => true,
                Err(CallError::Timeout(_) | CallError::Useless(..)) => false,
            };
            let spread = pause.mul_f64(rand::random_range(0.5..1.5));
            if !again || tried >= tries || Instant::now() + spread >= ends {
                return result;
            }
            tokio::time::sleep(spread).await;
            pause *= 2;
        }
        Err(CallError::Timeout(self.upstream.known.name))
    }

    async fn once(&self, ends: Instant) -> Result<Reply, CallError> {
        let name = self.upstream.known.name;
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self
            .path
            .parse()
            .map_err(|_| CallError::Useless(name, "the path".to_owned()))?;
        *request.headers_mut() = self.headers.clone();
        if let Some(id) = request_id_header() {
            request.headers_mut().insert(REQUEST_ID, id);
        }
        let before = written();
        if before > 0
            && let Ok(place) = HeaderValue::from_str(&place_text(before))
        {
            request.headers_mut().insert(READ_AFTER, place);
        }
        let left = ends.saturating_duration_since(Instant::now());
        let response = self.upstream.forward(request, left).await?;
        let (head, body) = response.into_parts();
        let after = head
            .headers
            .get(READ_AFTER)
            .and_then(|place| parse_place(place.to_str().ok()?));
        note_written(after.unwrap_or_default());
        let left = ends.saturating_duration_since(Instant::now());
        let body = match tokio::time::timeout(left, Limited::new(body, ANSWER_BYTES_MAX).collect()).await {
            Err(_) => return Err(CallError::Timeout(name)),
            Ok(Err(cause)) if cause.downcast_ref::<LengthLimitError>().is_some() => {
                return Err(CallError::Useless(
                    name,
                    format!("more than {ANSWER_BYTES_MAX} bytes"),
                ));
            }
            Ok(Err(_)) => return Err(CallError::Unreachable(name)),
            Ok(Ok(body)) => body.to_bytes(),
        };
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
            from: name,
        })
    }
}
