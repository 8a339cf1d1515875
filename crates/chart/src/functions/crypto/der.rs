//! The little of ASN.1's DER that certificates need.

/// A value with its tag and length.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or(0));
    } else {
        let bytes = length.to_be_bytes();
        let first = bytes.iter().position(|it| *it != 0).unwrap_or(bytes.len() - 1);
        out.push(0x80 | u8::try_from(bytes.len() - first).unwrap_or(0));
        out.extend_from_slice(&bytes[first..]);
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

/// An unsigned integer.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes
        .iter()
        .position(|it| *it != 0)
        .unwrap_or(bytes.len().saturating_sub(1));
    let mut content = Vec::new();
    if bytes.get(first).is_none_or(|it| *it >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(&bytes[first..]);
    tagged(2, &content)
}

pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tagged(3, &[&[0], bytes].concat())
}

/// The tag, the content, and what follows; with the whole element's bytes.
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
    pub(super) rest: &'a [u8],
}

pub(super) fn read(bytes: &[u8]) -> Option<Element<'_>> {
    let tag = *bytes.first()?;
    let first = *bytes.get(1)?;
    let (length, header) = if first < 0x80 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7F);
        if count == 0 || count > 4 {
            return None;
        }
        let digits = bytes.get(2..2 + count)?;
        (
            digits.iter().fold(0, |sum, it| sum << 8 | usize::from(*it)),
            2 + count,
        )
    };
    let end = header.checked_add(length)?;
    let content = bytes.get(header..end)?;
    Some(Element {
        tag,
        content,
        whole: &bytes[..end],
        rest: &bytes[end..],
    })
}
