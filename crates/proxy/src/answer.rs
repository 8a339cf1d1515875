//! What the proxy answers by itself: small `application/problem+json` bodies (RFC 9457) that say why.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::body::Answer;
use crate::connection::Serving;
use crate::forward::headers::REQUEST_ID;

/// Why a request got no answer of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// For the client; names no address.
    pub(crate) detail: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The answer.
    pub(crate) fn response(&self, id: &HeaderValue, serving: Serving) -> Response<Answer> {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": id.to_str().unwrap_or_default(),
        });
        let mut response = Response::new(Answer::whole(Bytes::from(body.to_string()), serving));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REQUEST_ID, id.clone());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
