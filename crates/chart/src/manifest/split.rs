//! Documents of one file. The two Helms split and trim differently, which is visible in their output.

use crate::go::runes::{trim_end_space, trim_space, trim_start_space};
use crate::profile::Profile;

/// The documents that are not empty.
pub fn split(text: &[u8], profile: Profile) -> Vec<&[u8]> {
    match profile {
        Profile::Helm3 => split_helm3(trim_space(text)),
        Profile::Helm4 => split_helm4(trim_start_space(text)),
    }
}

/// At `^---[ \t]*` of any line, whatever follows on it.
fn split_helm4(text: &[u8]) -> Vec<&[u8]> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let put = |document: &[u8]| -> Option<(usize, usize)> {
        let trimmed = trim_start_space(document);
        (!trimmed.is_empty()).then_some((document.len() - trimmed.len(), document.len()))
    };
    loop {
        if text[at..].starts_with(b"---") {
            if let Some((from, to)) = put(&text[start..at]) {
                documents.push(&text[start + from..start + to]);
            }
            start = at + 3;
            while matches!(text.get(start), Some(b' ' | b'\t')) {
                start += 1;
            }
        }
        let from = at.max(start);
        match memchr::memchr(b'\n', &text[from..]) {
            Some(end) => at = from + end + 1,
            None => break,
        }
    }
    if let Some((from, to)) = put(&text[start..]) {
        documents.push(&text[start + from..start + to]);
    }
    documents
}

/// At `(?:^|\s*\n)---\s*`.
fn split_helm3(text: &[u8]) -> Vec<&[u8]> {
    let is_space = |it: Option<&u8>| matches!(it, Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0C));
    let mut documents: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let line_start = at == 0 || text[at - 1] == b'\n';
        if line_start && at >= start && text[at..].starts_with(b"---") {
            documents.push(&text[start..at]);
            start = at + 3;
            while is_space(text.get(start)) {
                start += 1;
            }
            // The white space after the mark is part of it, so a mark that follows at once is text.
            at = start;
            if text[at..].starts_with(b"---") {
                at += 3;
            }
            continue;
        }
        match memchr::memchr(b'\n', &text[at..]) {
            Some(end) => at += end + 1,
            None => break,
        }
    }
    documents.push(&text[start..]);
    documents
        .into_iter()
        .map(|it| trim_space(trim_end_space(it)))
        .filter(|it| !it.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_as_each_helm_does() {
        let text = b"\n---\na: 1\n\n---  # two\nb: 2\n---\n\n---\nc: 3\n";
        let split4 = split(text, Profile::Helm4);
        assert_eq!(split4, [b"a: 1\n\n".as_slice(), b"# two\nb: 2\n", b"c: 3\n"]);
        let split3 = split(text, Profile::Helm3);
        assert_eq!(split3[0], b"a: 1");
    }
}
