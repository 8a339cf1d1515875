//! Strings as Go has them: bytes that are usually, not always, UTF-8.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

/// Immutable bytes, cheap to clone, shared between threads with the parsed templates. Short ones, which are most, take no
/// memory of their own; long ones are parts of a text that others may hold too.
#[derive(Clone)]
pub(crate) struct Str(Repr);

/// Bytes that fit into the value itself: with the length and the kind it is as large as three words.
const INLINE_MAX: usize = 22;

#[derive(Clone)]
enum Repr {
    Inline {
        length: u8,
        bytes: [u8; INLINE_MAX],
    },
    Part {
        text: Arc<Vec<u8>>,
        start: u32,
        end: u32,
    },
    Later(Arc<Later>),
}

/// Bytes that are read when somebody looks at them.
struct Later {
    length: usize,
    read: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
    bytes: OnceLock<Vec<u8>>,
}

impl Str {
    /// Bytes that are read when somebody looks at them; `length` is what is known of them before.
    pub(crate) fn later(length: usize, read: Box<dyn Fn() -> Vec<u8> + Send + Sync>) -> Self {
        Self(Repr::Later(Arc::new(Later {
            length,
            read,
            bytes: OnceLock::new(),
        })))
    }

    /// The length, for which nothing is read.
    pub(crate) fn known_length(&self) -> usize {
        match &self.0 {
            Repr::Later(later) => later.length,
            Repr::Inline { .. } | Repr::Part { .. } => self.len(),
        }
    }

    /// The text, with replacement characters where the bytes are no UTF-8.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        lossy(self)
    }

    /// A part of the text, which is not copied unless it is short.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        if let (Repr::Part { text, start, .. }, true) = (&self.0, range.len() > INLINE_MAX)
            && range.end <= self.len()
        {
            // Both are at most the length of the text, which fits.
            let at = |it: usize| u32::try_from(it).map_or(u32::MAX, |it| start.saturating_add(it));
            return Self(Repr::Part {
                text: text.clone(),
                start: at(range.start),
                end: at(range.end),
            });
        }
        Self::from(&self[range])
    }

    fn inline(it: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE_MAX];
        bytes.get_mut(..it.len())?.copy_from_slice(it);
        let length = u8::try_from(it.len()).ok()?;
        Some(Self(Repr::Inline { length, bytes }))
    }
}

/// As `String::from_utf8_lossy`, whose look at good text takes several times as long.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

impl Deref for Str {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Repr::Part { text, start, end } => &text[*start as usize..*end as usize],
            Repr::Later(later) => later.bytes.get_or_init(|| (later.read)()),
        }
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Str {}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl From<&str> for Str {
    fn from(it: &str) -> Self {
        it.as_bytes().into()
    }
}

impl From<String> for Str {
    fn from(it: String) -> Self {
        it.into_bytes().into()
    }
}

impl From<&[u8]> for Str {
    fn from(it: &[u8]) -> Self {
        Self::inline(it).unwrap_or_else(|| Self::whole(it.to_vec()))
    }
}

impl From<Vec<u8>> for Str {
    fn from(it: Vec<u8>) -> Self {
        Self::inline(&it).unwrap_or_else(|| Self::whole(it))
    }
}

impl Str {
    /// Texts are far below four gigabytes, by all limits there are; what is above is cut.
    fn whole(it: Vec<u8>) -> Self {
        let end = u32::try_from(it.len()).unwrap_or(u32::MAX);
        Self(Repr::Part {
            text: Arc::new(it),
            start: 0,
            end,
        })
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(it: Cow<'_, str>) -> Self {
        it.into_owned().into()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_slices_are() {
        let bytes: Vec<u8> = (0..100).collect();
        let text = Str::from(bytes.clone());
        for start in 0..bytes.len() {
            for end in start..=bytes.len() {
                let part = text.part(start..end);
                assert_eq!(*part, bytes[start..end]);
                let (from, to) = (part.len() / 4, part.len() / 2);
                assert_eq!(*part.part(from..to), bytes[start..end][from..to]);
            }
        }
        assert_eq!(size_of::<Str>(), 24);
    }

    #[test]
    fn what_nobody_looks_at_is_not_read() {
        let reads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = reads.clone();
        let text = Str::later(
            4,
            Box::new(move || {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                b"text".to_vec()
            }),
        );
        let copy = text.clone();
        assert_eq!(text.known_length(), 4);
        assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed), 0);
        assert_eq!(
            (&*text, &*copy.part(1..3)),
            (b"text".as_slice(), b"ex".as_slice())
        );
        assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
