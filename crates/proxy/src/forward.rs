//! The way of one request: claim a target, send, count, pass the answer on. Sent a second time only if no target can have
//! seen it, or if it is safe to repeat (RFC 9110, 9.2.2) and met a connection that the target closed meanwhile.

pub(crate) mod headers;
mod tunnel;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::answer::Failure;
use crate::body::{Answer, Outgoing, Progress, Uploaded};
use crate::claim::{self, COOKIE, Claim, Unclaimed};
use crate::connection::Connection;
use crate::live::TargetState;
use crate::upstream::{Link, Unanswered};
use headers::{REQUEST_ID, TRACK};

/// Attempts of one request, each with another target or at least another connection.
const ATTEMPTS_MAX: usize = 3;
/// How long a customer's browser keeps its share while two tracks share the customers.
const COOKIE_SECONDS: u32 = 7 * 24 * 3_600;

/// Answers one request.
pub(crate) async fn answer(connection: Arc<Connection>, mut request: Request<Incoming>) -> Response<Answer> {
    let begun = Instant::now();
    let serving = connection.serving();
    let id = headers::request_id(request.headers());
    // HTTP/2 says it by GOAWAY.
    let says_close = request.version() != Version::HTTP_2;
    let tunnel = headers::wants_tunnel(&request).then(|| hyper::upgrade::on(&mut request));
    let mut response = match forward(&connection, request, &id, begun, tunnel).await {
        Ok(forwarded) => forwarded.response(&id, serving),
        Err(failure) => {
            tracing::debug!(status = %failure.status, detail = failure.detail, "a request failed");
            failure.response(&id, serving)
        }
    };
    if says_close && connection.is_outdated() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// An answer of a target.
struct Forwarded {
    response: Response<Incoming>,
    link: Option<Link>,
    target: Arc<TargetState>,
    claim: Claim,
}

impl Forwarded {
    fn response(self, id: &HeaderValue, serving: crate::connection::Serving) -> Response<Answer> {
        let (mut parts, body) = self.response.into_parts();
        parts.version = Version::HTTP_11;
        if parts.status != StatusCode::SWITCHING_PROTOCOLS {
            headers::strip_hop_by_hop(&mut parts.headers);
        }
        parts.headers.insert(TRACK, self.claim.track().label.clone());
        if !parts.headers.contains_key(REQUEST_ID) {
            parts.headers.insert(REQUEST_ID, id.clone());
        }
        if let Some(cookie) = self.claim.cookie.and_then(cookie) {
            parts.headers.append(header::SET_COOKIE, cookie);
        }
        let idle = self.claim.service.times.idle;
        let body = match self.link {
            Some(link) => Answer::stream(body, link, self.target, self.claim.flight, idle, serving),
            None => Answer::whole(bytes::Bytes::new(), serving),
        };
        Response::from_parts(parts, body)
    }
}

fn cookie(share: u64) -> Option<HeaderValue> {
    let cookie = format!("{COOKIE}={share}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).ok()
}

async fn forward(
    connection: &Arc<Connection>,
    request: Request<Incoming>,
    id: &HeaderValue,
    begun: Instant,
    tunnel: Option<OnUpgrade>,
) -> Result<Forwarded, Failure> {
    let (mut parts, body) = request.into_parts();
    let slot = &connection.listening.slot;
    let live = slot.live();
    let route = live.route(&connection.listening.name).ok_or_else(no_route)?;
    headers::prepare(&mut parts, &connection.peer, route.audience, id, tunnel.is_some())?;
    let (bytes_max, idle) = (route.service.limits.body_bytes, route.service.times.idle);
    drop(live);
    if headers::length(&parts.headers).is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let (outgoing, progress) = Outgoing::new(body, bytes_max, idle);
    let mut trip = Trip {
        connection,
        begun,
        progress,
        tried: Vec::new(),
        last: None,
    };
    let mut request = Request::from_parts(parts, outgoing);
    for _ in 0..ATTEMPTS_MAX {
        match trip.attempt(request).await? {
            Attempt::Answered(forwarded) => return finish(connection, *forwarded, tunnel),
            Attempt::Again(again) => request = *again,
        }
    }
    let mut claim = trip.claim(request.headers()).await?;
    Err(count(&mut claim, trip.last.unwrap_or_else(no_route)))
}

/// Turns a `101` into a tunnel; anything else is an ordinary answer.
fn finish(
    connection: &Arc<Connection>,
    mut forwarded: Forwarded,
    tunnel: Option<OnUpgrade>,
) -> Result<Forwarded, Failure> {
    if forwarded.response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(forwarded);
    }
    let (Some(client), Some(link)) = (tunnel, forwarded.link.take()) else {
        return Err(Failure::new(
            StatusCode::BAD_GATEWAY,
            "the service switched protocols, which nobody asked for",
        ));
    };
    let service = hyper::upgrade::on(&mut forwarded.response);
    tunnel::begin(
        client,
        service,
        link,
        &forwarded.claim.flight,
        Arc::clone(connection),
    );
    Ok(forwarded)
}

/// A request under way, over all its attempts.
struct Trip<'a> {
    connection: &'a Arc<Connection>,
    begun: Instant,
    progress: Option<Progress>,
    /// Targets that could not be reached.
    tried: Vec<SocketAddr>,
    /// What the last attempt met.
    last: Option<Failure>,
}

enum Attempt {
    Answered(Box<Forwarded>),
    Again(Box<Request<Outgoing>>),
}

impl Trip<'_> {
    async fn attempt(&mut self, request: Request<Outgoing>) -> Result<Attempt, Failure> {
        let mut claim = self.claim(request.headers()).await?;
        let Some(target) = claim.target.clone() else {
            let failure = self.last.take().unwrap_or_else(|| {
                Failure::unavailable(format!("no instance of {} is ready", claim.service.name))
            });
            return Err(count(&mut claim, failure));
        };
        let times = claim.service.times;
        let mut link = match target.pool.take() {
            Some(link) => link,
            None => match Link::open(target.spec.address, times.connect).await {
                Ok(link) => link,
                Err(error) => return Ok(self.unreached(claim, &target, &error, request)),
            },
        };
        let spare = spare(&request, &link);
        match self.send(&mut link, request, times.response).await {
            Sent::Answered(response) => {
                claim.flight.answered(response.status());
                Ok(Attempt::Answered(Box::new(Forwarded {
                    response,
                    link: Some(link),
                    target,
                    claim,
                })))
            }
            Sent::Failed(unanswered) => {
                let Unanswered { request, error } = *unanswered;
                match request.or(spare) {
                    Some(again) if self.is_untouched() => {
                        tracing::debug!(target = %target.spec.address, %error, "sent again");
                        self.last = Some(bad_gateway(&claim));
                        claim.flight.retry();
                        Ok(Attempt::Again(Box::new(again)))
                    }
                    _ => {
                        let failure = self.client_failure().unwrap_or_else(|| bad_gateway(&claim));
                        tracing::info!(target = %target.spec.address, %error, "no answer");
                        Err(count(&mut claim, failure))
                    }
                }
            }
            Sent::TooLate => {
                let failure = self.client_failure().unwrap_or_else(|| {
                    let detail = format!(
                        "{} gave no answer within {} ms",
                        claim.service.name,
                        times.response.as_millis()
                    );
                    Failure::new(StatusCode::GATEWAY_TIMEOUT, detail)
                });
                Err(count(&mut claim, failure))
            }
        }
    }

    /// A claim; waits while requests are held.
    async fn claim(&self, headers: &HeaderMap) -> Result<Claim, Failure> {
        let listening = &self.connection.listening;
        loop {
            match claim::claim(&listening.slot, &listening.name, headers, self.begun, &self.tried) {
                Ok(claim) => return Ok(claim),
                Err(Unclaimed::NoRoute) => return Err(no_route()),
                Err(Unclaimed::NoTrack(service)) => {
                    return Err(Failure::unavailable(format!(
                        "no track of {service} takes requests"
                    )));
                }
                Err(Unclaimed::Paused) => self.released().await?,
            }
        }
    }

    async fn released(&self) -> Result<(), Failure> {
        let slot = &self.connection.listening.slot;
        let limits = {
            let live = slot.live();
            live.route(&self.connection.listening.name)
                .ok_or_else(no_route)?
                .service
                .limits
        };
        let deadline = Duration::from_millis(limits.paused_ms).saturating_sub(self.begun.elapsed());
        slot.pause
            .hold(limits.paused, deadline)
            .await
            .map_err(Failure::unavailable)
    }

    async fn send(&self, link: &mut Link, request: Request<Outgoing>, within: Duration) -> Sent {
        let mut answer = std::pin::pin!(link.send(request));
        loop {
            match tokio::time::timeout(within, answer.as_mut()).await {
                Ok(Ok(response)) => return Sent::Answered(response),
                Ok(Err(unanswered)) => return Sent::Failed(Box::new(unanswered)),
                // As long as the body comes in, the target has no reason to answer; the body has its own time limit.
                Err(_) if self.uploaded() == Some(Uploaded::Partly) => {}
                Err(_) => return Sent::TooLate,
            }
        }
    }

    fn unreached(
        &mut self,
        claim: Claim,
        target: &TargetState,
        error: &std::io::Error,
        request: Request<Outgoing>,
    ) -> Attempt {
        tracing::info!(target = %target.spec.address, %error, "not reached");
        self.tried.push(target.spec.address);
        self.last = Some(Failure::new(
            if error.kind() == std::io::ErrorKind::TimedOut {
                StatusCode::GATEWAY_TIMEOUT
            } else {
                StatusCode::BAD_GATEWAY
            },
            format!("no instance of {} could be reached", claim.service.name),
        ));
        claim.flight.retry();
        Attempt::Again(Box::new(request))
    }

    fn uploaded(&self) -> Option<Uploaded> {
        self.progress.as_ref().map(Progress::get)
    }

    fn is_untouched(&self) -> bool {
        matches!(self.uploaded(), None | Some(Uploaded::Untouched))
    }

    /// Whether the client's body is what made the request fail.
    fn client_failure(&self) -> Option<Failure> {
        match self.uploaded()? {
            Uploaded::TooLarge => Some(too_large()),
            Uploaded::TooSlow => Some(Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                "the request's body made no progress",
            )),
            Uploaded::Broken => Some(Failure::new(
                StatusCode::BAD_REQUEST,
                "the request's body broke off",
            )),
            Uploaded::Untouched | Uploaded::Partly | Uploaded::Fully => None,
        }
    }
}

enum Sent {
    Answered(Response<Incoming>),
    Failed(Box<Unanswered>),
    TooLate,
}

/// A copy of a request that may be repeated, for the case that the target just closed a connection that was kept.
fn spare(request: &Request<Outgoing>, link: &Link) -> Option<Request<Outgoing>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !link.used || !safe || !matches!(request.body(), Outgoing::Empty) {
        return None;
    }
    let mut copy = Request::new(Outgoing::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn count(claim: &mut Claim, failure: Failure) -> Failure {
    claim.flight.answered(failure.status);
    failure
}

fn bad_gateway(claim: &Claim) -> Failure {
    Failure::new(
        StatusCode::BAD_GATEWAY,
        format!("{} closed the connection before it answered", claim.service.name),
    )
}

fn no_route() -> Failure {
    Failure::unavailable("nothing is served here any more")
}

fn too_large() -> Failure {
    Failure::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request's body is larger than allowed",
    )
}
