//! One request through the edge.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::Full;
use service_kit::client::Upstream;
use service_kit::{BODY_BYTES_MAX, PeerAddress, Problem, RouteLabel, read_body, request_id_header};

use crate::cache::{Answer, Found};
use crate::route::{self, Owner, Route};
use crate::{App, limit, present, written};

/// Headers of one connection, which are never passed on (RFC 9110, 7.6.1), and those that only we may write.
const NOT_PASSED_ON: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "forwarded",
];

/// Any request that is not for the gateway itself.
pub(crate) async fn any(State(app): State<App>, request: Request) -> Response {
    let Some(route) = route::of(request.method(), request.uri().path()) else {
        return label(Problem::not_found("page").into_response(), "none");
    };
    let client = limit::client(request.extensions().get::<PeerAddress>(), request.headers());
    if !app.limits.admits(client, Instant::now()) {
        app.limited.inc();
        let detail = "Too many requests from your address. Please wait a moment.";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
        return label(problem.retry_after(1).into_response(), route.label);
    }
    let public = route.public && !request.headers().contains_key(header::AUTHORIZATION);
    let answer = if public && request.method() == Method::GET {
        kept_or_asked(&app, route, inner_text(request.uri()), request.headers()).await
    } else {
        pass(&app, route, request, client).await
    };
    label(answer.unwrap_or_else(IntoResponse::into_response), route.label)
}

fn label(mut response: Response, label: &'static str) -> Response {
    response.extensions_mut().insert(RouteLabel(label));
    response
}

/// A public answer: from the cache, or asked for once.
async fn kept_or_asked(app: &App, route: Route, key: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    match app.cache.find(key, Instant::now()) {
        Found::Fresh(kept) => {
            app.cache.hits.inc();
            Ok(present::kept(&kept, asked))
        }
        Found::Stale(kept, fetch) => {
            app.cache.stale.inc();
            if fetch {
                let (app, key) = (app.clone(), key.to_owned());
                tokio::spawn(async move { ask(&app, route, &key).await });
            }
            Ok(present::kept(&kept, asked))
        }
        Found::Nothing => {
            app.cache.misses.inc();
            let answer = found_or_asked(app, route, key).await?;
            Ok(present::answer(answer, asked))
        }
    }
}

/// What another instance kept, or else the owner's answer.
async fn found_or_asked(app: &App, route: Route, key: &str) -> Result<Answer, Problem> {
    #[cfg(feature = "redis")]
    if let Some(shared) = &app.shared {
        let (generation, revision) = (app.cache.generation(), app.revision());
        if let Some(found) = shared.find(revision, key).await {
            let answer = Answer {
                status: StatusCode::OK,
                headers: found.headers,
                body: found.body,
            };
            app.cache
                .keep(key, generation, &answer, found.age, Instant::now());
            return Ok(answer);
        }
    }
    ask(app, route, key).await
}

/// Asks the owner for a public answer and keeps it.
async fn ask(app: &App, route: Route, key: &str) -> Result<Answer, Problem> {
    // Both before asking: what changes meanwhile must not be hidden by what was answered before.
    let (generation, revision) = (app.cache.generation(), app.revision());
    let reply = upstream(app, route.owner)
        .get(key)
        .deadline(route.deadline)
        .send()
        .await?;
    let mut headers = reply.headers;
    strip(&mut headers);
    headers.remove(header::CONTENT_LENGTH);
    let answer = Answer {
        status: reply.status,
        headers,
        body: reply.body,
    };
    let kept = app
        .cache
        .keep(key, generation, &answer, Duration::ZERO, Instant::now());
    app.share(revision, key, &answer, kept);
    Ok(answer)
}

/// Everything else goes through, and the answer comes back as it arrives.
async fn pass(
    app: &App,
    route: Route,
    request: Request,
    client: std::net::IpAddr,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let mut headers = head.headers;
    strip(&mut headers);
    headers.remove(header::CONTENT_LENGTH);
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    if reads && route.owner != Owner::Storefront {
        cookies_for_headers(&mut headers);
    }
    written::told(&mut headers);
    if route.owner != Owner::Storefront {
        headers.remove(header::COOKIE);
    }
    set(&mut headers, "x-forwarded-for", &client.to_string());
    if let Some(id) = request_id_header() {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    let host = headers.get(header::HOST).cloned();
    if let Some(host) = host {
        headers.insert("x-forwarded-host", host);
    }
    let uri = if route.owner == Owner::Storefront {
        head.uri
    } else {
        let inner = inner_text(&head.uri).parse();
        inner.unwrap_or_else(|_| Uri::from_static("/"))
    };
    let mut onward = http::Request::new(Full::new(body));
    *onward.method_mut() = head.method;
    *onward.uri_mut() = uri;
    *onward.headers_mut() = headers;
    let answer = upstream(app, route.owner).forward(onward, route.deadline).await?;
    let mut answer = answer.map(Body::new);
    strip(answer.headers_mut());
    written::remember(answer.headers_mut());
    Ok(answer)
}

fn upstream(app: &App, owner: Owner) -> &Upstream {
    match owner {
        Owner::Users => &app.users,
        Owner::Catalog => &app.catalog,
        Owner::Cart => &app.cart,
        Owner::Orders => &app.orders,
        Owner::Storefront => &app.storefront,
    }
}

/// `/api/v1/products?q=a` is `/products?q=a` at its owner.
fn inner_text(uri: &Uri) -> &str {
    let whole = uri.path_and_query().map_or("/", |whole| whole.as_str());
    whole.strip_prefix(route::API).unwrap_or(whole)
}

/// Removes what belongs to one connection, also what `Connection` itself names.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in NOT_PASSED_ON {
        headers.remove(name);
    }
}

/// Reading with a cookie is harmless, so a page's scripts need no token; changing needs the header, which another site's
/// page cannot send.
fn cookies_for_headers(headers: &mut HeaderMap) {
    let session = cookie(headers, "__Host-session").or_else(|| cookie(headers, "session"));
    let cart = cookie(headers, "__Host-cart").or_else(|| cookie(headers, "cart"));
    if !headers.contains_key(header::AUTHORIZATION)
        && let Some(token) = session
    {
        set(headers, "authorization", &format!("Bearer {token}"));
    }
    if !headers.contains_key("x-cart-id")
        && let Some(cart) = cart
    {
        set(headers, "x-cart-id", &cart);
    }
}

/// The value of a cookie of a request.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| {
            cookie
                .trim()
                .strip_prefix(name)?
                .strip_prefix('=')
                .map(str::to_owned)
        })
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
