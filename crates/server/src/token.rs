//! The local token: what proves that a caller may change something. What cookies, forms and webhooks carry is derived from it.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

type Code = Hmac<Sha256>;

/// A secret that never shows itself.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token as it is.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether a caller gave this token. Takes the same time for every wrong one.
    pub fn fits(&self, given: &str) -> bool {
        // Codes of the two are compared, and whether those differ early says nothing about the token.
        code(&self.0, b"token")
            .verify_slice(&code(given, b"token").finalize().into_bytes())
            .is_ok()
    }

    /// What a webhook's sender signs bodies with.
    pub fn webhook_secret(&self) -> String {
        self.derive("webhook")
    }

    /// What the cookie of a browser that showed the token carries.
    pub(crate) fn session(&self) -> String {
        self.derive("session")
    }

    /// What a form of this server carries, so that another site's form cannot act for a browser.
    pub(crate) fn form(&self) -> String {
        self.derive("form")
    }

    /// Whether a cookie is one of ours.
    pub(crate) fn fits_session(&self, given: &str) -> bool {
        self.fits_derived("session", given)
    }

    /// Whether a form is one of ours.
    pub(crate) fn fits_form(&self, given: &str) -> bool {
        self.fits_derived("form", given)
    }

    /// Whether `signature`, hexadecimal, is that of `body` under the webhook's secret.
    pub(crate) fn signed(&self, body: &[u8], signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|signature| {
            code(&self.webhook_secret(), body)
                .verify_slice(&signature)
                .is_ok()
        })
    }

    /// The token itself, for the one place that prints it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn derive(&self, purpose: &str) -> String {
        hex::encode(code(&self.0, purpose.as_bytes()).finalize().into_bytes())
    }

    fn fits_derived(&self, purpose: &str, given: &str) -> bool {
        hex::decode(given).is_ok_and(|given| code(&self.0, purpose.as_bytes()).verify_slice(&given).is_ok())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn code(key: &str, text: &[u8]) -> Code {
    let code = Code::new_from_slice(key.as_bytes());
    code.expect("a key of any length is taken").chain_update(text)
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn only_the_right_token_and_what_is_derived_from_it_fit() {
        let token = Token::new("secret".to_owned());
        assert!(token.fits("secret") && !token.fits("secreT") && !token.fits(""));
        assert!(token.fits_session(&token.session()) && !token.fits_session(&token.form()));
        assert!(token.fits_form(&token.form()) && !token.fits_form("") && !token.fits_form("zz"));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
