//! Argo CD's patterns for addresses, names, kinds and paths: `*`, `?`, `[a-z]`, `{one,two}`. It knows no files.

/// Most alternatives that the braces of one pattern stand for.
const ALTERNATIVES_MAX: usize = 256;

/// What a `*` matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Star {
    /// Anything.
    All,
    /// Anything but this character; `**` matches that too.
    Until(char),
}

/// Whether `text` is as `pattern` says. A `*` matches anything, also `/`.
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_until(pattern, text, Star::All)
}

pub(crate) fn matches_until(pattern: &str, text: &str, star: Star) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut alternatives = vec![pattern.to_owned()];
    let mut at = 0;
    while let Some(one) = alternatives.get(at).cloned() {
        match braces(&one) {
            Some((before, inner, after)) if alternatives.len() < ALTERNATIVES_MAX => {
                let more = inner.split(',').map(|it| format!("{before}{it}{after}"));
                alternatives.splice(at..=at, more.collect::<Vec<_>>());
            }
            Some(_) | None => at += 1,
        }
    }
    alternatives.iter().any(|one| {
        let pattern: Vec<char> = one.chars().collect();
        fits(&pattern, &text, star)
    })
}

/// The first braces without others within, and what is around them.
fn braces(pattern: &str) -> Option<(&str, &str, &str)> {
    let close = pattern.find('}')?;
    let open = pattern.get(..close)?.rfind('{')?;
    Some((
        pattern.get(..open)?,
        pattern.get(open + 1..close)?,
        pattern.get(close + 1..)?,
    ))
}

/// From the end of the text to its start: which places of the pattern take the rest.
fn fits(pattern: &[char], text: &[char], star: Star) -> bool {
    // `takes[p]`: the pattern from `p` on takes the text from the current place on.
    let mut takes: Vec<bool> = vec![false; pattern.len() + 1];
    for t in (0..=text.len()).rev() {
        let character = text.get(t).copied();
        let mut now = vec![false; pattern.len() + 1];
        now[pattern.len()] = character.is_none();
        for p in (0..pattern.len()).rev() {
            now[p] = if pattern[p] == '*' {
                let two = pattern.get(p + 1) == Some(&'*') || (p > 0 && pattern[p - 1] == '*');
                let crosses = two || character.is_some_and(|it| star != Star::Until(it));
                now[p + 1] || (crosses && character.is_some() && takes[p])
            } else {
                let after = character.and_then(|it| one(pattern, p, it, star));
                after.is_some_and(|after| takes.get(after) == Some(&true))
            };
        }
        takes = now;
    }
    takes[0]
}

/// The place after the part of the pattern that takes this character.
fn one(pattern: &[char], at: usize, character: char, star: Star) -> Option<usize> {
    match pattern.get(at)? {
        '?' => (star != Star::Until(character)).then_some(at + 1),
        '\\' => (pattern.get(at + 1) == Some(&character)).then_some(at + 2),
        '[' => {
            let end = at + 1 + pattern.get(at + 1..)?.iter().position(|it| *it == ']')?;
            let set = &pattern[at + 1..end];
            let (set, negated) = match set.first() {
                Some('!' | '^') => (&set[1..], true),
                Some(_) | None => (set, false),
            };
            (in_set(set, character) != negated).then_some(end + 1)
        }
        other => (*other == character).then_some(at + 1),
    }
}

fn in_set(set: &[char], character: char) -> bool {
    let mut at = 0;
    while let Some(from) = set.get(at) {
        if set.get(at + 1) == Some(&'-')
            && let Some(to) = set.get(at + 2)
        {
            if (*from..=*to).contains(&character) {
                return true;
            }
            at += 3;
        } else if *from == character {
            return true;
        } else {
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_argo_cds_do() {
        let cases = [
            ("*", "https://github.com/company/shop", true),
            (
                "https://github.com/company/*",
                "https://github.com/company/a/b",
                true,
            ),
            (
                "https://github.com/company/*",
                "https://github.com/other/a",
                false,
            ),
            ("team-?", "team-1", true),
            ("team-?", "team-10", false),
            ("team-[a-c]*", "team-b2", true),
            ("team-[!a-c]", "team-b", false),
            ("{staging,production}-*", "production-eu", true),
            ("{staging,production}-*", "development-eu", false),
            ("*.yaml", "a/b.yaml", true),
            ("a*b*c", "axxbxxbc", true),
            ("a*b*c", "axxbxxb", false),
            ("", "", true),
            ("[", "[", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_may_stop_at_a_slash_and_two_do_not() {
        let paths = |pattern: &str, text: &str| matches_until(pattern, text, Star::Until('/'));
        assert!(paths("apps/*", "apps/shop") && !paths("apps/*", "apps/shop/base"));
        assert!(paths("apps/**", "apps/shop/base") && paths("**/config.json", "a/b/config.json"));
        assert!(paths("**/config/*", "a/config/b/config/c"));
        assert!(!paths("apps/?", "apps//"));
    }
}
