//! Hashes of passwords, derived passwords, and texts encrypted by a password.

use aes::Aes256;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::any::Any;
use crate::functions::{base64, base64_decode};
use crate::template::exec::Exec;
use crate::template::failure::Fail;

/// Go's default cost.
const COST: u32 = 10;
/// The longest password that bcrypt takes in Go.
const LENGTH_MAX: usize = 72;

pub(super) fn bcrypt(exec: &mut Exec<'_>, text: &[u8]) -> String {
    if text.len() > LENGTH_MAX {
        let why = "bcrypt: password length exceeds 72 bytes";
        return format!("failed to encrypt string with bcrypt: {why}");
    }
    let mut salt = [0; 16];
    exec.random_bytes(&mut salt);
    match bcrypt::hash_with_salt(text, COST, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

fn templates(kind: &str) -> Option<&'static [&'static [u8]]> {
    Some(match kind {
        "maximum" => &[b"anoxxxxxxxxxxxxxxxxx", b"axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            b"CvcvnoCvcvCvcv",
            b"CvcvCvcvnoCvcv",
            b"CvcvCvcvCvcvno",
            b"CvccnoCvcvCvcv",
            b"CvccCvcvnoCvcv",
            b"CvccCvcvCvcvno",
            b"CvcvnoCvccCvcv",
            b"CvcvCvccnoCvcv",
            b"CvcvCvccCvcvno",
            b"CvcvnoCvcvCvcc",
            b"CvcvCvcvnoCvcc",
            b"CvcvCvcvCvccno",
            b"CvccnoCvccCvcv",
            b"CvccCvccnoCvcv",
            b"CvccCvccCvcvno",
            b"CvcvnoCvccCvcc",
            b"CvcvCvccnoCvcc",
            b"CvcvCvccCvccno",
            b"CvccnoCvcvCvcc",
            b"CvccCvcvnoCvcc",
            b"CvccCvcvCvccno",
        ],
        "medium" => &[b"CvcnoCvc", b"CvcCvcno"],
        "short" => &[b"Cvcn"],
        "basic" => &[b"aaanaaan", b"aannaaan", b"aaannaaa"],
        "pin" => &[b"nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The algorithm of the Master Password application.
pub(super) fn derive(counter: u32, kind: &str, password: &[u8], user: &[u8], site: &[u8]) -> String {
    let Some(templates) = templates(kind) else {
        return format!("cannot find password template {kind}");
    };
    let sized = |text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        [SEED, &length.to_be_bytes(), text].concat()
    };
    let mut key = [0; 64];
    let strength = scrypt::Params::new(15, 8, 2, key.len());
    if strength.is_err()
        || strength.is_ok_and(|it| scrypt::scrypt(password, &sized(user), &it, &mut key).is_err())
    {
        return "failed to derive password: scrypt: parameters are too large".to_owned();
    }
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&key) else {
        return String::new();
    };
    mac.update(&sized(site));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let pick = |(class, seed): (&u8, &u8)| {
        let choice = characters(*class);
        char::from(choice[usize::from(*seed) % choice.len()])
    };
    template.iter().zip(&seed[1..]).map(pick).collect()
}

fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    key
}

const BLOCK: usize = 16;

pub(super) fn encrypt(exec: &mut Exec<'_>, password: &[u8], text: &[u8]) -> Any {
    if text.is_empty() {
        return Any::str("");
    }
    let mut iv = [0; BLOCK];
    exec.random_bytes(&mut iv);
    let cipher = cbc::Encryptor::<Aes256>::new(&key(password).into(), &iv.into());
    let out = [iv.as_slice(), &cipher.encrypt_padded_vec_mut::<Pkcs7>(text)].concat();
    base64(&out).into()
}

pub(super) fn decrypt(password: &[u8], text: &[u8]) -> Result<Any, Fail> {
    if text.is_empty() {
        return Ok(Any::str(""));
    }
    let crypt = base64_decode(text)?;
    if crypt.len() < BLOCK {
        return Err(format!(
            "runtime error: slice bounds out of range [:16] with capacity {}",
            crypt.len()
        )
        .into());
    }
    let (iv, body) = crypt.split_at(BLOCK);
    let mut start = [0; BLOCK];
    start.copy_from_slice(iv);
    let cipher = cbc::Decryptor::<Aes256>::new(&key(password).into(), &start.into());
    let Ok(mut plain) = cipher.decrypt_padded_vec_mut::<NoPadding>(body) else {
        return Err("crypto/cipher: input not full blocks".into());
    };
    let padding = usize::from(plain.last().copied().unwrap_or(0));
    if plain.is_empty() || padding > plain.len() {
        return Err("runtime error: slice bounds out of range".into());
    }
    plain.truncate(plain.len() - padding);
    Ok(Any::Str(plain.into()))
}
