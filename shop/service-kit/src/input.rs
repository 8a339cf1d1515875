//! What requests bring: bodies, read with a limit and a deadline, and queries; answered with the field that is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::Problem;

/// Most bytes of a request body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body that takes longer is a slow client's and is dropped, so that it holds nothing for long.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// A zero character, as JSON writes it.
const ZERO: &[u8] = b"\\u0000";

/// A JSON body, in and out.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        // An HTML form cannot send this type, so another site's page cannot either without being asked first.
        if !kind.is_some_and(|kind| kind.split(';').next().is_some_and(is_json)) {
            let detail = "The body must be JSON, with Content-Type: application/json.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                detail,
            ));
        }
        let bytes = read_body(request.into_body(), BODY_BYTES_MAX).await?;
        parse(&bytes).map(Json)
    }
}

/// The query of an address.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(cause) => {
                let detail = format!("The query has the wrong form: {}.", cause.body_text());
                Err(Problem::invalid("query", detail))
            }
        }
    }
}

/// Refuses addresses that no store and no log could keep: with zero characters, or with bytes that are no text.
pub(crate) fn check_address(uri: &http::Uri) -> Result<(), Problem> {
    let text = uri.path_and_query().map_or("", |whole| whole.as_str());
    let mut rest = text.as_bytes();
    if !rest.contains(&b'%') {
        return Ok(());
    }
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &more[2..] } else { more };
    }
    if decoded.contains(&0) || std::str::from_utf8(&decoded).is_err() {
        return Err(Problem::malformed("The address is not text."));
    }
    Ok(())
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = bytes.into_response();
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            Err(cause) => Problem::internal(cause).into_response(),
        }
    }
}

/// The whole body, at most `limit` bytes.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, limit).collect()).await;
    match collected {
        Err(_) => {
            let detail = "The body did not arrive in time.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-request", detail))
        }
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(cause)) if cause.downcast_ref::<LengthLimitError>().is_some() => {
            let detail = format!("The body is larger than {limit} bytes.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail))
        }
        Ok(Err(_)) => Err(Problem::malformed("The body ended early.")),
    }
}

/// Whether it has the form of a SKU.
pub fn is_sku(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(fine)
}

fn is_json(kind: &str) -> bool {
    let kind = kind.trim();
    kind.eq_ignore_ascii_case("application/json") || kind.eq_ignore_ascii_case("application/cloudevents+json")
}

/// Reads a body: no JSON is 400, JSON of the wrong shape is 422 with the field.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Not every store can keep it, so none gets it.
    if bytes.windows(ZERO.len()).any(|window| window == ZERO) {
        return Err(Problem::malformed("The body must not contain zero characters."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            Category::Data => {
                // `missing field` is reported at the object that lacks it.
                let text = cause.to_string();
                let lacking = text
                    .strip_prefix("missing field `")
                    .and_then(|rest| rest.split('`').next());
                let field = match lacking {
                    Some(name) if field == "." => name.to_owned(),
                    Some(name) => format!("{field}.{name}"),
                    None => field,
                };
                let what = text.split(" at line ").next().unwrap_or_default();
                Problem::invalid(field, format!("The body has the wrong form: {what}."))
            }
            Category::Io | Category::Syntax | Category::Eof => Problem::malformed("The body is not JSON."),
        }
    })?;
    reader
        .end()
        .map_err(|_| Problem::malformed("The body is not JSON: something follows it."))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Line {
        #[serde(rename = "quantity")]
        _quantity: u32,
    }

    #[derive(Debug, Deserialize)]
    struct Cart {
        #[serde(rename = "lines")]
        _lines: Vec<Line>,
    }

    #[test]
    fn addresses_are_text() {
        let cases = [
            ("/products?q=n%C3%A4he%20x", true),
            ("/products/100%", true),
            ("/products/%zz%2", true),
            ("/products/%00", false),
            ("/products?q=a%00b", false),
            ("/products/%ff", false),
        ];
        for (text, fine) in cases {
            assert_eq!(
                super::check_address(&text.parse().unwrap()).is_ok(),
                fine,
                "{text}"
            );
        }
        assert!(super::parse::<String>(br#""a\u0000b""#).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_dropped_and_one_that_goes_on_is_read() {
        use axum::body::Body;
        use bytes::Bytes;
        use futures_util::StreamExt as _;

        let part = |text: &'static str| Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes()));
        let stalled = futures_util::stream::iter([part("{")]).chain(futures_util::stream::pending());
        let began = tokio::time::Instant::now();
        let problem = super::read_body(Body::from_stream(stalled), 100)
            .await
            .unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.kind), (408, "slow-request"));
        assert_eq!(began.elapsed(), super::BODY_TIME_MAX);
        let slow = futures_util::stream::iter(["{", "}"]).then(|text| async {
            tokio::time::sleep(super::BODY_TIME_MAX / 3).await;
            Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes()))
        });
        let body = super::read_body(Body::from_stream(slow), 100).await.unwrap();
        assert_eq!(&body[..], b"{}");
        let long = futures_util::stream::iter([part("0123456789"), part("0")]);
        let problem = super::read_body(Body::from_stream(long), 10).await.unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.kind), (413, "too-large"));
    }

    #[test]
    fn a_wrong_body_names_its_field() {
        let cases = [
            (
                r#"{"lines":[{"quantity":1},{"quantity":-1}]}"#,
                422,
                Some("lines[1].quantity"),
            ),
            (r#"{"lines":[{}]}"#, 422, Some("lines[0].quantity")),
            ("{}", 422, Some("lines")),
            (r#"{"lines":["#, 400, None),
            (r#"{"lines":[]} {}"#, 400, None),
            ("", 400, None),
        ];
        for (body, status, field) in cases {
            let problem = super::parse::<Cart>(body.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.status.as_u16(), problem.field.as_deref()),
                (status, field),
                "{body}"
            );
        }
    }
}
