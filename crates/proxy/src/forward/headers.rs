//! What becomes of a request's and an answer's headers. Pure.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, StatusCode, Version, request};

use crate::answer::Failure;
use crate::random;
use crate::table::Audience;

/// Names a request in the logs of all that it passes.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Says in an answer which track gave it.
pub(crate) const TRACK: HeaderName = HeaderName::from_static("x-windlass-track");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Longest id that is taken over from a client, in bytes.
const ID_BYTES_MAX: usize = 128;
/// Longest chain of forwarding addresses that is extended, in bytes.
const CHAIN_BYTES_MAX: usize = 1_024;

/// The id of a request: the client's, if it is fit for a log, or a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    headers
        .get(REQUEST_ID)
        .filter(|id| {
            id.len() <= ID_BYTES_MAX && !id.is_empty() && id.as_bytes().iter().all(u8::is_ascii_graphic)
        })
        .cloned()
        .unwrap_or_else(|| {
            let id = format!("{:016x}{:016x}", random::next(), random::next());
            HeaderValue::from_maybe_shared(bytes::Bytes::from(id))
                .unwrap_or_else(|_| HeaderValue::from_static("none"))
        })
}

/// Whether a request asks for another protocol on its connection. HTTP/2 without TLS begins at once, not by upgrade.
pub(super) fn wants_tunnel<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && headers
            .get(header::UPGRADE)
            .is_some_and(|to| !to.as_bytes().eq_ignore_ascii_case(b"h2c"))
        && tokens(headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
}

/// The declared length of a body.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Makes a request's head fit for a target.
pub(super) fn prepare(
    parts: &mut request::Parts,
    peer: &HeaderValue,
    audience: Audience,
    id: &HeaderValue,
    tunnel: bool,
) -> Result<(), Failure> {
    if parts.method == Method::CONNECT {
        return Err(Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this is no forward proxy",
        ));
    }
    let upgrade = tunnel
        .then(|| parts.headers.get(header::UPGRADE).cloned())
        .flatten();
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.remove(header::EXPECT);
    if let Some(upgrade) = upgrade {
        parts
            .headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, upgrade);
    }
    address(parts)?;
    if parts.version == Version::HTTP_2 {
        join_cookies(&mut parts.headers);
    }
    parts.version = Version::HTTP_11;
    parts.headers.insert(REQUEST_ID, id.clone());
    forwarded(&mut parts.headers, peer, audience);
    Ok(())
}

/// Removes what holds for one connection only (RFC 9110, 7.6.1).
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            // Naming these would let a client take away what the proxy or the target rely on.
            .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH && *name != REQUEST_ID)
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    for name in [
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        HTTP2_SETTINGS,
    ] {
        headers.remove(name);
    }
}

/// Brings `Host` and the path into the form that a server of HTTP/1.1 expects.
fn address(parts: &mut request::Parts) -> Result<(), Failure> {
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the host is not understood"))?;
        parts.headers.insert(header::HOST, host);
        let path = parts.uri.path_and_query().cloned();
        parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
    let hosts = parts.headers.get_all(header::HOST).iter().count();
    let needed = usize::from(parts.version != Version::HTTP_10);
    if hosts > 1 || hosts < needed {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "a request names one host"));
    }
    Ok(())
}

/// HTTP/2 may split cookies into several headers, HTTP/1.1 may not (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().count() < 2 {
        return;
    }
    let joined = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect::<Vec<_>>()
        .join(&b"; "[..]);
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Says for whom a request is made. What customers say about that themselves is not believed.
fn forwarded(headers: &mut HeaderMap, peer: &HeaderValue, audience: Audience) {
    if audience != Audience::Internal {
        for name in [
            FORWARDED_FOR,
            FORWARDED_HOST,
            FORWARDED_PROTO,
            REAL_IP,
            header::FORWARDED,
        ] {
            headers.remove(name);
        }
    }
    let chain = headers.get(FORWARDED_FOR).and_then(|before| {
        let mut chain = before.as_bytes().to_vec();
        chain.extend_from_slice(b", ");
        chain.extend_from_slice(peer.as_bytes());
        (chain.len() <= CHAIN_BYTES_MAX).then(|| HeaderValue::from_bytes(&chain).ok())?
    });
    headers.insert(FORWARDED_FOR, chain.unwrap_or_else(|| peer.clone()));
    if !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !headers.contains_key(FORWARDED_HOST)
        && let Some(host) = headers.get(header::HOST).cloned()
    {
        headers.insert(FORWARDED_HOST, host);
    }
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(head: &[(&str, &str)], audience: Audience) -> HeaderMap {
        let mut request = Request::get("http://shop.example/cart?x=1");
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let peer = HeaderValue::from_static("192.0.2.7");
        prepare(
            &mut parts,
            &peer,
            audience,
            &HeaderValue::from_static("id-1"),
            false,
        )
        .expect("prepared");
        assert_eq!(parts.uri, "/cart?x=1");
        parts.headers
    }

    #[test]
    fn what_customers_say_about_themselves_is_not_believed_and_services_are() {
        let said = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "10.0.0.1"),
        ];
        let outside = prepared(&said, Audience::Customers);
        assert_eq!(outside[&FORWARDED_FOR], "192.0.2.7");
        assert_eq!(outside[&FORWARDED_PROTO], "http");
        assert_eq!(outside.get(REAL_IP), None);
        let inside = prepared(&said, Audience::Internal);
        assert_eq!(inside[&FORWARDED_FOR], "10.0.0.1, 192.0.2.7");
        assert_eq!(inside[&FORWARDED_PROTO], "https");
        assert_eq!(inside[&FORWARDED_HOST], "shop.example");
    }

    #[test]
    fn headers_of_one_connection_end_with_it() {
        let headers = prepared(
            &[
                ("connection", "close, X-Secret, Host, content-length"),
                ("x-secret", "1"),
                ("te", "trailers"),
                ("keep-alive", "timeout=5"),
                ("accept", "*/*"),
            ],
            Audience::Customers,
        );
        for gone in ["connection", "x-secret", "te", "keep-alive"] {
            assert_eq!(headers.get(gone), None, "{gone}");
        }
        assert_eq!(headers["accept"], "*/*");
        assert_eq!(headers["host"], "shop.example");
        assert_eq!(headers["x-request-id"], "id-1");
    }

    #[test]
    fn an_id_that_could_spoil_a_log_is_replaced() {
        let id = |said: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(said).expect("a value"));
            request_id(&headers)
        };
        assert_eq!(id(b"abc-1"), "abc-1");
        for bad in [&b"a b"[..], b"", b"\xff", &[b'x'; ID_BYTES_MAX + 1]] {
            assert_eq!(id(bad).len(), 32, "{bad:?}");
        }
    }
}
