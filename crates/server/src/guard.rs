//! Who is let in by the name that they call this machine by: another site's page can have its own name resolve to this
//! machine (DNS rebinding), but it cannot have its requests carry an address instead of that name.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::handle::Refusal;
use crate::problem::Problem;

/// Lets requests to `localhost` and to plain addresses through.
pub(crate) async fn known_host(request: Request, next: Next) -> Response {
    let host = host(request.headers()).or_else(|| request.uri().host());
    if host.is_some_and(is_known) {
        return next.run(request).await;
    }
    Problem(Refusal {
        status: 421,
        detail: format!("this server is not {}", host.unwrap_or("without a name")),
        hint: "call it localhost, or by its address".to_owned(),
    })
    .into_response()
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// `localhost` or an address, with or without a port.
fn is_known(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn names_of_others_are_strange() {
        for host in [
            "localhost",
            "LOCALHOST:3900",
            "127.0.0.1:3900",
            "[::1]:3900",
            "192.168.1.5",
        ] {
            assert!(is_known(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:3900",
            "127.0.0.1.evil.example",
            "[evil]",
        ] {
            assert!(!is_known(host), "{host}");
        }
    }
}
