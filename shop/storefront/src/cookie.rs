//! The two cookies: `session` (a customer's token) and `cart` (a guest's id). They know nothing of pages.
//!
//! Over HTTPS their names begin with `__Host-`, so that no other host of the domain can set them.

use http::{HeaderMap, HeaderValue, header};

/// Whose cookie it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The token of a signed-in customer.
    Session,
    /// The id of a guest, made up by us.
    Cart,
}

/// Whether the customer's connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Secure,
}

impl Transport {
    /// As the proxy in front says; without one it is a plain connection.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let proto = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok());
        if proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")) {
            Self::Secure
        } else {
            Self::Plain
        }
    }
}

impl Cookie {
    fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Self::Session, Transport::Plain) => "session",
            (Self::Session, Transport::Secure) => "__Host-session",
            (Self::Cart, Transport::Plain) => "cart",
            (Self::Cart, Transport::Secure) => "__Host-cart",
        }
    }

    /// How long browsers keep it, in seconds.
    fn age(self) -> u32 {
        match self {
            // As long as the token itself lasts.
            Self::Session => 12 * 60 * 60,
            Self::Cart => 30 * 24 * 60 * 60,
        }
    }

    /// What the browser sent, if it is of a form that we could have set.
    pub(crate) fn read(self, headers: &HeaderMap, transport: Transport) -> Option<String> {
        let name = self.name(transport);
        let value = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))?;
        self.accepts(value).then(|| value.to_owned())
    }

    fn accepts(self, value: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match self {
            Self::Session => {
                (1..=2048).contains(&value.len())
                    && value
                        .bytes()
                        .all(|byte| plain(byte) || matches!(byte, b'.' | b'_'))
            }
            Self::Cart => (16..=64).contains(&value.len()) && value.bytes().all(plain),
        }
    }

    /// `Set-Cookie` with a value.
    pub(crate) fn set(self, value: &str, transport: Transport) -> Option<HeaderValue> {
        self.line(value, self.age(), transport)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn clear(self, transport: Transport) -> Option<HeaderValue> {
        self.line("", 0, transport)
    }

    fn line(self, value: &str, age_s: u32, transport: Transport) -> Option<HeaderValue> {
        let secure = match transport {
            Transport::Plain => "",
            Transport::Secure => "; Secure",
        };
        let name = self.name(transport);
        HeaderValue::from_str(&format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}"
        ))
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_bound_to_the_host_where_that_is_possible() {
        let text = |value: Option<HeaderValue>| value.unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            text(Cookie::Session.set("a.b", Transport::Secure)),
            "__Host-session=a.b; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure"
        );
        assert_eq!(
            text(Cookie::Cart.clear(Transport::Plain)),
            "cart=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn only_well_formed_cookies_of_the_right_name_are_read() {
        let cases = [
            ("cart=0123456789abcdef", Transport::Plain, true),
            ("a=b; cart=0123456789abcdef; c=d", Transport::Plain, true),
            ("cart=short", Transport::Plain, false),
            ("cart=0123456789abcdef%0a", Transport::Plain, false),
            ("xcart=0123456789abcdef", Transport::Plain, false),
            // Set by another host of the domain: not ours over HTTPS.
            ("cart=0123456789abcdef", Transport::Secure, false),
            ("__Host-cart=0123456789abcdef", Transport::Secure, true),
        ];
        for (line, transport, read) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, line.parse().unwrap());
            assert_eq!(Cookie::Cart.read(&headers, transport).is_some(), read, "{line}");
        }
    }
}
