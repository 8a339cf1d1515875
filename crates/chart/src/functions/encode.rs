//! sprig's encodings, checksums and JSON.

use super::{Function, Param, fixed};
use crate::any::{Any, Str};
use crate::json;
use sha2::{Digest, Sha256, Sha512};

const ONE: &[Param] = &[Param::Str];
const VALUE: &[Param] = &[Param::Any];

mod base;

pub(crate) use base::{base64, base64_decode};

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("b64enc", ONE, |_, mut args| Ok(Any::str(base64(&args.str())))),
    fixed("b64dec", ONE, |_, mut args| {
        Ok(base64_decode(&args.str()).map_or_else(Any::from, |it| Any::Str(it.into())))
    }),
    fixed("b32enc", ONE, |_, mut args| {
        Ok(Any::str(base::base32(&args.str())))
    }),
    fixed("b32dec", ONE, |_, mut args| {
        Ok(base::base32_decode(&args.str()).map_or_else(Any::from, |it| Any::Str(it.into())))
    }),
    fixed("sha1sum", ONE, |_, mut args| {
        Ok(hex::encode(sha1::Sha1::digest(&*args.str())).into())
    }),
    fixed("sha256sum", ONE, |_, mut args| {
        Ok(hex::encode(Sha256::digest(&*args.str())).into())
    }),
    fixed("sha512sum", ONE, |_, mut args| {
        Ok(hex::encode(Sha512::digest(&*args.str())).into())
    }),
    fixed("adler32sum", ONE, |_, mut args| {
        Ok(adler32(&args.str()).to_string().into())
    }),
    fixed("toPrettyJson", VALUE, |_, mut args| {
        Ok(json::write_pretty(&args.any()).map_or_else(|_| Any::str(""), |it| Any::Str(it.into())))
    }),
    fixed("mustToPrettyJson", VALUE, |_, mut args| {
        Ok(Any::Str(json::write_pretty(&args.any())?.into()))
    }),
    fixed("toRawJson", VALUE, |_, mut args| {
        Ok(Any::Str(json::write_raw(&args.any())?.into()))
    }),
    fixed("mustToRawJson", VALUE, |_, mut args| {
        Ok(Any::Str(json::write_raw(&args.any())?.into()))
    }),
    fixed("mustToJson", VALUE, |_, mut args| {
        Ok(Any::Str(json::write(&args.any())?.into()))
    }),
    fixed("mustFromJson", ONE, |_, mut args| {
        let text: Str = args.str();
        Ok(json::read(&text)?)
    }),
];

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}
