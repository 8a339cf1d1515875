//! What belongs to the request at hand: its id, and how far its caller has written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

/// How far the caller has written, as PostgreSQL counts it (`16/B374D848`). Whoever sends it back reads what it wrote, also from
/// a replica; the edge keeps it in a cookie.
pub const READ_AFTER: HeaderName = HeaderName::from_static("x-read-after");

tokio::task_local! {
    static CURRENT: Context;
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// As a header carries it: it comes as one and goes on as one.
    id: Option<HeaderValue>,
    written: Arc<AtomicU64>,
}

impl Context {
    pub(crate) fn new(id: HeaderValue, written: u64) -> Self {
        Self {
            id: Some(id),
            written: Arc::new(AtomicU64::new(written)),
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }
}

/// The id of the request at hand; empty outside of one.
pub fn request_id() -> String {
    let id = request_id_header();
    id.as_ref()
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// The same as a header; `None` outside of a request.
pub fn request_id_header() -> Option<HeaderValue> {
    CURRENT.try_with(|context| context.id.clone()).ok().flatten()
}

/// Work of the request at hand that is to run in a task of its own.
pub fn within_request<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.try_with(Clone::clone).unwrap_or_default().scope(work)
}

/// How far the caller has written; 0 when it has not, or outside of a request.
pub(crate) fn written() -> u64 {
    CURRENT.try_with(Context::written).unwrap_or_default()
}

/// The request at hand wrote up to there.
pub(crate) fn note_written(place: u64) {
    let _ = CURRENT.try_with(|context| context.written.fetch_max(place, Ordering::Relaxed));
}

/// `16/B374D848` as a number.
pub(crate) fn parse_place(text: &str) -> Option<u64> {
    let (high, low) = text.trim().split_once('/')?;
    let part = |digits: &str| {
        let fine = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fine.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    };
    Some(part(high)? << 32 | part(low)?)
}

pub(crate) fn place_text(place: u64) -> String {
    format!("{:X}/{:X}", place >> 32, place & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_as_postgresql_does() {
        for text in ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"] {
            assert_eq!(place_text(parse_place(text).unwrap()), text);
        }
        for wrong in ["", "16", "16/", "/1", "+1/2", "123456789/0", "x/1"] {
            assert_eq!(parse_place(wrong), None, "{wrong}");
        }
    }
}
