//! Tokens that prove that a form was sent from one of our own pages.
//!
//! A token is bound to the guest's id, which another site can neither read nor set, and signed with a secret that all
//! instances share: a page of one version can be sent to the other.

use hmac::{Hmac, Mac as _};
use service_kit::Secret;
use sha2::Sha256;

/// Hidden field of every form.
pub(crate) const FIELD: &str = "csrf";
/// What is signed begins with this, so that a token is never taken for something else.
const PURPOSE: &[u8] = b"storefront form 1\0";

/// As long as a tag.
const MASK_BYTES: usize = 32;

/// Makes and checks tokens.
pub(crate) struct Csrf {
    secret: Secret,
}

impl Csrf {
    pub(crate) fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// A token of a guest's id. Each looks different: pages are packed, and a part that is always the same could be guessed
    /// from the length of pages that also show what somebody else wrote (BREACH).
    pub(crate) fn token(&self, guest: &str) -> String {
        let tag = self.mac(guest).finalize().into_bytes();
        let mask: [u8; MASK_BYTES] = rand::random();
        let masked = tag.iter().zip(mask).map(|(tag, mask)| tag ^ mask);
        hex::encode(mask.into_iter().chain(masked).collect::<Vec<u8>>())
    }

    /// Whether a token is of this guest's id; takes the same time for all wrong ones.
    pub(crate) fn is_of(&self, token: &str, guest: &str) -> bool {
        let Ok(bytes) = hex::decode(token) else {
            return false;
        };
        let Some((mask, masked)) = bytes.split_at_checked(MASK_BYTES) else {
            return false;
        };
        let tag: Vec<u8> = masked.iter().zip(mask).map(|(tag, mask)| tag ^ mask).collect();
        masked.len() == MASK_BYTES && self.mac(guest).verify_slice(&tag).is_ok()
    }

    fn mac(&self, guest: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(PURPOSE);
        mac.update(guest.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use service_kit::Settings;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_guest_and_secret_only() {
        let csrf = |secret: &str| {
            let settings = Settings::of([("CSRF_SECRET", secret.to_owned())]);
            Csrf::new(settings.secret("CSRF_SECRET").unwrap())
        };
        let (ours, theirs) = (csrf("0123456789abcdef"), csrf("fedcba9876543210"));
        let token = ours.token("guest-one");
        assert!(ours.is_of(&token, "guest-one"));
        assert_ne!(token, ours.token("guest-one"));
        assert!(!ours.is_of(&token, "guest-two"));
        assert!(!theirs.is_of(&token, "guest-one"));
        let longer = format!("{token}00");
        for wrong in ["", "zz", &token[2..], &token[..64], &longer] {
            assert!(!ours.is_of(wrong, "guest-one"), "{wrong}");
        }
    }
}
