//! Who visits: a guest with a cart of its own, or a customer who signed in; and proof that a form came from our page.

use axum::extract::FromRequestParts;
use hmac::{Hmac, Mac as _};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use sha2::Sha256;

use crate::App;

/// Longest time that a browser keeps the cart: 30 days, in seconds.
const CART_SECONDS: u32 = 30 * 24 * 3600;
/// Longest time of a session, as of its token: 12 hours, in seconds.
const SESSION_SECONDS: u32 = 12 * 3600;

/// Makes and checks what proves a form, and writes cookies.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    key: Hmac<Sha256>,
    secure: bool,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    cart: String,
    token: Option<String>,
    /// Whether the cart was made up just now and its cookie has to be set.
    fresh: bool,
}

impl Visitor {
    /// Key of the guest's cart.
    pub(crate) fn cart(&self) -> &str {
        &self.cart
    }

    /// The session's token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

impl Guard {
    pub(crate) fn new(secret: &str, secure: bool) -> Self {
        let key = Hmac::new_from_slice(secret.as_bytes());
        Self {
            key: key.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")),
            secure,
        }
    }

    /// Proves that a form was written for this visitor.
    pub(crate) fn proof(&self, visitor: &Visitor) -> String {
        hex::encode(self.mac(visitor).finalize().into_bytes())
    }

    /// Whether a form was written for this visitor; takes the same time for every wrong proof.
    pub(crate) fn accepts(&self, visitor: &Visitor, proof: &str) -> bool {
        hex::decode(proof).is_ok_and(|given| self.mac(visitor).verify_slice(&given).is_ok())
    }

    fn mac(&self, visitor: &Visitor) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(b"form:");
        mac.update(visitor.cart.as_bytes());
        mac
    }

    /// Cookies that the answer has to set for who it is.
    pub(crate) fn remember(&self, visitor: &Visitor, headers: &mut HeaderMap) {
        if visitor.fresh {
            self.set(headers, "cart", &visitor.cart, CART_SECONDS);
        }
    }

    /// Signs a browser in.
    pub(crate) fn sign_in(&self, token: &str, headers: &mut HeaderMap) {
        self.set(headers, "session", token, SESSION_SECONDS);
    }

    /// Signs it out.
    pub(crate) fn sign_out(&self, headers: &mut HeaderMap) {
        self.set(headers, "session", "", 0);
    }

    fn set(&self, headers: &mut HeaderMap, name: &str, value: &str, seconds: u32) {
        let (prefix, secure) = if self.secure {
            ("__Host-", "; Secure")
        } else {
            ("", "")
        };
        let text =
            format!("{prefix}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.append(header::SET_COOKIE, value);
        }
    }

    fn visitor(&self, headers: &HeaderMap) -> Visitor {
        let prefix = if self.secure { "__Host-" } else { "" };
        let found = cookie(headers, &format!("{prefix}cart")).filter(|cart| is_cart(cart));
        let fresh = found.is_none();
        Visitor {
            cart: found.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>())),
            token: cookie(headers, &format!("{prefix}session")).filter(|token| !token.is_empty()),
            fresh,
        }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(app.guard.visitor(&parts.headers))
    }
}

fn is_cart(text: &str) -> bool {
    (16..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE);
    lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_visitor_is_refused() {
        let guard = Guard::new("a secret of some length", true);
        let visitor = |cart: &str| {
            let mut headers = HeaderMap::new();
            let cookie = format!("a=b; __Host-cart={cart}");
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).unwrap());
            guard.visitor(&headers)
        };
        let (ana, ben) = (visitor("0123456789abcdef-ana"), visitor("0123456789abcdef-ben"));
        let proof = guard.proof(&ana);
        assert!(guard.accepts(&ana, &proof));
        assert!(!guard.accepts(&ben, &proof));
        assert!(!guard.accepts(&ana, ""));
        assert!(!guard.accepts(&ana, &"0".repeat(64)));
    }

    #[test]
    fn cookies_cannot_be_read_by_scripts_or_sent_by_other_sites() {
        let mut headers = HeaderMap::new();
        let guard = Guard::new("a secret of some length", true);
        guard.remember(&guard.visitor(&HeaderMap::new()), &mut headers);
        guard.sign_in("token", &mut headers);
        let set: Vec<_> = headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|line| line.to_str().unwrap())
            .collect();
        assert_eq!(set.len(), 2);
        for line in set {
            for part in ["__Host-", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
                assert!(line.contains(part), "{line}");
            }
        }
    }

    #[test]
    fn a_made_up_cart_is_replaced() {
        let guard = Guard::new("a secret of some length", false);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("cart=short"));
        let visitor = guard.visitor(&headers);
        assert!(visitor.fresh && is_cart(visitor.cart()));
    }
}
