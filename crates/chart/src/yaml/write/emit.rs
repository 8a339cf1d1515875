//! The emitter's state: columns, indentation, and how each style of scalar is written.

use super::scalar::{self, Style, Tabs};
use crate::go::runes;

pub(super) struct Emitter {
    out: Vec<u8>,
    /// Columns after which lines are folded.
    width: usize,
    tabs: Tabs,
    column: usize,
    indent: isize,
    whitespace: bool,
    indention: bool,
}

const STEP: isize = 2;

impl Emitter {
    pub(super) fn new(width: Option<usize>) -> Self {
        // The library that does not fold is the newer one, which keeps tabs.
        let tabs = if width.is_some() {
            Tabs::Escaped
        } else {
            Tabs::Kept
        };
        let width = width.unwrap_or(usize::MAX);
        Self {
            out: Vec::new(),
            width,
            tabs,
            column: 0,
            indent: -1,
            whitespace: true,
            indention: true,
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.indent = -1;
        self.write_indent();
        self.out
    }

    pub(super) fn is_indention(&self) -> bool {
        self.indention
    }

    /// Begins a block collection; gives the indentation to return to.
    pub(super) fn indent(&mut self, indentless: bool) -> isize {
        let outer = self.indent;
        if outer < 0 {
            self.indent = 0;
        } else if !indentless {
            self.indent += STEP;
        }
        outer
    }

    pub(super) fn set_indent(&mut self, indent: isize) {
        self.indent = indent;
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    fn rune(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.column += 1;
    }

    fn write_break(&mut self, bytes: &[u8]) {
        if bytes == b"\n" {
            self.put_break();
        } else {
            self.out.extend_from_slice(bytes);
            self.column = 0;
        }
    }

    pub(super) fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        if self.column < indent {
            let missing = indent - self.column;
            self.out.resize(self.out.len() + missing, b' ');
            self.column = indent;
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(
        &mut self,
        text: &[u8],
        need_whitespace: bool,
        is_whitespace: bool,
        is_indention: bool,
    ) {
        if need_whitespace && !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(text);
        self.column += text.len();
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// A scalar in the style that it can have, starting from the one that is wished.
    pub(super) fn scalar(&mut self, text: &[u8], style: Style, simple_key: bool) {
        let style = scalar::possible_style(text, style, simple_key, self.tabs);
        let outer = self.indent;
        self.indent = if outer < 0 { STEP } else { outer + STEP };
        let fold = !simple_key;
        match style {
            Style::Plain => self.plain(text, fold),
            Style::SingleQuoted => self.single_quoted(text, fold),
            Style::DoubleQuoted => self.double_quoted(text, fold),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    /// Whether a plain text of so many bytes stays within the columns.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.column.saturating_add(length) < self.width
    }

    /// A plain text that is ASCII and not folded.
    pub(super) fn word(&mut self, text: &[u8]) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(text);
        self.column += text.len();
        self.whitespace = false;
        self.indention = false;
    }

    fn may_fold(&self, allow: bool, spaces: bool) -> bool {
        allow && !spaces && self.column > self.width
    }

    fn plain(&mut self, text: &[u8], fold: bool) {
        if !self.whitespace {
            self.put(b' ');
        }
        let mut spaces = false;
        for (at, rune, width) in runes::runes(text) {
            if rune == ' ' {
                if self.may_fold(fold, spaces) && text.get(at + 1) != Some(&b' ') {
                    self.write_indent();
                } else {
                    self.put(b' ');
                }
                spaces = true;
            } else {
                self.rune(&text[at..at + width]);
                self.indention = false;
                spaces = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &[u8], fold: bool) {
        self.indicator(b"'", true, false, false);
        let (mut spaces, mut breaks) = (false, false);
        for (at, rune, width) in runes::runes(text) {
            let bytes = &text[at..at + width];
            if rune == ' ' {
                let inner = at > 0 && at < text.len() - 1;
                if self.may_fold(fold, spaces) && inner && text.get(at + 1) != Some(&b' ') {
                    self.write_indent();
                } else {
                    self.put(b' ');
                }
                spaces = true;
            } else if scalar::is_break(rune) {
                if !breaks && rune == '\n' {
                    self.put_break();
                }
                self.write_break(bytes);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if rune == '\'' {
                    self.put(b'\'');
                }
                self.rune(bytes);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        self.indicator(b"'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &[u8], fold: bool) {
        self.indicator(b"\"", true, false, false);
        let mut spaces = false;
        // The library takes every character of a text for a byte order mark when the first one is.
        let marked = text.starts_with("\u{FEFF}".as_bytes());
        for (at, rune, width) in runes::runes(text) {
            if marked || scalar::needs_escape(rune) {
                self.escape(rune);
                spaces = false;
            } else if rune == ' ' {
                if self.may_fold(fold, spaces) && at > 0 && at < text.len() - 1 {
                    self.write_indent();
                    if text.get(at + 1) == Some(&b' ') {
                        self.put(b'\\');
                    }
                } else {
                    self.put(b' ');
                }
                spaces = true;
            } else {
                self.rune(&text[at..at + width]);
                spaces = false;
            }
        }
        self.indicator(b"\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, rune: char) {
        let number = u32::from(rune);
        let text = match rune {
            '\0' => "\\0".to_owned(),
            '\u{07}' => "\\a".to_owned(),
            '\u{08}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{0B}' => "\\v".to_owned(),
            '\u{0C}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\u{1B}' => "\\e".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{85}' => "\\N".to_owned(),
            '\u{A0}' => "\\_".to_owned(),
            '\u{2028}' => "\\L".to_owned(),
            '\u{2029}' => "\\P".to_owned(),
            _ if number <= 0xFF => format!("\\x{number:02X}"),
            _ if number <= 0xFFFF => format!("\\u{number:04X}"),
            _ => format!("\\U{number:08X}"),
        };
        for byte in text.bytes() {
            self.put(byte);
        }
    }

    fn literal(&mut self, text: &[u8]) {
        self.indicator(b"|", true, false, false);
        self.block_hints(text);
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        let mut rest = text;
        while !rest.is_empty() {
            // Runs of printable ASCII go at once.
            let run = rest.iter().take_while(|it| matches!(it, b' '..=b'~')).count();
            if run > 0 {
                if breaks {
                    self.write_indent();
                }
                self.out.extend_from_slice(&rest[..run]);
                self.column += run;
                self.indention = false;
                breaks = false;
                rest = &rest[run..];
                continue;
            }
            let (rune, width) = runes::decode(rest).unwrap_or((runes::REPLACEMENT, 1));
            let (bytes, after) = rest.split_at(width);
            if scalar::is_break(rune) {
                self.write_break(bytes);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.rune(bytes);
                self.indention = false;
                breaks = false;
            }
            rest = after;
        }
    }

    fn block_hints(&mut self, text: &[u8]) {
        let first = runes::decode(text).map(|it| it.0);
        if first.is_some_and(|it| it == ' ' || scalar::is_break(it)) {
            self.indicator(b"2", false, false, false);
        }
        let (mut last, mut before) = (None, None);
        // Two runes are at most eight bytes; a beginning within a rune makes more of them, before these.
        for rune in runes::runes(&text[text.len().saturating_sub(16)..]) {
            (before, last) = (last, Some(rune.1));
        }
        match last {
            None => self.indicator(b"-", false, false, false),
            Some(rune) if !scalar::is_break(rune) => self.indicator(b"-", false, false, false),
            Some(_) => {
                if before.is_none_or(scalar::is_break) {
                    self.indicator(b"+", false, false, false);
                }
            }
        }
    }
}
