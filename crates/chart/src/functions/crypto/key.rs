//! Private keys: RSA, ECDSA on P-256, Ed25519.

use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::signature::SignatureEncoding as _;

use super::random::Source;
use super::{der, dsa, pem, prime, read_pem, signature};
use crate::template::exec::Exec;

pub(super) enum Key {
    Rsa(rsa::RsaPrivateKey),
    Ecdsa(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// Bits of each prime of an RSA key that `genPrivateKey` makes: 4,096 in all.
const LONG: usize = 2_048;
/// Bits of each prime of an RSA key that certificates get: 2,048 in all.
const USUAL: usize = 1_024;

/// sprig's `genPrivateKey`.
pub(super) fn generate_pem(exec: &mut Exec<'_>, kind: &str) -> String {
    let key = match kind {
        "" | "rsa" => rsa_key(exec, LONG),
        "ecdsa" => Ok(Key::Ecdsa(p256::ecdsa::SigningKey::random(&mut Source(exec)))),
        "ed25519" => {
            let mut seed = [0; 32];
            exec.random_bytes(&mut seed);
            Ok(Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)))
        }
        "dsa" => return dsa::generate_pem(exec),
        other => return format!("Unknown type {other}"),
    };
    match key.and_then(|it| it.pem()) {
        Ok(pem) => pem,
        Err(error) => format!("failed to generate private key: {error}"),
    }
}

/// A new RSA key of two primes that have so many bits.
fn rsa_key(exec: &mut Exec<'_>, bits: usize) -> Result<Key, String> {
    let (p, q) = prime::pair(bits, |out| exec.random_bytes(out));
    rsa::RsaPrivateKey::from_p_q(p, q, prime::EXPONENT.into())
        .map(Key::Rsa)
        .map_err(|it| it.to_string())
}

impl Key {
    /// A new key for a certificate.
    pub(super) fn generate(exec: &mut Exec<'_>) -> Result<Self, String> {
        rsa_key(exec, USUAL).map_err(|it| format!("error generating rsa key: {it}"))
    }

    /// A key in PEM.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let (label, bytes) = read_pem(text).ok_or("no PEM data in input")?;
        match label.as_str() {
            "PRIVATE KEY" => {
                Self::from_pkcs8(&bytes).ok_or_else(|| "decoding PEM as PKCS#8: unknown key".to_owned())
            }
            "RSA PRIVATE KEY" => rsa::RsaPrivateKey::from_pkcs1_der(&bytes)
                .map(Self::Rsa)
                .map_err(|it| format!("parsing RSA private key from PEM: {it}")),
            "EC PRIVATE KEY" => p256::SecretKey::from_sec1_der(&bytes)
                .map(|it| Self::Ecdsa(it.into()))
                .map_err(|it| format!("parsing EC private key from PEM: {it}")),
            _ => match label.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Err(format!("invalid private key type {kind}")),
                None => Err(format!("no private key data in PEM block of type {label}")),
            },
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Option<Self> {
        if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_der(bytes) {
            return Some(Self::Rsa(key));
        }
        if let Ok(key) = p256::ecdsa::SigningKey::from_pkcs8_der(bytes) {
            return Some(Self::Ecdsa(key));
        }
        ed25519_dalek::SigningKey::from_pkcs8_der(bytes)
            .ok()
            .map(Self::Ed25519)
    }

    /// The key in PEM, as Go writes its kind.
    pub(super) fn pem(&self) -> Result<String, String> {
        match self {
            Self::Rsa(key) => {
                let bytes = key.to_pkcs1_der().map_err(|it| it.to_string())?;
                Ok(pem("RSA PRIVATE KEY", bytes.as_bytes()))
            }
            Self::Ecdsa(key) => {
                let key = p256::SecretKey::from(key);
                let bytes = key.to_sec1_der().map_err(|it| it.to_string())?;
                Ok(pem("EC PRIVATE KEY", &bytes))
            }
            Self::Ed25519(key) => {
                // Go writes the first version of the format, without the public key.
                let seed = der::tagged(4, &der::tagged(4, &key.to_bytes()));
                let algorithm = der::sequence(&[der::tagged(6, &[0x2B, 0x65, 0x70])]);
                Ok(pem(
                    "PRIVATE KEY",
                    &der::sequence(&[der::integer(&[0]), algorithm, seed]),
                ))
            }
        }
    }

    /// The public key as certificates carry it.
    pub(super) fn public(&self) -> Result<Vec<u8>, String> {
        let document = match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::Ecdsa(key) => p256::PublicKey::from(key.verifying_key()).to_public_key_der(),
            Self::Ed25519(key) => {
                let algorithm = der::sequence(&[der::tagged(6, &[0x2B, 0x65, 0x70])]);
                return Ok(der::sequence(&[
                    algorithm,
                    der::bit_string(key.verifying_key().as_bytes()),
                ]));
            }
        };
        document
            .map(p256::pkcs8::Document::into_vec)
            .map_err(|it| it.to_string())
    }

    /// The algorithm of the key's signatures.
    pub(super) fn algorithm(&self) -> Vec<u8> {
        // sha256WithRSAEncryption, ecdsa-with-SHA256, Ed25519
        const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
        const ECDSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
        const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
        match self {
            Self::Rsa(_) => der::sequence(&[der::tagged(6, RSA), der::tagged(5, &[])]),
            Self::Ecdsa(_) => der::sequence(&[der::tagged(6, ECDSA)]),
            Self::Ed25519(_) => der::sequence(&[der::tagged(6, ED25519)]),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => {
                if let Some(signature) = signature::signature(key, message) {
                    return Ok(signature);
                }
                let signer = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key.clone());
                let signature = signer.try_sign(message).map_err(|it| it.to_string())?;
                Ok(signature.to_vec())
            }
            Self::Ecdsa(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                Ok(signature.to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(message).to_vec()),
        }
    }
}
