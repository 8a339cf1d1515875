//! Who asks: customers with a signed token (JWT, HS256), guests with the id of their cart.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::client::Upstream;
use crate::clock::now_ms;
use crate::settings::Secret;
use crate::{Kit, Problem, SettingError};

/// The header of guests.
pub const CART_HEADER: &str = "x-cart-id";
/// How often ended sessions are asked for.
const ENDED_EVERY: Duration = Duration::from_secs(1);
/// Ended sessions that are remembered; the oldest are only forgotten once their tokens have expired.
const ENDED_MAX: usize = 100_000;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 2048;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The customer.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The customer's name.
    pub name: String,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Expires at, in seconds since 1970.
    pub exp: i64,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Somebody with an account.
    Customer(Claims),
    /// Somebody who has only a cart.
    Guest(String),
}

impl Caller {
    /// The owner of carts and orders, as it is stored: `user:<id>` or `guest:<cart>`.
    pub fn owner(&self) -> String {
        match self {
            Self::Customer(claims) => format!("user:{}", claims.sub),
            Self::Guest(cart) => format!("guest:{cart}"),
        }
    }
}

/// Checks and makes tokens. A clone shares the list of ended sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    secret: Secret,
    /// Session to the millisecond at which its newest token has expired anyway.
    ended: Arc<RwLock<HashMap<Uuid, i64>>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    revision: i64,
    sessions: Vec<EndedSession>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EndedSession {
    sid: Uuid,
    expires_ms: i64,
}

impl Sessions {
    /// With `JWT_SECRET`.
    pub fn of(kit: &Kit) -> Result<Self, SettingError> {
        Ok(Self {
            secret: kit.settings().secret("JWT_SECRET")?,
            ended: Arc::default(),
        })
    }

    /// Signs a token.
    pub fn sign(&self, claims: &Claims) -> Result<String, Problem> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).map_err(Problem::internal)?);
        let signed = format!("{header}.{body}");
        let tag = URL_SAFE_NO_PAD.encode(mac(&self.secret, signed.as_bytes())?.finalize().into_bytes());
        Ok(format!("{signed}.{tag}"))
    }

    /// What the token says, if it is ours, alive, and its session has not ended.
    pub fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let refused = || Problem::unauthenticated("Please log in again.");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refused());
        }
        let (signed, tag) = token.rsplit_once('.').ok_or_else(refused)?;
        let (head, body) = signed.split_once('.').ok_or_else(refused)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| refused())?;
        // The algorithm is ours to say, never the token's: it is compared, not obeyed. The comparison takes constant time.
        mac(&self.secret, signed.as_bytes())?
            .verify_slice(&tag)
            .map_err(|_| refused())?;
        let head: serde_json::Value = decode(head).ok_or_else(refused)?;
        if head.get("alg").and_then(|alg| alg.as_str()) != Some("HS256") {
            return Err(refused());
        }
        let claims: Claims = decode(body).ok_or_else(refused)?;
        let ended = self
            .ended
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&claims.sid);
        if claims.exp * 1000 <= now_ms() || ended {
            return Err(refused());
        }
        Ok(claims)
    }

    /// The customer who asks; 401 otherwise.
    pub fn customer(&self, headers: &HeaderMap) -> Result<Claims, Problem> {
        match self.bearer(headers)? {
            Some(claims) => Ok(claims),
            None => Err(Problem::unauthenticated("Please log in.")),
        }
    }

    /// Customer or guest; the customer counts when both are there. 401 when neither is.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(claims) = self.bearer(headers)? {
            return Ok(Caller::Customer(claims));
        }
        let Some(cart) = headers.get(CART_HEADER) else {
            return Err(Problem::unauthenticated("Please log in, or send X-Cart-Id."));
        };
        let cart = cart.to_str().unwrap_or_default();
        if !is_cart_id(cart) {
            return Err(Problem::malformed(
                "X-Cart-Id must be 16 to 64 letters, digits or dashes.",
            ));
        }
        Ok(Caller::Guest(cart.to_owned()))
    }

    fn bearer(&self, headers: &HeaderMap) -> Result<Option<Claims>, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(None);
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or_else(|| Problem::unauthenticated("Authorization must be Bearer <token>."))?;
        self.verify(token.trim()).map(Some)
    }

    /// Refuses a session from now on, in this process.
    pub fn end(&self, sid: Uuid, expires_ms: i64) {
        let now = now_ms();
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= ENDED_MAX {
            ended.retain(|_, expires| *expires > now);
        }
        ended.insert(sid, expires_ms);
    }

    /// Learns of sessions that ended elsewhere, for ever. Sessions end rarely, so the list is asked for by what is new.
    pub async fn follow(self, users: Upstream) {
        let mut revision = 0;
        loop {
            let asked = users
                .get(format!("/internal/sessions/ended?after={revision}"))
                .send()
                .await;
            match asked
                .and_then(crate::client::Reply::success)
                .and_then(|reply| reply.json::<Ended>())
            {
                Ok(news) => {
                    revision = news.revision.max(revision);
                    for session in news.sessions {
                        self.end(session.sid, session.expires_ms);
                    }
                }
                Err(error) => tracing::debug!(%error, "ended sessions are not known at the moment"),
            }
            tokio::time::sleep(ENDED_EVERY).await;
        }
    }
}

/// Whether it can be the id of a guest's cart.
pub fn is_cart_id(text: &str) -> bool {
    (16..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// HMAC-SHA256 in hexadecimal.
pub fn hmac_hex(secret: &Secret, message: &[u8]) -> Result<String, Problem> {
    let tag = mac(secret, message)?.finalize().into_bytes();
    Ok(hex::encode(tag))
}

/// Whether `hex` is the HMAC-SHA256 of the message; takes the same time whatever differs.
pub fn hmac_matches(secret: &Secret, message: &[u8], hex: &str) -> bool {
    hex::decode(hex).is_ok_and(|bytes| mac(secret, message).is_ok_and(|mac| mac.verify_slice(&bytes).is_ok()))
}

fn mac(secret: &Secret, message: &[u8]) -> Result<Hmac<Sha256>, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(Problem::internal)?;
    mac.update(message);
    Ok(mac)
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn sessions() -> Sessions {
        let settings = Settings::of([("JWT_SECRET", "0123456789abcdef".to_owned())]);
        Sessions {
            secret: settings.secret("JWT_SECRET").unwrap(),
            ended: Arc::default(),
        }
    }

    fn claims(exp: i64) -> Claims {
        Claims {
            sub: Uuid::from_u128(1),
            sid: Uuid::from_u128(2),
            name: "Ada".to_owned(),
            iat: 0,
            exp,
        }
    }

    #[test]
    fn only_our_own_living_tokens_are_taken() {
        let sessions = sessions();
        let future = now_ms() / 1000 + 60;
        let token = sessions.sign(&claims(future)).unwrap();
        assert_eq!(sessions.verify(&token).unwrap(), claims(future));

        let mut parts: Vec<&str> = token.split('.').collect();
        let other = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(future + 1)).unwrap());
        parts[1] = &other;
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let unsigned = format!("{none}.{other}.");
        for wrong in [
            parts.join("."),
            unsigned,
            sessions.sign(&claims(1)).unwrap(),
            "a.b.c".into(),
            String::new(),
        ] {
            assert_eq!(
                sessions.verify(&wrong).unwrap_err().status.as_u16(),
                401,
                "{wrong}"
            );
        }
        sessions.end(claims(future).sid, i64::MAX);
        assert!(sessions.verify(&token).is_err());
    }

    #[test]
    fn signatures_are_compared_as_bytes() {
        let secret = sessions().secret;
        let tag = hmac_hex(&secret, b"body").unwrap();
        assert!(hmac_matches(&secret, b"body", &tag));
        let cases = ["", "zz", &tag[1..], &tag[..62]];
        assert!(cases.iter().all(|wrong| !hmac_matches(&secret, b"body", wrong)));
        assert!(!hmac_matches(&secret, b"other", &tag));
    }
}
