//! X.509 certificates as sprig asks Go's library for them.

use std::net::IpAddr;

use sha1::Digest as _;

use super::key::Key;
use super::{der, object, pem, read_pem};
use crate::any::{Any, Object, Str};
use crate::functions::{Args, base64_decode};
use crate::go::print;
use crate::go::time::{Duration, Time};
use crate::template::exec::Exec;
use crate::template::failure::Fail;

/// What a certificate says.
#[derive(Default)]
struct Wish {
    name: Vec<u8>,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    days: i64,
    is_authority: bool,
}

/// Who signs: the subject of its certificate, the identifier of its key, and the key.
struct Signer<'a> {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    key: &'a Key,
}

fn key_or_new(exec: &mut Exec<'_>, args: &mut Args) -> Result<Key, Fail> {
    if args.left() == 0 {
        return Ok(Key::generate(exec)?);
    }
    Key::read(&args.str()).map_err(|it| format!("parsing private key: {it}").into())
}

pub(super) fn authority(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let wish = Wish {
        name: args.str().to_vec(),
        days: args.int(),
        is_authority: true,
        ..Wish::default()
    };
    let key = key_or_new(exec, &mut args)?;
    self_made(exec, &wish, &key)
}

pub(super) fn self_signed(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let wish = wish(exec, &mut args)?;
    let key = key_or_new(exec, &mut args)?;
    self_made(exec, &wish, &key)
}

fn self_made(exec: &mut Exec<'_>, wish: &Wish, key: &Key) -> Result<Any, Fail> {
    let signer = Signer {
        subject: distinguished_name(&wish.name),
        key_id: None,
        key,
    };
    let cert = make(exec, wish, key, &signer)?;
    Ok(object(cert, key.pem()?))
}

pub(super) fn signed(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let wish = wish(exec, &mut args)?;
    let authority = args.any();
    let key = key_or_new(exec, &mut args)?;
    let (cert, signer_key) = pair(&authority).ok_or("unable to decode certificate")?;
    let (_, bytes) = read_pem(&cert).ok_or("unable to decode certificate")?;
    let (subject, key_id) = subject_of(&bytes)
        .ok_or("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate")?;
    let signer_key = Key::read(&signer_key).map_err(|it| format!("error parsing private key: {it}"))?;
    let signer = Signer {
        subject,
        key_id,
        key: &signer_key,
    };
    let cert = make(exec, &wish, &key, &signer)?;
    Ok(object(cert, key.pem()?))
}

/// A certificate that the user brings, in base 64.
pub(super) fn custom(cert: &Str, key: &Str) -> Result<Any, Fail> {
    let cert = base64_decode(cert).map_err(|_| "unable to decode base64 certificate")?;
    let key = base64_decode(key).map_err(|_| "unable to decode base64 private key")?;
    let (_, bytes) = read_pem(&cert).ok_or("unable to decode certificate")?;
    if subject_of(&bytes).is_none() {
        return Err("error parsing certificate: decodedCert.Bytes: x509: malformed certificate".into());
    }
    Key::read(&key).map_err(|it| format!("error parsing private key: {it}"))?;
    Ok(object(cert, key))
}

fn pair(value: &Any) -> Option<(Str, Str)> {
    match value {
        Any::Object(it) => match &**it {
            Object::Certificate { cert, key } => Some((cert.clone(), key.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn wish(exec: &Exec<'_>, args: &mut Args) -> Result<Wish, Fail> {
    let name = args.str().to_vec();
    let addresses = args.any();
    let names = args.any();
    let days = args.int();
    let shown = |value: &Any| print::strval(value, exec.profile()).text().into_owned();
    let mut wish = Wish {
        name,
        days,
        ..Wish::default()
    };
    if let Any::List(list) = addresses {
        for item in list.items() {
            let Any::Str(text) = item else {
                return Err(format!("error parsing ip: {} is not a string", shown(item)).into());
            };
            let address = text
                .text()
                .parse()
                .map_err(|_| format!("error parsing ip: {}", text.text()))?;
            wish.addresses.push(address);
        }
    }
    if let Any::List(list) = names {
        for item in list.items() {
            let Any::Str(text) = item else {
                return Err(format!(
                    "error processing alternate dns name: {} is not a string",
                    shown(item)
                )
                .into());
            };
            wish.names.push(text.text().into_owned());
        }
    }
    Ok(wish)
}

/// A name that consists of the common name.
fn distinguished_name(name: &[u8]) -> Vec<u8> {
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    if name.is_empty() {
        return der::sequence(&[]);
    }
    let printable = name
        .iter()
        .all(|it| it.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(it));
    let text = der::tagged(if printable { 0x13 } else { 0x0C }, name);
    let attribute = der::sequence(&[der::tagged(6, COMMON_NAME), text]);
    der::sequence(&[der::tagged(0x31, &attribute)])
}

/// The identifier of the extension that names a key, and the tag of its content.
const KEY_ID: &[u8] = &[0x06, 0x03, 0x55, 0x1D, 0x0E, 0x04];

/// The subject of a certificate and the identifier of its key.
fn subject_of(certificate: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let body = der::read(der::read(certificate)?.content)?;
    let mut rest = body.content;
    if der::read(rest)?.tag == 0xA0 {
        rest = der::read(rest)?.rest;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        rest = der::read(rest)?.rest;
    }
    let subject = der::read(rest)?;
    let key_id = memchr::memmem::find(subject.rest, KEY_ID).and_then(|at| {
        let outer = der::read(&subject.rest[at + 5..])?;
        Some(der::read(outer.content)?.content.to_vec())
    });
    Some((subject.whole.to_vec(), key_id))
}

fn time(time: Time) -> Vec<u8> {
    if (1950..2050).contains(&time.civil().year) {
        der::tagged(0x17, time.format("060102150405Z").as_bytes())
    } else {
        der::tagged(0x18, time.format("20060102150405Z").as_bytes())
    }
}

fn make(exec: &mut Exec<'_>, wish: &Wish, key: &Key, signer: &Signer<'_>) -> Result<String, Fail> {
    const DAY: i64 = 24 * 3600 * 1_000_000_000;
    let mut serial = [0; 16];
    exec.random_bytes(&mut serial);
    let start = Time::from_millis(exec.setting.now_ms);
    let end = start.add(Duration(wish.days.saturating_mul(DAY)));
    let public = key.public()?;
    let algorithm = signer.key.algorithm();
    let body = der::sequence(&[
        der::tagged(0xA0, &der::integer(&[2])),
        der::integer(&serial),
        algorithm.clone(),
        signer.subject.clone(),
        der::sequence(&[time(start), time(end)]),
        distinguished_name(&wish.name),
        public.clone(),
        der::tagged(0xA3, &der::sequence(&extensions(wish, &public, signer))),
    ]);
    let signature = signer.key.sign(&body)?;
    Ok(pem(
        "CERTIFICATE",
        &der::sequence(&[body, algorithm, der::bit_string(&signature)]),
    ))
}

fn extension(id: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::tagged(6, &[0x55, 0x1D, id])];
    if critical {
        parts.push(der::tagged(1, &[0xFF]));
    }
    parts.push(der::tagged(4, content));
    der::sequence(&parts)
}

fn extensions(wish: &Wish, public: &[u8], signer: &Signer<'_>) -> Vec<Vec<u8>> {
    const SERVER: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    const CLIENT: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
    // digitalSignature and keyEncipherment; an authority signs certificates too.
    let usage: &[u8] = if wish.is_authority { &[2, 0xA4] } else { &[5, 0xA0] };
    let basic = if wish.is_authority {
        der::sequence(&[der::tagged(1, &[0xFF])])
    } else {
        der::sequence(&[])
    };
    let mut all = vec![
        extension(15, true, &der::tagged(3, usage)),
        extension(
            37,
            false,
            &der::sequence(&[der::tagged(6, SERVER), der::tagged(6, CLIENT)]),
        ),
        extension(19, true, &basic),
    ];
    if wish.is_authority {
        let id = sha1::Sha1::digest(public);
        all.push(extension(14, false, &der::tagged(4, &id)));
    }
    if let Some(id) = &signer.key_id {
        all.push(extension(35, false, &der::sequence(&[der::tagged(0x80, id)])));
    }
    if !wish.names.is_empty() || !wish.addresses.is_empty() {
        let names = wish.names.iter().map(|it| der::tagged(0x82, it.as_bytes()));
        let addresses = wish.addresses.iter().map(|it| match it {
            IpAddr::V4(it) => der::tagged(0x87, &it.octets()),
            IpAddr::V6(it) => der::tagged(0x87, &it.octets()),
        });
        let all_names: Vec<Vec<u8>> = names.chain(addresses).collect();
        all.push(extension(17, false, &der::sequence(&all_names)));
    }
    all
}
