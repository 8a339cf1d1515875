//! sprig's random texts, hashes of passwords, keys and certificates. All randomness comes from the render's seed.

mod certificate;
mod der;
mod dsa;
mod key;
mod password;
mod powers;
mod prime;
mod random;
mod signature;

use super::{Function, Param, fixed};
use crate::any::{Any, Object, Str};

const NONE: &[Param] = &[];
const ONE: &[Param] = &[Param::Str];
const COUNT: &[Param] = &[Param::Int];
const TWO: &[Param] = &[Param::Str, Param::Str];
const CA: &[Param] = &[Param::Str, Param::Int];
const CA_KEY: &[Param] = &[Param::Str, Param::Int, Param::Str];
const SELF: &[Param] = &[Param::Str, Param::List, Param::List, Param::Int];
const SELF_KEY: &[Param] = &[Param::Str, Param::List, Param::List, Param::Int, Param::Str];
const SIGNED: &[Param] = &[
    Param::Str,
    Param::List,
    Param::List,
    Param::Int,
    Param::Certificate,
];
const SIGNED_KEY: &[Param] = &[
    Param::Str,
    Param::List,
    Param::List,
    Param::Int,
    Param::Certificate,
    Param::Str,
];
const DERIVE: &[Param] = &[Param::Uint32, Param::Str, Param::Str, Param::Str, Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("randAlphaNum", COUNT, |exec, mut args| {
        random::text(exec, args.int(), |it| it.is_ascii_alphanumeric())
    }),
    fixed("randAlpha", COUNT, |exec, mut args| {
        random::text(exec, args.int(), |it| it.is_ascii_alphabetic())
    }),
    fixed("randNumeric", COUNT, |exec, mut args| {
        random::text(exec, args.int(), |it| it.is_ascii_digit())
    }),
    fixed("randAscii", COUNT, |exec, mut args| {
        random::text(exec, args.int(), |it| (b' '..=b'~').contains(&it))
    }),
    fixed("randBytes", COUNT, |exec, mut args| {
        random::bytes(exec, args.int())
    }),
    fixed("randInt", &[Param::Int, Param::Int], |exec, mut args| {
        let (low, high) = (args.int(), args.int());
        random::int(exec, low, high)
    }),
    fixed("uuidv4", NONE, |exec, _| Ok(random::uuid(exec))),
    fixed("bcrypt", ONE, |exec, mut args| {
        Ok(password::bcrypt(exec, &args.str()).into())
    }),
    fixed("htpasswd", TWO, |exec, mut args| {
        let (user, text) = (args.str(), args.str());
        if user.contains(&b':') {
            return Ok(format!("invalid username: {}", user.text()).into());
        }
        Ok(format!("{}:{}", user.text(), password::bcrypt(exec, &text)).into())
    }),
    fixed("derivePassword", DERIVE, |_, mut args| {
        let (counter, kind) = (args.int(), args.str());
        let (password, user, site) = (args.str(), args.str(), args.str());
        let counter = u32::try_from(counter).unwrap_or(0);
        Ok(password::derive(counter, &kind.text(), &password, &user, &site).into())
    }),
    fixed("encryptAES", TWO, |exec, mut args| {
        Ok(password::encrypt(exec, &args.str(), &args.str()))
    }),
    fixed("decryptAES", TWO, |_, mut args| {
        password::decrypt(&args.str(), &args.str())
    }),
    fixed("genPrivateKey", ONE, |exec, mut args| {
        Ok(key::generate_pem(exec, &args.str().text()).into())
    }),
    fixed("buildCustomCert", TWO, |_, mut args| {
        certificate::custom(&args.str(), &args.str())
    }),
    fixed("genCA", CA, certificate::authority),
    fixed("genCAWithKey", CA_KEY, certificate::authority),
    fixed("genSelfSignedCert", SELF, certificate::self_signed),
    fixed("genSelfSignedCertWithKey", SELF_KEY, certificate::self_signed),
    fixed("genSignedCert", SIGNED, certificate::signed),
    fixed("genSignedCertWithKey", SIGNED_KEY, certificate::signed),
];

/// A text in PEM: base 64 in lines of 64 characters.
fn pem(label: &str, bytes: &[u8]) -> String {
    let body = super::base64(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// The label and the bytes of the first block in PEM.
fn read_pem(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.chars().filter(|it| !it.is_whitespace()).collect();
    Some((label.to_owned(), super::base64_decode(body.as_bytes()).ok()?))
}

fn object(cert: impl Into<Str>, key: impl Into<Str>) -> Any {
    Any::object(Object::Certificate {
        cert: cert.into(),
        key: key.into(),
    })
}
