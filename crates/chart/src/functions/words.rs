//! sprig's functions of words and cases, as the libraries goutils and xstrings have them.

use super::text::{lower, upper};
use super::{Function, Param, fixed};
use crate::any::Any;
use crate::go::runes;

mod case;

const ONE: &[Param] = &[Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("hello", &[], |_, _| Ok(Any::str("Hello!"))),
    fixed("abbrev", &[Param::Int, Param::Str], |_, mut args| {
        let (width, text) = (args.int(), args.str());
        Ok(Any::Str(abbreviate(&text, 0, width).into()))
    }),
    fixed(
        "abbrevboth",
        &[Param::Int, Param::Int, Param::Str],
        |_, mut args| {
            let (left, right, text) = (args.int(), args.int(), args.str());
            if right < 4 || left > 0 && right < 7 {
                return Ok(Any::Str(text));
            }
            Ok(Any::Str(abbreviate(&text, left, right).into()))
        },
    ),
    fixed("title", ONE, |_, mut args| {
        Ok(Any::Str(title(&args.str()).into()))
    }),
    fixed("untitle", ONE, |_, mut args| {
        Ok(Any::Str(untitle(&args.str()).into()))
    }),
    fixed("swapcase", ONE, |_, mut args| {
        Ok(Any::Str(swap_case(&args.str()).into()))
    }),
    fixed("initials", ONE, |_, mut args| {
        Ok(Any::Str(initials(&args.str()).into()))
    }),
    fixed("nospace", ONE, |_, mut args| {
        let text = args.str();
        if !text.iter().any(|it| runes::is_space(char::from(*it))) {
            return Ok(Any::Str(text));
        }
        let mut out = Vec::new();
        for byte in text.iter().filter(|it| !runes::is_space(char::from(**it))) {
            runes::push(&mut out, char::from(*byte));
        }
        Ok(Any::Str(out.into()))
    }),
    fixed("wrap", &[Param::Int, Param::Str], |_, mut args| {
        let (width, text) = (args.int(), args.str());
        Ok(Any::Str(wrap(&text, width, b"", false).into()))
    }),
    fixed(
        "wrapWith",
        &[Param::Int, Param::Str, Param::Str],
        |_, mut args| {
            let (width, separator, text) = (args.int(), args.str(), args.str());
            Ok(Any::Str(wrap(&text, width, &separator, true).into()))
        },
    ),
    fixed("camelcase", ONE, |_, mut args| {
        Ok(Any::Str(case::pascal(&args.str()).into()))
    }),
    fixed("snakecase", ONE, |_, mut args| {
        Ok(Any::Str(case::lower_with(&args.str(), b'_').into()))
    }),
    fixed("kebabcase", ONE, |_, mut args| {
        Ok(Any::Str(case::lower_with(&args.str(), b'-').into()))
    }),
];

fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if width < 4 || length <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let at = |it: i64| usize::try_from(it).unwrap_or(0);
    if offset <= 4 {
        return [&text[..at(width - 3)], b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        return [b"...".as_slice(), &abbreviate(&text[at(offset)..], 0, width - 3)].concat();
    }
    [b"...".as_slice(), &text[at(length - (width - 3))..]].concat()
}

/// `strings.Title`: the first letter after anything that is no letter, digit or underscore.
fn title(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut previous = ' ';
    for (_, rune, _) in runes::runes(text) {
        runes::push(&mut out, if is_separator(previous) { upper(rune) } else { rune });
        previous = rune;
    }
    out
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !(rune.is_ascii_alphanumeric() || rune == '_');
    }
    !runes::is_letter(rune) && !runes::is_digit(rune) && runes::is_space(rune)
}

fn untitle(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut next = true;
    for (_, rune, _) in runes::runes(text) {
        if runes::is_space(rune) {
            next = true;
            runes::push(&mut out, rune);
        } else {
            runes::push(&mut out, if next { lower(rune) } else { rune });
            next = false;
        }
    }
    out
}

fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, rune, _) in runes::runes(text) {
        let swapped = if rune.is_uppercase() {
            lower(rune)
        } else if rune.is_lowercase() {
            upper(rune)
        } else {
            rune
        };
        runes::push(&mut out, swapped);
    }
    out
}

fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = true;
    for byte in text {
        if runes::is_space(char::from(*byte)) {
            gap = true;
        } else if gap {
            runes::push(&mut out, char::from(*byte));
            gap = false;
        }
    }
    out
}

fn wrap(text: &[u8], width: i64, separator: &[u8], cut_words: bool) -> Vec<u8> {
    let separator: &[u8] = if separator.is_empty() { b"\n" } else { separator };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = width + offset + 1;
        let mut put = |to: usize| {
            out.extend_from_slice(&text[offset..to]);
            out.extend_from_slice(separator);
        };
        if let Some(at) = memchr::memrchr(b' ', &text[offset..end]) {
            put(offset + at);
            offset += at + 1;
        } else if cut_words {
            put(offset + width);
            offset += width;
        } else if let Some(at) = memchr::memchr(b' ', &text[offset + width..]) {
            put(offset + width + at);
            offset += width + at + 1;
        } else {
            out.extend_from_slice(&text[offset..]);
            offset = text.len();
        }
    }
    out.extend_from_slice(&text[offset..]);
    out
}
