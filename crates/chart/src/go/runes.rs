//! Go's view of bytes as runes, and its classes of characters.

/// What a byte that starts no valid rune decodes to.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// The first rune and its width in bytes. Invalid bytes are `(REPLACEMENT, 1)`, as in Go; nothing left is `None`.
pub(crate) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((char::from(first), 1));
    }
    let width = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some((REPLACEMENT, 1)),
    };
    match bytes.get(..width).and_then(|it| std::str::from_utf8(it).ok()) {
        Some(text) => Some((text.chars().next().unwrap_or(REPLACEMENT), width)),
        None => Some((REPLACEMENT, 1)),
    }
}

/// All runes with their positions; invalid bytes come as replacement characters of width one.
pub(crate) fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, width) = decode(&bytes[at..])?;
        let start = at;
        at += width;
        Some((start, rune, width))
    })
}

/// The number of runes.
pub(crate) fn count(bytes: &[u8]) -> usize {
    runes(bytes).count()
}

pub(crate) fn push(out: &mut Vec<u8>, rune: char) {
    let mut buffer = [0; 4];
    out.extend_from_slice(rune.encode_utf8(&mut buffer).as_bytes());
}

/// `unicode.IsSpace`.
pub(crate) fn is_space(rune: char) -> bool {
    matches!(
        rune,
        '\t' | '\n' | '\u{0B}' | '\u{0C}' | '\r' | ' ' | '\u{85}' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200A}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

/// `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the plain space.
pub(crate) fn is_print(rune: char) -> bool {
    if rune.is_ascii() {
        return (' '..='~').contains(&rune);
    }
    if rune.is_control() || rune.is_whitespace() {
        return false;
    }
    if rune.is_alphanumeric()
        || matches!(rune, '\u{300}'..='\u{36F}' | '\u{FE00}'..='\u{FE0F}' | '\u{20D0}'..='\u{20F0}')
    {
        return true;
    }
    if matches!(rune, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    {
        return false;
    }
    !rune.escape_debug().to_string().starts_with("\\u")
}

/// `unicode.IsLetter`, as far as it matters here.
pub(crate) fn is_letter(rune: char) -> bool {
    rune.is_alphabetic()
}

/// `unicode.IsDigit`.
pub(crate) fn is_digit(rune: char) -> bool {
    if rune.is_ascii() {
        rune.is_ascii_digit()
    } else {
        rune.is_numeric() && !rune.is_alphabetic()
    }
}

/// `strings.TrimSpace`.
pub(crate) fn trim_space(bytes: &[u8]) -> &[u8] {
    trim_end_space(trim_start_space(bytes))
}

/// `strings.TrimLeftFunc(s, unicode.IsSpace)`.
pub(crate) fn trim_start_space(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some((rune, width)) = decode(&bytes[at..]) {
        if !is_space(rune) {
            break;
        }
        at += width;
    }
    &bytes[at..]
}

/// `strings.TrimRightFunc(s, unicode.IsSpace)`.
pub(crate) fn trim_end_space(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len();
    while end > 0 {
        let mut start = end - 1;
        while start > 0 && end - start < 4 && bytes[start] & 0xC0 == 0x80 {
            start -= 1;
        }
        match decode(&bytes[start..end]) {
            Some((rune, width)) if width == end - start && is_space(rune) => end = start,
            _ => break,
        }
    }
    &bytes[..end]
}

/// `bytes.Index`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// `strings.ReplaceAll`; an empty `old` matches before each rune and at the end.
pub(crate) fn replace_all(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    if old.is_empty() {
        for (at, _, width) in runes(text) {
            out.extend_from_slice(new);
            out.extend_from_slice(&text[at..at + width]);
        }
        out.extend_from_slice(new);
        return out;
    }
    let mut rest = 0;
    for at in memchr::memmem::find_iter(text, old) {
        out.extend_from_slice(&text[rest..at]);
        out.extend_from_slice(new);
        rest = at + old.len();
    }
    out.extend_from_slice(&text[rest..]);
    out
}
