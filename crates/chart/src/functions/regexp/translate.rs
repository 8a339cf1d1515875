//! From Go's syntax of regular expressions to that of the crate regex: classes are ASCII in Go, `\Q...\E` and `\z` exist.

/// The expression in the crate's syntax.
#[expect(clippy::too_many_lines, reason = "one arm for each escape")]
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut input = pattern.chars().peekable();
    let mut in_class = false;
    // Whether the last thing in a class was a set, after which Go takes a `-` for itself.
    let mut set_before = false;
    while let Some(rune) = input.next() {
        let after_set = std::mem::take(&mut set_before);
        if rune == '\\' && input.peek().is_some_and(|it| "dDwWsS".contains(*it)) {
            set_before = in_class;
        }
        match rune {
            '\\' => match input.next() {
                Some('Q') => {
                    let mut literal = String::new();
                    while let Some(rune) = input.next() {
                        if rune == '\\' && input.peek() == Some(&'E') {
                            input.next();
                            break;
                        }
                        literal.push(rune);
                    }
                    out.push_str(&regex::escape(&literal));
                }
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str(if in_class {
                    "\\t\\n\\f\\r "
                } else {
                    "[\\t\\n\\f\\r ]"
                }),
                Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some('B') if !in_class => out.push_str("(?-u:\\B)"),
                Some('C') => out.push_str("(?s-u:.)"),
                Some(
                    escaped @ ('_' | '"' | '\'' | '/' | '@' | '!' | '%' | ',' | ':' | ';' | '=' | '`' | ' '),
                ) => {
                    out.push_str(&regex::escape(&escaped.to_string()));
                }
                Some(escaped) => {
                    out.push('\\');
                    out.push(escaped);
                }
                None => out.push('\\'),
            },
            '[' if in_class => {
                if input.peek() == Some(&':') {
                    out.push('[');
                    for rune in input.by_ref() {
                        out.push(rune);
                        if rune == ']' {
                            break;
                        }
                    }
                    set_before = true;
                } else {
                    out.push_str("\\[");
                }
            }
            '[' => {
                in_class = true;
                out.push('[');
                if input.peek() == Some(&'^') {
                    out.push('^');
                    input.next();
                }
                if input.peek() == Some(&']') {
                    out.push_str("\\]");
                    input.next();
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(rune);
            }
            '-' if in_class && (after_set || input.peek() == Some(&'-')) => out.push_str("\\-"),
            _ => out.push(rune),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_after_a_set_is_itself() {
        for (pattern, text, expected) in [
            (r"^[\w-\.]+$", "my-master.group", true),
            (r"^[\w-\.]+$", "a b", false),
            (r"^[[:alpha:]-_]+$", "a-_", true),
            (r"^[\d-]+$", "1-2", true),
            (r"^[a-c]+$", "abc", true),
            (r"^[a-c]+$", "a-c", false),
        ] {
            let regex = regex::Regex::new(&translate(pattern)).unwrap();
            assert_eq!(regex.is_match(text), expected, "{pattern} {text}");
        }
    }
}
