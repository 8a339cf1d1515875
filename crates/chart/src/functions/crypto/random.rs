//! Random texts and numbers, and the generator that the libraries of keys draw from.

use crate::any::Any;
use crate::functions::base64;
use crate::template::exec::Exec;
use crate::template::failure::{Fail, Failure};

/// Characters that one call may ask for.
const LENGTH_MAX: usize = 1 << 20;

fn length(count: i64) -> Result<usize, Fail> {
    match usize::try_from(count) {
        Ok(count) if count <= LENGTH_MAX => Ok(count),
        Ok(count) => Err(Failure::limit(format!(
            "a random text of {count} is asked for, {LENGTH_MAX} is allowed"
        ))),
        Err(_) => Ok(0),
    }
}

/// Characters that `fits` accepts, all as likely.
pub(super) fn text(exec: &mut Exec<'_>, count: i64, fits: fn(u8) -> bool) -> Result<Any, Fail> {
    let count = length(count)?;
    let choice: Vec<u8> = (b' '..=b'~').filter(|it| fits(*it)).collect();
    // Bytes above the largest multiple are thrown away, or some characters would be likelier.
    let fair = 256 - 256 % choice.len();
    let mut out = Vec::with_capacity(count);
    while out.len() < count {
        let mut block = [0; 64];
        exec.random_bytes(&mut block);
        let usable = block.iter().map(|it| usize::from(*it)).filter(|it| *it < fair);
        out.extend(usable.map(|it| choice[it % choice.len()]));
    }
    out.truncate(count);
    Ok(Any::Str(out.into()))
}

pub(super) fn bytes(exec: &mut Exec<'_>, count: i64) -> Result<Any, Fail> {
    if count < 0 {
        return Err("runtime error: makeslice: len out of range".into());
    }
    let mut out = vec![0; length(count)?];
    exec.random_bytes(&mut out);
    Ok(base64(&out).into())
}

pub(super) fn int(exec: &mut Exec<'_>, low: i64, high: i64) -> Result<Any, Fail> {
    let span = high.wrapping_sub(low);
    let Ok(span) = u64::try_from(span) else {
        return Err("invalid argument to Intn".into());
    };
    if span == 0 {
        return Err("invalid argument to Intn".into());
    }
    let mut bytes = [0; 8];
    exec.random_bytes(&mut bytes);
    let offset = i64::try_from(u64::from_le_bytes(bytes) % span).unwrap_or(0);
    Ok(Any::Int(low.wrapping_add(offset)))
}

pub(super) fn uuid(exec: &mut Exec<'_>) -> Any {
    let mut bytes = [0; 16];
    exec.random_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
    .into()
}

/// A render's randomness as the libraries of keys want it.
pub(super) struct Source<'e, 's>(pub(super) &'e mut Exec<'s>);

impl rsa::rand_core::RngCore for Source<'_, '_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.random_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.random_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.random_bytes(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.0.random_bytes(out);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Source<'_, '_> {}
