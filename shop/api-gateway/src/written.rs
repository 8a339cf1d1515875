//! How far a browser has written, kept in a cookie for a while, so that it reads what it wrote also from a replica.

use http::{HeaderMap, HeaderValue, header};
use service_kit::READ_AFTER;

use crate::forward::cookie;

const COOKIE: &str = "read-after";
/// A replica that is further behind than this is not used at all.
const KEPT_S: u32 = 60;

/// Tells the service what the cookie says, unless the client says it itself.
pub(crate) fn told(headers: &mut HeaderMap) {
    if headers.contains_key(READ_AFTER) {
        return;
    }
    let told = cookie(headers, COOKIE).and_then(|place| HeaderValue::try_from(place).ok());
    if let Some(place) = told {
        headers.insert(READ_AFTER, place);
    }
}

/// Has the browser remember what the service says.
pub(crate) fn remember(headers: &mut HeaderMap) {
    let Some(place) = headers.get(READ_AFTER).and_then(|place| place.to_str().ok()) else {
        return;
    };
    let cookie = format!("{COOKIE}={place}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_goes_round() {
        let mut answer = HeaderMap::new();
        answer.insert(READ_AFTER, HeaderValue::from_static("16/B374D848"));
        remember(&mut answer);
        let cookie = answer[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with("read-after=16/B374D848; ") && cookie.contains("HttpOnly"));

        let mut request = HeaderMap::new();
        request.insert(
            header::COOKIE,
            HeaderValue::from_static("a=b; read-after=16/B374D848"),
        );
        told(&mut request);
        assert_eq!(request[READ_AFTER], "16/B374D848");
    }
}
