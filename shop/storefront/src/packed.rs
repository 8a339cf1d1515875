//! Pages in fewer bytes. Files are packed at the start; a page is packed for each customer.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use packing::{Coding, Effort, WORTH_BYTES, is_text};

/// The same answer in this coding, if that makes it smaller.
pub(crate) async fn pack(response: Response, coding: Option<Coding>) -> Response {
    let headers = response.headers();
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(is_text);
    if !text || headers.contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers
        .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    // It is all in memory already.
    let Ok(body) = body.collect().await else {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(head, Body::empty());
    };
    let body = body.to_bytes();
    let Some(coding) = coding.filter(|_| body.len() >= WORTH_BYTES) else {
        return Response::from_parts(head, Body::from(body));
    };
    let name = HeaderValue::from_static(coding.name());
    head.headers.insert(header::CONTENT_ENCODING, name);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(coding.pack(&body, Effort::EachTime)))
}
