//! A public answer as one client gets it: 304 when it has it already, packed when it takes that.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use packing::Coding;

use crate::cache::{Answer, Kept};

/// One that was kept.
pub(crate) fn kept(kept: &Kept, asked: &HeaderMap) -> Response {
    let coding = asked
        .get(header::ACCEPT_ENCODING)
        .and_then(|accepts| Coding::of(accepts.to_str().ok()?));
    let packed = coding.and_then(|coding| Some((coding, kept.packed(coding)?)));
    match packed {
        Some((coding, body)) => respond(StatusCode::OK, &kept.headers, body, Some(coding), asked),
        None => respond(StatusCode::OK, &kept.headers, kept.body.clone(), None, asked),
    }
}

/// One that was just given; it is packed when it is asked for again.
pub(crate) fn answer(answer: Answer, asked: &HeaderMap) -> Response {
    respond(answer.status, &answer.headers, answer.body, None, asked)
}

fn respond(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
    coding: Option<Coding>,
    asked: &HeaderMap,
) -> Response {
    let mut response = if status == StatusCode::OK && is_known(headers, asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = (status, body).into_response();
        if let Some(coding) = coding {
            let name = HeaderValue::from_static(coding.name());
            response.headers_mut().insert(header::CONTENT_ENCODING, name);
        }
        response
    };
    for (name, value) in headers {
        response.headers_mut().insert(name, value.clone());
    }
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    if coding.is_some() {
        weaken(response.headers_mut());
    }
    response
}

/// A strong tag is of bytes, and these are others.
fn weaken(headers: &mut HeaderMap) {
    let weak = headers
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
        .filter(|tag| !tag.starts_with("W/"))
        .and_then(|tag| HeaderValue::try_from(format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

fn is_known(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let named = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|named| named.to_str().ok());
    named.zip(headers.get(header::ETAG)).is_some_and(|(named, etag)| {
        named
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes())
    })
}
