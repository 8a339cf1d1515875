//! Which style a text can be written in.

use super::super::resolve::{Resolved, resolve};
use crate::go::runes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Bytes of a key that is written before its colon on one line.
const SIMPLE_KEY_MAX: usize = 128;

/// The style that the encoder wishes for.
pub(super) fn style(text: &[u8], pretty: bool) -> Style {
    if memchr::memchr(b'\n', text).is_some() {
        return Style::Literal;
    }
    // The library does not look up what begins with `<` when it writes.
    if text == b"<<" || resolve(text) == Resolved::Str && !is_base_60(text) {
        return Style::Plain;
    }
    let _ = pretty;
    Style::DoubleQuoted
}

/// Bytes that a short plain text may hold wherever they stand, after a letter.
const IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut it = 0_u8;
    while it < 128 {
        table[it as usize] = it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'/' | b'-');
        it += 1;
    }
    table
};

/// Words that begin with a letter and are something else than texts have at most so many letters: `false`.
const SPECIAL_WORD_MAX: usize = 5;
/// Bytes of texts that are looked at here: longer ones may be folded, and are no keys.
const WORD_MAX: usize = 120;

/// Whether a text is written plain, as it is, wherever it stands: it begins with a letter, goes on with what means
/// nothing in YAML, and is no word that does.
pub(super) fn is_plain_word(text: &[u8]) -> bool {
    let Some(first) = text.first() else {
        return false;
    };
    first.is_ascii_alphabetic()
        && text.len() <= WORD_MAX
        && text.iter().all(|it| IN_WORD[usize::from(*it)])
        && (text.len() > SPECIAL_WORD_MAX || resolve(text) == Resolved::Str)
}

/// As [`is_plain_word`], with single blanks between words, and colons and signs that no blank stands beside.
pub(super) fn is_plain_line(text: &[u8]) -> bool {
    let Some(first) = text.first() else {
        return false;
    };
    if !first.is_ascii_alphabetic() || text.len() > WORD_MAX || text.len() <= SPECIAL_WORD_MAX {
        return false;
    }
    let mut before = b' ';
    for byte in text {
        let good = match byte {
            b' ' => !matches!(before, b' ' | b':'),
            b':' | b'=' | b',' | b'(' | b')' | b'+' | b'@' => true,
            it => IN_WORD[usize::from(*it)],
        };
        if !good {
            return false;
        }
        before = *byte;
    }
    !matches!(before, b' ' | b':')
}

/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`
fn is_base_60(text: &[u8]) -> bool {
    let rest = text
        .strip_prefix(b"+")
        .or_else(|| text.strip_prefix(b"-"))
        .unwrap_or(text);
    let mut parts = rest.split(|it| *it == b':');
    let whole = parts.next().unwrap_or_default();
    if !whole.first().is_some_and(u8::is_ascii_digit)
        || !whole.iter().all(|it| it.is_ascii_digit() || *it == b'_')
    {
        return false;
    }
    let parts: Vec<&[u8]> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return false;
    };
    let (last, fraction) = match last.iter().position(|it| *it == b'.') {
        Some(at) => (&last[..at], &last[at + 1..]),
        None => (*last, &[][..]),
    };
    let sixty = |it: &[u8]| matches!(it, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    fraction.iter().all(|it| it.is_ascii_digit() || *it == b'_')
        && middle.iter().all(|it| sixty(it))
        && sixty(last)
}

pub(super) fn is_break(rune: char) -> bool {
    matches!(rune, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The library knows no characters above U+FFFD, so it escapes them.
fn is_printable(rune: char) -> bool {
    matches!(rune, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && rune != '\u{FEFF}'
}

/// Whether a rune is escaped within double quotes.
pub(super) fn needs_escape(rune: char) -> bool {
    !is_printable(rune) || is_break(rune) || rune == '"' || rune == '\\'
}

pub(super) fn is_simple_key(key: &[u8]) -> bool {
    key.len() <= SIMPLE_KEY_MAX && !runes::runes(key).any(|it| is_break(it.1))
}

/// `toYaml` writes JSON and reads it again, and the reader refuses some characters that JSON leaves as they are.
pub(super) fn survives_json(text: &[u8]) -> bool {
    if text.is_ascii() {
        return !text.contains(&0x7F);
    }
    runes::runes(text)
        .all(|it| !matches!(it.1, '\u{7F}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}'))
}

/// What the emitter's analysis forbids.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the emitter's findings are independent of each other"
)]
#[derive(Debug, Default)]
struct Analysis {
    multiline: bool,
    not_plain: bool,
    not_single: bool,
    not_block: bool,
    tabs: bool,
}

fn analyse(text: &[u8]) -> Analysis {
    let mut found = Analysis::default();
    if text.is_empty() {
        found.not_block = true;
        return found;
    }
    if text.starts_with(b"---") || text.starts_with(b"...") {
        found.not_plain = true;
    }
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded_by_white = true;
    for (at, rune, width) in runes::runes(text) {
        let last = at + width == text.len();
        let next = runes::decode(&text[at + width..]).map(|it| it.0);
        let followed_by_white = next.is_none_or(|it| matches!(it, ' ' | '\t'));
        if is_indicator(rune, at == 0, followed_by_white, preceded_by_white) {
            found.not_plain = true;
        }
        if !is_printable(rune) {
            found.not_plain = true;
            found.not_single = true;
            found.tabs |= rune == '\t';
            found.not_block |= rune != '\t';
        }
        if rune == ' ' {
            if at == 0 || last {
                found.not_plain = true;
            }
            if last {
                found.not_block = true;
            }
            if previous_break {
                found.not_plain = true;
                found.not_single = true;
            }
            previous_space = true;
            previous_break = false;
        } else if is_break(rune) {
            found.multiline = true;
            found.not_plain = true;
            if previous_space {
                found.not_single = true;
                found.not_block = true;
            }
            previous_space = false;
            previous_break = true;
        } else {
            previous_space = false;
            previous_break = false;
        }
        preceded_by_white = matches!(rune, ' ' | '\t' | '\0') || is_break(rune);
    }
    found
}

/// Characters that mean something in a block at this place.
fn is_indicator(rune: char, first: bool, followed_by_white: bool, preceded_by_white: bool) -> bool {
    if first {
        return match rune {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`' => true,
            '?' | ':' | '-' => followed_by_white,
            _ => false,
        };
    }
    match rune {
        ':' => followed_by_white,
        '#' => preceded_by_white,
        _ => false,
    }
}

/// What becomes of tabs in texts of several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tabs {
    Escaped,
    /// As they are, within a block.
    Kept,
}

/// The style that the emitter takes in a block.
pub(super) fn possible_style(text: &[u8], wished: Style, simple_key: bool, tabs: Tabs) -> Style {
    if text.iter().all(u8::is_ascii_alphanumeric) && !text.is_empty() && wished == Style::Plain {
        return Style::Plain;
    }
    let found = analyse(text);
    let mut style = wished;
    if simple_key && found.multiline {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain && (found.not_plain || text.is_empty() && simple_key) {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && found.not_single {
        style = Style::DoubleQuoted;
    }
    if style == Style::Literal && (found.not_block || simple_key || found.tabs && tabs == Tabs::Escaped) {
        style = Style::DoubleQuoted;
    }
    style
}
