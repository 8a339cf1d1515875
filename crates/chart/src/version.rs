//! Semantic versions and constraints as the library Masterminds/semver understands them.

mod constraint;

use std::cmp::Ordering;
use std::fmt;

pub(crate) use constraint::Constraints;

/// A version.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: String,
    pub(crate) metadata: String,
    pub(crate) original: String,
}

impl Version {
    /// `NewVersion`: `v1.2` is 1.2.0.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let invalid = || "invalid semantic version".to_owned();
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        let (numbers, pre) = match rest.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (rest, None),
        };
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() > 3
            || parts
                .iter()
                .any(|it| it.is_empty() || !it.bytes().all(|it| it.is_ascii_digit()))
        {
            return Err(invalid());
        }
        let good = |text: Option<&str>| text.is_none_or(|it| it.split('.').all(is_identifier));
        if !good(pre) || !good(metadata) {
            return Err(invalid());
        }
        let part = |at: usize| -> Result<u64, String> {
            let text = parts.get(at).copied().unwrap_or("0");
            text.parse()
                .map_err(|_| format!("error parsing version segment: {text}: value out of range"))
        };
        if let Some(pre) = pre
            && pre
                .split('.')
                .any(|it| it.len() > 1 && it.starts_with('0') && it.bytes().all(|it| it.is_ascii_digit()))
        {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(Self {
            major: part(0)?,
            minor: part(1)?,
            patch: part(2)?,
            pre: pre.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// Whether a text is a version by the letter of the specification.
    pub(crate) fn is_strict(text: &str) -> bool {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let good = |it: &str| it == "0" || !it.starts_with('0');
        Self::new(text).is_ok()
            && !text.starts_with('v')
            && numbers.split('.').count() == 3
            && numbers.split('.').all(good)
    }

    /// Precedence; build metadata does not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let numbers = (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch));
        numbers.then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut a = a.split('.');
    let mut b = b.split('.');
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}
