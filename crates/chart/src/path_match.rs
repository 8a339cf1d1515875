//! Patterns of paths: those of `.Files.Glob` (the library gobwas/glob with `/` as separator) and Go's `filepath.Match`.

use std::borrow::Borrow;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob(Vec<Part>);

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Byte(u8),
    /// `?`: one character that is no separator.
    One,
    /// `*`: anything without separators.
    Any,
    /// `**`: anything.
    Everything,
    /// `[a-z]`, `[!abc]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `{a,b}`
    Either(Vec<Vec<Part>>),
}

/// Braces within braces.
const DEPTH_MAX: usize = 16;

impl Glob {
    /// `None` when the pattern is wrong; Helm takes everything then.
    pub(crate) fn new(pattern: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(pattern).ok()?;
        let mut input = text.chars().peekable();
        let parts = parse(&mut input, 0)?;
        input.next().is_none().then_some(Self(parts))
    }

    pub(crate) fn everything() -> Self {
        Self(vec![Part::Everything])
    }

    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        matches(&self.0, path)
    }
}

type Input<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parse(input: &mut Input<'_>, depth: usize) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(rune) = input.peek().copied() {
        if depth > 0 && matches!(rune, ',' | '}') {
            return Some(parts);
        }
        input.next();
        match rune {
            '*' => {
                let mut stars = 1;
                while input.peek() == Some(&'*') {
                    input.next();
                    stars += 1;
                }
                parts.push(if stars > 1 { Part::Everything } else { Part::Any });
            }
            '?' => parts.push(Part::One),
            '[' => parts.push(class(input)?),
            '{' if depth < DEPTH_MAX => {
                let mut options = vec![parse(input, depth + 1)?];
                loop {
                    match input.next()? {
                        ',' => options.push(parse(input, depth + 1)?),
                        '}' => break,
                        _ => return None,
                    }
                }
                parts.push(Part::Either(options));
            }
            '{' => return None,
            '\\' => push(&mut parts, input.next()?),
            _ => push(&mut parts, rune),
        }
    }
    (depth == 0).then_some(parts)
}

fn push(parts: &mut Vec<Part>, rune: char) {
    let mut buffer = [0; 4];
    parts.extend(rune.encode_utf8(&mut buffer).bytes().map(Part::Byte));
}

fn class(input: &mut Input<'_>) -> Option<Part> {
    let negated = input.next_if(|it| matches!(it, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let mut from = input.next()?;
        if from == ']' && !ranges.is_empty() {
            return Some(Part::Class { negated, ranges });
        }
        if from == '\\' {
            from = input.next()?;
        }
        let to = if input.peek() == Some(&'-') {
            input.next();
            input.next()?
        } else {
            from
        };
        ranges.push((from, to));
    }
}

fn matches<P: Borrow<Part>>(parts: &[P], path: &[u8]) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return path.is_empty();
    };
    match first.borrow() {
        // `*.tmp` and the like: most files end otherwise.
        Part::Any if ends_otherwise(rest, path) => false,
        Part::Byte(byte) => path.first() == Some(byte) && matches(rest, &path[1..]),
        Part::One => match crate::go::runes::decode(path) {
            Some((rune, width)) => rune != '/' && matches(rest, &path[width..]),
            None => false,
        },
        Part::Any => {
            let end = memchr::memchr(b'/', path).unwrap_or(path.len());
            (0..=end).any(|at| matches(rest, &path[at..]))
        }
        Part::Everything => rest.is_empty() || (0..=path.len()).any(|at| matches(rest, &path[at..])),
        Part::Class { negated, ranges } => match crate::go::runes::decode(path) {
            Some((rune, width)) => {
                let inside = ranges.iter().any(|it| (it.0..=it.1).contains(&rune));
                inside != *negated && matches(rest, &path[width..])
            }
            None => false,
        },
        Part::Either(options) => options.iter().any(|option| {
            let joined: Vec<&Part> = option.iter().chain(rest.iter().map(Borrow::borrow)).collect();
            matches(&joined, path)
        }),
    }
}

/// Whether the last part is a byte that the path does not end in.
fn ends_otherwise<P: Borrow<Part>>(parts: &[P], path: &[u8]) -> bool {
    match (parts.last().map(Borrow::borrow), path.last()) {
        (Some(Part::Byte(byte)), Some(last)) => byte != last,
        (Some(Part::Byte(_)), None) => true,
        _ => false,
    }
}

/// A pattern of Go's `filepath.Match`: `*` and `?` stop at slashes, `[a-z]`, `[^a]`, backslashes escape.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Without anything special: what it matches.
    Exact(String),
    Parts(Vec<Part>),
}

impl Pattern {
    /// `None` when the pattern is malformed.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Some(Self::Exact(pattern.to_owned()));
        }
        let mut parts = Vec::new();
        let mut input = pattern.chars().peekable();
        while let Some(rune) = input.next() {
            match rune {
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                '[' => parts.push(class(&mut input)?),
                '\\' => push(&mut parts, input.next()?),
                _ => push(&mut parts, rune),
            }
        }
        Some(Self::Parts(parts))
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(name) => name == path,
            Self::Parts(parts) => matches(parts, path.as_bytes()),
        }
    }
}

/// Whether Go's `filepath.Match` finds that `path` has the form of `pattern`; a malformed pattern has no matches.
pub fn file_path_matches(pattern: &str, path: &str) -> bool {
    Pattern::new(pattern).is_some_and(|it| it.matches(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("config/*", "config/a.yaml", true),
            ("config/*", "config/b/a.yaml", false),
            ("config/**", "config/b/a.yaml", true),
            ("**.yaml", "config/b/a.yaml", true),
            ("*.{yaml,json}", "a.json", true),
            ("*.{yaml,json}", "a.toml", false),
            ("[a-c]?.txt", "bx.txt", true),
            ("[!a-c]?.txt", "bx.txt", false),
        ] {
            let glob = Glob::new(pattern.as_bytes()).unwrap();
            assert_eq!(glob.matches(path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(Glob::new(b"[a").is_none());
    }
}
