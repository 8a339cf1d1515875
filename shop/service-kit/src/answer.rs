//! Answers that may be kept: a strong `ETag`, 304 when the asker has it already, and how long it is fresh.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::Problem;

/// A JSON answer with `ETag` and `Cache-Control`; 304 when `If-None-Match` names it.
#[derive(Debug)]
pub struct Cached {
    body: Vec<u8>,
    etag: String,
    cache_control: &'static str,
    known: bool,
}

impl Cached {
    /// `asked` are the request's headers.
    pub fn json(
        asked: &HeaderMap,
        cache_control: &'static str,
        value: &impl Serialize,
    ) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(Problem::internal)?;
        let etag = etag_of(&body);
        let named = asked
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok());
        let known = named.is_some_and(|named| {
            named
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
        });
        Ok(Self {
            body,
            etag,
            cache_control,
            known,
        })
    }
}

impl IntoResponse for Cached {
    fn into_response(self) -> Response {
        let mut response = if self.known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = self.body.into_response();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        };
        response.headers_mut().insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(self.cache_control),
        );
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// A strong tag for these bytes: FNV-1a in 128 bits, enough to tell versions of one resource apart (nobody gains
/// anything by a collision with their own answer).
pub fn etag_of(bytes: &[u8]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in bytes {
        hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
    }
    format!("\"{hash:032x}\"")
}
