//! A public answer as one client gets it: 304 when it has it already, packed when it takes that.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use packing::Coding;

use crate::cache::{Answer, Kept};

/// One that was kept: its form is ready, so only what belongs to this request is added.
pub(crate) fn kept(kept: &Kept, asked: &HeaderMap) -> Response {
    let coding = asked
        .get(header::ACCEPT_ENCODING)
        .and_then(|accepts| Coding::of(accepts.to_str().ok()?));
    let form = kept.form(coding);
    if is_known(&form.headers, asked) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().clone_from(&form.headers);
        response.headers_mut().remove(header::CONTENT_ENCODING);
        return response;
    }
    let mut response = Response::new(Body::from(form.body.clone()));
    response.headers_mut().clone_from(&form.headers);
    response
}

/// One that was just given; it is packed when it is asked for again.
pub(crate) fn answer(answer: Answer, asked: &HeaderMap) -> Response {
    let mut response = if answer.status == StatusCode::OK && is_known(&answer.headers, asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = answer.status;
        response
    };
    *response.headers_mut() = answer.headers;
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    response
}

fn is_known(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let named = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|named| named.to_str().ok());
    named.zip(headers.get(header::ETAG)).is_some_and(|(named, etag)| {
        // Compared weakly (RFC 9110, 13.1.2): a form that is packed has the tag of the plain one.
        let etag = etag.as_bytes();
        let etag = etag.strip_prefix(b"W/").unwrap_or(etag);
        named
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == etag)
    })
}
