//! One request through the edge.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::Full;
use service_kit::client::Upstream;
use service_kit::{BODY_BYTES_MAX, PeerAddress, Problem, RouteLabel, read_body, request_id};

use crate::cache::{Found, Kept};
use crate::route::{self, Owner, Route};
use crate::{App, limit};

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
        let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
        kept_or_asked(&app, route, inner_uri(request.uri()).to_string(), asked.as_ref()).await
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
async fn kept_or_asked(
    app: &App,
    route: Route,
    key: String,
    asked: Option<&HeaderValue>,
) -> Result<Response, Problem> {
    match app.cache.find(&key, Instant::now()) {
        Found::Fresh(kept) => {
            app.cache.hits.inc();
            Ok(present(&kept, asked))
        }
        Found::Stale(kept, fetch) => {
            app.cache.stale.inc();
            if fetch {
                let app = app.clone();
                tokio::spawn(async move { ask(&app, route, &key).await });
            }
            Ok(present(&kept, asked))
        }
        Found::Nothing => {
            app.cache.misses.inc();
            ask(app, route, &key)
                .await
                .map(|kept| present_parts(kept.0, &kept.1, kept.2, asked))
        }
    }
}

/// Asks the owner for a public answer and keeps it.
async fn ask(app: &App, route: Route, key: &str) -> Result<(StatusCode, HeaderMap, Bytes), Problem> {
    let generation = app.cache.generation();
    let reply = upstream(app, route.owner)
        .get(key)
        .deadline(route.deadline)
        .send()
        .await?;
    let mut headers = reply.headers;
    strip(&mut headers);
    headers.remove(header::CONTENT_LENGTH);
    app.cache.keep(
        key,
        generation,
        reply.status,
        &headers,
        reply.body.clone(),
        Instant::now(),
    );
    Ok((reply.status, headers, reply.body))
}

fn present(kept: &Kept, asked: Option<&HeaderValue>) -> Response {
    present_parts(kept.status, &kept.headers, kept.body.clone(), asked)
}

fn present_parts(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
    asked: Option<&HeaderValue>,
) -> Response {
    let known = asked
        .and_then(|asked| asked.to_str().ok())
        .zip(headers.get(header::ETAG))
        .is_some_and(|(asked, etag)| {
            asked
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes())
        });
    let mut response = if known && status == StatusCode::OK {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, body).into_response()
    };
    for (name, value) in headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
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
    if route.owner != Owner::Storefront {
        if head.method == Method::GET || head.method == Method::HEAD {
            cookies_for_headers(&mut headers);
        }
        headers.remove(header::COOKIE);
    }
    set(&mut headers, "x-forwarded-for", &client.to_string());
    set(&mut headers, "x-request-id", &request_id());
    let host = headers.get(header::HOST).cloned();
    if let Some(host) = host {
        headers.insert("x-forwarded-host", host);
    }
    let uri = if route.owner == Owner::Storefront {
        head.uri
    } else {
        inner_uri(&head.uri)
    };
    let mut onward = http::Request::new(Full::new(body));
    *onward.method_mut() = head.method;
    *onward.uri_mut() = uri;
    *onward.headers_mut() = headers;
    let answer = upstream(app, route.owner).forward(onward, route.deadline).await?;
    let mut answer = answer.map(Body::new);
    strip(answer.headers_mut());
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
fn inner_uri(uri: &Uri) -> Uri {
    let whole = uri.path_and_query().map_or("/", |whole| whole.as_str());
    let inner = whole.strip_prefix(route::API).unwrap_or(whole);
    inner.parse().unwrap_or_else(|_| Uri::from_static("/"))
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
    let cookies: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .collect();
    let find = |names: [&str; 2]| {
        names.into_iter().find_map(|name| {
            cookies
                .iter()
                .find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        })
    };
    if !headers.contains_key(header::AUTHORIZATION)
        && let Some(token) = find(["__Host-session", "session"])
    {
        set(headers, "authorization", &format!("Bearer {token}"));
    }
    if !headers.contains_key("x-cart-id")
        && let Some(cart) = find(["__Host-cart", "cart"])
    {
        set(headers, "x-cart-id", &cart);
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
