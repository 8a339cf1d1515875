//! Signatures by RSA as certificates carry them (PKCS #1, version 1.5, with SHA-256): a power for each of the two primes,
//! both at once. The library takes longer for one than the search for the key's primes.

use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use sha2::{Digest as _, Sha256};

use super::powers;

/// What stands before a hash by SHA-256: its algorithm, in ASN.1.
const SHA_256: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
/// Bytes of padding that there must be at least.
const PADDING_MIN: usize = 8;

/// None where the key is of another form than two primes of a usual size.
pub(super) fn signature(key: &RsaPrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    let [p, q] = key.primes() else { return None };
    if p.bits().max(q.bits()) > powers::BITS_MAX {
        return None;
    }
    let text = padded(message, key.size())?;
    let (text, one) = (BigUint::from_bytes_be(&text), BigUint::from(1_u8));
    let inverse = key.crt_coefficient()?;
    let [by_p, by_q, ..] = powers::powers(
        &[text.clone(), text, one.clone(), one.clone()],
        &[key.dp()?.clone(), key.dq()?.clone(), one.clone(), one],
        &[p.clone(), q.clone(), p.clone(), q.clone()],
    );
    let apart = (by_p + p - &by_q % p) % p;
    let number = by_q + apart * inverse % p * q;
    let bytes = number.to_bytes_be();
    let mut signature = vec![0; key.size().checked_sub(bytes.len())?];
    signature.extend(bytes);
    Some(signature)
}

/// The hash, with what fills the key's size before it.
fn padded(message: &[u8], size: usize) -> Option<Vec<u8>> {
    let hash = Sha256::digest(message);
    let padding = size.checked_sub(3 + SHA_256.len() + hash.len())?;
    if padding < PADDING_MIN {
        return None;
    }
    let filled = vec![0xFF; padding];
    Some([&[0, 1], filled.as_slice(), &[0], &SHA_256, &hash].concat())
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::signature::Verifier as _;

    use super::*;
    use crate::functions::crypto::prime;

    #[test]
    fn signatures_are_verified_by_the_library() {
        let mut state = 7_u64;
        let (p, q) = prime::pair(256, |out| {
            for byte in out {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = state.to_be_bytes()[0];
            }
        });
        let key = RsaPrivateKey::from_p_q(p, q, prime::EXPONENT.into()).expect("a key");
        for message in [b"".as_slice(), b"a certificate"] {
            let ours = signature(&key, message).expect("two primes");
            let signature = Signature::try_from(ours.as_slice()).expect("a signature");
            let verifying = VerifyingKey::<rsa::sha2::Sha256>::new(key.to_public_key());
            verifying.verify(message, &signature).expect("verified");
        }
    }
}
