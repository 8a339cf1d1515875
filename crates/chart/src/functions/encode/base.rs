//! Base 64 and base 32 as Go's standard encodings: with padding, new lines skipped, errors with the byte's position.

const ALPHABET64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHABET32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Base 64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    encode(bytes, ALPHABET64, 6, 4)
}

pub(super) fn base32(bytes: &[u8]) -> String {
    encode(bytes, ALPHABET32, 5, 8)
}

/// `bits` a character, padded to groups of `group` characters.
fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / bits as usize + group);
    let (mut buffer, mut held) = (0_u32, 0_u32);
    let mask = (1 << bits) - 1;
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        held += 8;
        while held >= bits {
            held -= bits;
            out.push(char::from(alphabet[(buffer >> held & mask) as usize]));
        }
        buffer &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(char::from(alphabet[(buffer << (bits - held) & mask) as usize]));
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

/// The bytes, or Go's complaint.
pub(crate) fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    decode(text, ALPHABET64, 6, 4).map_err(|at| format!("illegal base64 data at input byte {at}"))
}

pub(super) fn base32_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    decode(text, ALPHABET32, 5, 8).map_err(|at| format!("illegal base32 data at input byte {at}"))
}

fn decode(text: &[u8], alphabet: &[u8], bits: u32, group: usize) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() * bits as usize / 8);
    let (mut buffer, mut held) = (0_u32, 0_u32);
    let mut count = 0;
    let mut input = text
        .iter()
        .enumerate()
        .filter(|it| !matches!(it.1, b'\n' | b'\r'));
    while let Some((at, byte)) = input.next() {
        if *byte == b'=' {
            let used = count % group;
            let padding = group - used;
            let allowed = if group == 4 {
                matches!(used, 2 | 3)
            } else {
                matches!(used, 2 | 4 | 5 | 7)
            };
            if !allowed {
                return Err(at);
            }
            for _ in 1..padding {
                match input.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return Err(at),
                    None => return Err(text.len()),
                }
            }
            return match input.next() {
                Some((at, _)) => Err(at),
                None => Ok(out),
            };
        }
        let Some(value) = alphabet.iter().position(|it| it == byte) else {
            return Err(at);
        };
        count += 1;
        buffer = buffer << bits | u32::try_from(value).unwrap_or(0);
        held += bits;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(buffer >> held & 0xFF).unwrap_or(0));
        }
        buffer &= (1 << held) - 1;
    }
    if count.is_multiple_of(group) {
        Ok(out)
    } else {
        Err(text.len() - count % group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["", "f", "fo", "foo", "foob", "fooba", "foobar"] {
            assert_eq!(
                base64_decode(base64(text.as_bytes()).as_bytes()).unwrap(),
                text.as_bytes()
            );
            assert_eq!(
                base32_decode(base32(text.as_bytes()).as_bytes()).unwrap(),
                text.as_bytes()
            );
        }
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert_eq!(
            base64_decode(b"a*b=").unwrap_err(),
            "illegal base64 data at input byte 1"
        );
    }
}
