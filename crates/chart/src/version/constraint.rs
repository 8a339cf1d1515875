//! Constraints: `>=1.2 <2 || ^3.1`, hyphen ranges, wildcards. Pre-releases match only where the constraint has one.

use super::Version;
use std::cmp::Ordering;

/// Bytes of a constraint that the library accepts.
const LENGTH_MAX: usize = 512;
/// Alternatives that the library accepts.
const GROUPS_MAX: usize = 32;

/// Alternatives of conditions that all have to hold.
#[derive(Debug, Clone)]
pub(crate) struct Constraints(Vec<Vec<Constraint>>);

#[derive(Debug, Clone)]
struct Constraint {
    operator: &'static str,
    version: Version,
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

const OPERATORS: &[&str] = &["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

impl Constraints {
    /// `NewConstraint`.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH_MAX {
            return Err(format!("constraint string is too long (max {LENGTH_MAX} bytes)"));
        }
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > GROUPS_MAX {
            return Err(format!("too many constraint groups (max {GROUPS_MAX})"));
        }
        groups.into_iter().map(group).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the version fits.
    pub(crate) fn check(&self, version: &Version) -> bool {
        self.0.iter().any(|group| {
            let with_pre = group.iter().any(|it| !it.version.pre.is_empty());
            (version.pre.is_empty() || with_pre) && group.iter().all(|it| it.check(version))
        })
    }
}

fn group(text: &str) -> Result<Vec<Constraint>, String> {
    let improper = || {
        format!(
            "improper constraint: {}",
            crate::go::quote::quoted(text.as_bytes())
        )
    };
    let mut rest = text.trim();
    if text.is_empty() {
        return Err(improper());
    }
    let mut all = Vec::new();
    loop {
        let operator = OPERATORS
            .iter()
            .find(|it| rest.starts_with(**it))
            .copied()
            .unwrap_or("");
        rest = rest[operator.len()..].trim_start();
        let length = version_length(rest).ok_or_else(improper)?;
        let low = &rest[..length];
        rest = &rest[length..];
        let after = rest.trim_start();
        if operator.is_empty()
            && after.len() < rest.len()
            && let Some(high) = after
                .strip_prefix('-')
                .filter(|it| it.starts_with(char::is_whitespace))
        {
            let high = high.trim_start();
            let length = version_length(high).ok_or_else(improper)?;
            all.push(constraint(">=", low).ok_or_else(improper)?);
            all.push(constraint("<=", &high[..length]).ok_or_else(improper)?);
            rest = &high[length..];
        } else {
            all.push(constraint(operator, low).ok_or_else(improper)?);
        }
        let after = rest.trim_start();
        if after.is_empty() {
            return Ok(all);
        }
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.len() < rest.len() => rest = after,
            None => return Err(improper()),
        }
    }
}

/// The bytes of a version at the beginning of `text`.
fn version_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&b'v'));
    let part = |at: usize| {
        bytes[at..]
            .iter()
            .take_while(|it| it.is_ascii_digit() || b"xX*|".contains(it))
            .count()
    };
    let first = part(at);
    if first == 0 {
        return None;
    }
    at += first;
    for _ in 0..2 {
        if bytes.get(at) == Some(&b'.') && part(at + 1) > 0 {
            at += 1 + part(at + 1);
        }
    }
    for mark in [b'-', b'+'] {
        if bytes.get(at) == Some(&mark) {
            let length = bytes[at + 1..]
                .iter()
                .take_while(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.'))
                .count();
            if length > 0 {
                at += 1 + length;
            }
        }
    }
    Some(at)
}

fn constraint(operator: &'static str, text: &str) -> Option<Constraint> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers_end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(numbers_end);
    let pre = rest.split('+').next().unwrap_or_default();
    let is_x = |it: &str| matches!(it, "x" | "X" | "*");
    let parts: Vec<&str> = numbers.split('.').collect();
    let part = |at: usize| parts.get(at).copied().filter(|it| !is_x(it));
    let (mut dirty, mut minor_dirty, mut patch_dirty) = (false, false, false);
    let full = match (part(0), part(1), part(2)) {
        (None, ..) => {
            dirty = true;
            format!("0.0.0{pre}")
        }
        (Some(major), None, _) => {
            dirty = true;
            minor_dirty = true;
            format!("{major}.0.0{pre}")
        }
        (Some(major), Some(minor), None) => {
            dirty = true;
            patch_dirty = true;
            format!("{major}.{minor}.0{pre}")
        }
        (Some(_), Some(_), Some(_)) => text.to_owned(),
    };
    let version = Version::new(&full).ok()?;
    Some(Constraint {
        operator,
        version,
        dirty,
        minor_dirty,
        patch_dirty,
    })
}

impl Constraint {
    fn check(&self, version: &Version) -> bool {
        let ordering = version.compare(&self.version);
        match self.operator {
            "" | "=" if self.dirty => self.tilde(version),
            "" | "=" => ordering == Ordering::Equal,
            "!=" => self.not_equal(version),
            ">" => self.greater(version),
            "<" => ordering == Ordering::Less,
            ">=" | "=>" => ordering != Ordering::Less,
            "<=" | "=<" => self.less_or_equal(version),
            "~" | "~>" => self.tilde(version),
            _ => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        if self.dirty {
            if self.version.major != version.major {
                return true;
            }
            if self.version.minor != version.minor && !self.minor_dirty {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if self.version.patch != version.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                return super::compare_pre(&version.pre, &self.version.pre) != Ordering::Equal;
            }
        }
        version.compare(&self.version) != Ordering::Equal
    }

    fn greater(&self, version: &Version) -> bool {
        if !self.dirty {
            return version.compare(&self.version) == Ordering::Greater;
        }
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if self.minor_dirty => false,
            Ordering::Equal if self.patch_dirty => version.minor > self.version.minor,
            Ordering::Equal => version.compare(&self.version) == Ordering::Greater,
        }
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        if !self.dirty {
            return version.compare(&self.version) != Ordering::Greater;
        }
        let minor_above = version.minor > self.version.minor && !self.minor_dirty;
        version.major < self.version.major || version.major == self.version.major && !minor_above
    }

    fn is_zero(&self) -> bool {
        (self.version.major, self.version.minor, self.version.patch) == (0, 0, 0)
    }

    fn tilde(&self, version: &Version) -> bool {
        if version.compare(&self.version) == Ordering::Less {
            return false;
        }
        if self.is_zero() && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        version.major == self.version.major && (version.minor == self.version.minor || self.minor_dirty)
    }

    fn caret(&self, version: &Version) -> bool {
        if version.compare(&self.version) == Ordering::Less {
            return false;
        }
        if self.version.major > 0 || self.minor_dirty {
            return version.major == self.version.major;
        }
        if version.major > 0 {
            return false;
        }
        if self.version.minor > 0 || self.patch_dirty {
            return version.minor == self.version.minor;
        }
        version.minor == 0 && version.patch == self.version.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_those_of_the_library() {
        for (constraint, version, expected) in [
            (">=1.19-0", "1.27.3-gke.100", true),
            (">=1.19", "1.27.3-gke.100", false),
            ("^1.2.3", "1.9.0", true),
            ("^1.2.3", "2.0.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("~1.2", "1.3.0", false),
            ("1.x", "1.9.9", true),
            ("*", "3.0.0", true),
            (">= 1.2, < 2", "1.5.0", true),
            (">=1.2 <2 || >=3", "3.1.0", true),
            ("1.2 - 1.4", "1.4.9", true),
            ("1.2 - 1.4", "1.5.0", false),
            ("!=1.2.3", "1.2.3", false),
            ("=1.2", "1.2.8", true),
            (">1", "1.5.0", false),
            ("v1.2.3", "1.2.3", true),
        ] {
            let version = Version::new(version).unwrap();
            assert_eq!(
                Constraints::new(constraint).unwrap().check(&version),
                expected,
                "{constraint} {version}"
            );
        }
        assert_eq!(
            Constraints::new("foo").unwrap_err(),
            "improper constraint: \"foo\""
        );
    }
}
