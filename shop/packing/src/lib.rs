//! Answers in fewer bytes: which coding a client takes, and content in it. It knows nothing of HTTP libraries.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes below which packing costs more than it saves: it all fits into one packet anyway.
pub const WORTH_BYTES: usize = 1024;
const BROTLI_WINDOW: u32 = 20;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

/// How long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Once, and then sent many times: nearly as small as it gets, in a few milliseconds.
    Once,
    /// For each answer: well below a millisecond for a page.
    EachTime,
}

impl Coding {
    /// The better one of those that `Accept-Encoding` names, such as `gzip, br;q=0.9`.
    pub fn of(accepts: &str) -> Option<Self> {
        [Self::Brotli, Self::Gzip]
            .into_iter()
            .find(|coding| names(accepts, coding.name()))
    }

    /// As in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The content in this coding.
    pub fn pack(self, content: &[u8], effort: Effort) -> Vec<u8> {
        match self {
            Self::Brotli => brotli(content, effort),
            Self::Gzip => gzip(content, effort),
        }
    }
}

/// Whether a type of content is text, which gets much smaller; pictures are packed already.
pub fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || matches!(
            kind,
            "application/json" | "application/problem+json" | "image/svg+xml"
        )
}

fn names(accepts: &str, coding: &str) -> bool {
    accepts.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn gzip(content: &[u8], effort: Effort) -> Vec<u8> {
    let level = match effort {
        Effort::Once => Compression::best(),
        Effort::EachTime => Compression::new(4),
    };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    // Writing into memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

fn brotli(content: &[u8], effort: Effort) -> Vec<u8> {
    // Of 11.
    let quality = match effort {
        Effort::Once => 9,
        Effort::EachTime => 4,
    };
    let mut packed = Vec::new();
    {
        let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, quality, BROTLI_WINDOW);
        let _ = encoder.write_all(content);
    }
    packed
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unpack(coding: Coding, packed: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        match coding {
            Coding::Brotli => brotli::Decompressor::new(packed, 4096).read_to_end(&mut content),
            Coding::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut content),
        }
        .unwrap();
        content
    }

    #[test]
    fn what_is_packed_can_be_unpacked_and_is_smaller() {
        let content = "<li>a product like many others</li>".repeat(200);
        for coding in [Coding::Brotli, Coding::Gzip] {
            for effort in [Effort::Once, Effort::EachTime] {
                let packed = coding.pack(content.as_bytes(), effort);
                assert!(packed.len() < content.len() / 5, "{coding:?} {effort:?}");
                assert_eq!(unpack(coding, &packed), content.as_bytes());
            }
        }
    }

    #[test]
    fn only_codings_that_are_wanted_are_used_and_the_better_one_first() {
        let cases = [
            ("gzip, deflate, br;q=0.9", Some(Coding::Brotli)),
            ("gzip, br;q=0", Some(Coding::Gzip)),
            ("GZIP", Some(Coding::Gzip)),
            ("brotli, identity", None),
            ("", None),
        ];
        for (accepts, coding) in cases {
            assert_eq!(Coding::of(accepts), coding, "{accepts}");
        }
        assert!(is_text("text/html; charset=utf-8") && is_text("application/json") && !is_text("image/png"));
    }
}
