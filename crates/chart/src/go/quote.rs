//! Go's `strconv.Quote` and `strconv.Unquote`.

use super::runes;

/// `%q`: double quotes, escapes for what cannot be printed.
pub(crate) fn quote(text: &[u8]) -> Vec<u8> {
    quote_with(text, b'"', false)
}

/// `%+q`: as [`quote`], but ASCII only.
pub(crate) fn quote_ascii(text: &[u8]) -> Vec<u8> {
    quote_with(text, b'"', true)
}

/// The quoted text as a string, for messages.
pub(crate) fn quoted(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}

/// `%q` of a rune: single quotes.
pub(crate) fn quote_rune(rune: char) -> Vec<u8> {
    let mut buffer = [0; 4];
    quote_with(rune.encode_utf8(&mut buffer).as_bytes(), b'\'', false)
}

fn quote_with(text: &[u8], mark: u8, ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(mark);
    // Most texts begin with a long run that needs nothing, and many have nothing else.
    let plain = |it: &&u8| matches!(it, b' '..=b'~') && **it != mark && **it != b'\\';
    let (plain, text) = text.split_at(text.iter().take_while(plain).count());
    out.extend_from_slice(plain);
    for (at, rune, width) in runes::runes(text) {
        if rune == runes::REPLACEMENT && width == 1 {
            out.extend_from_slice(format!("\\x{:02x}", text[at]).as_bytes());
            continue;
        }
        push_rune(&mut out, rune, mark, ascii);
    }
    out.push(mark);
    out
}

fn push_rune(out: &mut Vec<u8>, rune: char, mark: u8, ascii: bool) {
    if rune == char::from(mark) || rune == '\\' {
        out.push(b'\\');
        runes::push(out, rune);
        return;
    }
    if runes::is_print(rune) && (!ascii || rune.is_ascii()) {
        runes::push(out, rune);
        return;
    }
    let escape = match rune {
        '\u{07}' => "\\a".to_owned(),
        '\u{08}' => "\\b".to_owned(),
        '\u{0C}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{0B}' => "\\v".to_owned(),
        _ if u32::from(rune) < 0x20 || rune == '\u{7F}' => format!("\\x{:02x}", u32::from(rune)),
        _ if u32::from(rune) < 0x10000 => format!("\\u{:04x}", u32::from(rune)),
        _ => format!("\\U{:08x}", u32::from(rune)),
    };
    out.extend_from_slice(escape.as_bytes());
}

/// `strconv.Unquote` of a string in double quotes or backquotes, or of a rune in single quotes.
pub(crate) fn unquote(text: &[u8]) -> Option<Vec<u8>> {
    let (first, last) = (*text.first()?, *text.last()?);
    if text.len() < 2 || first != last {
        return None;
    }
    let body = &text[1..text.len() - 1];
    match first {
        b'`' => (!body.contains(&b'`')).then(|| body.iter().copied().filter(|it| *it != b'\r').collect()),
        b'"' | b'\'' => {
            if body.contains(&b'\n') {
                return None;
            }
            let mut out = Vec::with_capacity(body.len());
            let mut rest = body;
            while !rest.is_empty() {
                rest = unquote_one(rest, first, &mut out)?;
            }
            Some(out)
        }
        _ => None,
    }
}

/// The value of a character constant such as `'a'` or `'\n'`.
pub(crate) fn unquote_rune(text: &[u8]) -> Option<u32> {
    let body = text.strip_prefix(b"'")?;
    if let Some(rest) = body.strip_prefix(b"\\x") {
        let value = u32::from_str_radix(std::str::from_utf8(rest.get(..2)?).ok()?, 16).ok()?;
        return (rest.get(2..) == Some(b"'")).then_some(value);
    }
    let mut out = Vec::new();
    let rest = unquote_one(body, b'\'', &mut out)?;
    if rest != b"'" {
        return None;
    }
    runes::decode(&out).map(|it| u32::from(it.0))
}

/// Takes one character off `text`, as `strconv.UnquoteChar`.
fn unquote_one<'a>(text: &'a [u8], mark: u8, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let first = *text.first()?;
    if first == mark {
        return None;
    }
    if first != b'\\' {
        let (_, width) = runes::decode(text)?;
        out.extend_from_slice(&text[..width]);
        return Some(&text[width..]);
    }
    let code = *text.get(1)?;
    let rest = &text[2..];
    let simple = match code {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0B,
        b'\\' => b'\\',
        b'\'' | b'"' if code == mark => code,
        b'x' | b'u' | b'U' => return unquote_hex(code, rest, out),
        b'0'..=b'7' => {
            let digits = text.get(1..4)?;
            let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
            out.push(u8::try_from(value).ok()?);
            return Some(&text[4..]);
        }
        _ => return None,
    };
    out.push(simple);
    Some(rest)
}

fn unquote_hex<'a>(code: u8, rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let length = match code {
        b'x' => 2,
        b'u' => 4,
        _ => 8,
    };
    let digits = rest.get(..length)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    if code == b'x' {
        out.push(u8::try_from(value).ok()?);
    } else {
        runes::push(out, char::from_u32(value)?);
    }
    Some(&rest[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_back() {
        assert_eq!(quoted(b"a\"b\\\n\x01\xff\xc3\xa9"), r#""a\"b\\\n\x01\xffé""#);
        assert_eq!(quoted("\u{200b}\u{1F600}".as_bytes()), "\"\\u200b\u{1F600}\"");
        assert_eq!(unquote(br#""a\"\x41\u00e9\101""#).unwrap(), "a\"AéA".as_bytes());
        assert_eq!(unquote(b"`a\\n`").unwrap(), b"a\\n");
        assert_eq!(unquote(br#""\'""#), None);
        assert_eq!(unquote_rune(b"'a'"), Some(97));
    }
}
