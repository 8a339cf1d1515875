//! The scanner: libyaml's, as the Go library has it, with its tokens, its simple keys and its complaints.

mod scalar;
mod tag;

use std::collections::VecDeque;

use super::YamlError;
use crate::any::Str;

/// Flow collections within each other, and block collections, that the library accepts.
const NESTING_MAX: usize = 10_000;
/// Characters that a key may have before its colon.
const SIMPLE_KEY_MAX: usize = 1_024;

/// A position: lines and columns from 0, in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    StreamEnd,
    VersionDirective,
    TagDirective(Vec<u8>, Vec<u8>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Vec<u8>),
    Anchor(Vec<u8>),
    /// Handle and suffix.
    Tag(Vec<u8>, Vec<u8>),
    /// The text, and whether it was written without quotes or bars.
    Scalar(Str, Plain),
}

/// Whether a scalar was written plain: only those are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

pub(super) struct Scanner<'a> {
    buffer: &'a [u8],
    pos: usize,
    mark: Mark,
    tokens: VecDeque<(Token, Mark)>,
    parsed: usize,
    started: bool,
    ended: bool,
    indent: isize,
    indents: Vec<isize>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Tokens that may be keys and their places in `simple_keys`, in the order of the tokens.
    by_token: VecDeque<(usize, usize)>,
    /// The text of the scalar that is being read.
    scalar: Vec<u8>,
}

type Scan<T> = Result<T, YamlError>;

impl<'a> Scanner<'a> {
    /// `text` has been checked by the reader.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            buffer: text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text),
            pos: 0,
            mark: Mark::default(),
            tokens: VecDeque::new(),
            parsed: 0,
            started: false,
            ended: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            by_token: VecDeque::new(),
            scalar: Vec::new(),
        }
    }

    pub(super) fn peek(&mut self) -> Scan<&(Token, Mark)> {
        self.fetch_more()?;
        if self.tokens.is_empty() {
            self.tokens.push_back((Token::StreamEnd, self.mark));
        }
        Ok(&self.tokens[0])
    }

    pub(super) fn skip_token(&mut self) {
        if self.tokens.pop_front().is_some() {
            self.parsed += 1;
        }
    }

    pub(super) fn take(&mut self) -> Scan<(Token, Mark)> {
        self.fetch_more()?;
        match self.tokens.pop_front() {
            Some(it) => {
                self.parsed += 1;
                Ok(it)
            }
            None => Ok((Token::StreamEnd, self.mark)),
        }
    }

    /// A byte ahead; zero bytes are the end.
    #[inline]
    fn byte(&self, ahead: usize) -> u8 {
        self.buffer.get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn error<T>(&self, context: Mark, problem: &str) -> Scan<T> {
        Err(YamlError::scanner(problem, self.mark.line, context.line))
    }

    fn width(&self) -> usize {
        match self.byte(0) {
            0x00..=0x7F => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        }
    }

    fn skip(&mut self) {
        self.mark.index += 1;
        self.mark.column += 1;
        self.pos += self.width();
    }

    /// Moves the current character to `out`.
    fn read(&mut self, out: &mut Vec<u8>) {
        let width = self.width();
        let end = self.pos + width;
        out.extend_from_slice(self.buffer.get(self.pos..end).unwrap_or_default());
        self.mark.index += 1;
        self.mark.column += 1;
        self.pos = end;
    }

    /// Moves characters to `out` as long as they are ASCII and stand for themselves wherever they are in a scalar.
    fn read_run(&mut self, out: &mut Vec<u8>) {
        let rest = self.buffer.get(self.pos..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|it| STANDS_FOR_ITSELF[usize::from(**it)])
            .count();
        out.extend_from_slice(&rest[..length]);
        self.advance(length);
    }

    /// Moves ASCII characters to `out` as long as they do not end the line.
    fn read_line_run(&mut self, out: &mut Vec<u8>) {
        let rest = self.buffer.get(self.pos..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|it| matches!(it, b' '..=b'~' | b'\t'))
            .count();
        out.extend_from_slice(&rest[..length]);
        self.advance(length);
    }

    /// Goes over ASCII characters within a line.
    fn advance(&mut self, length: usize) {
        self.mark.index += length;
        self.mark.column += length;
        self.pos += length;
    }

    fn is_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0
    }

    /// The width of a line break at `ahead`; 0 when there is none.
    fn break_width(&self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'\r' if self.byte(ahead + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xC2 if self.byte(ahead + 1) == 0x85 => 2,
            0xE2 if self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    fn is_break(&self, ahead: usize) -> bool {
        self.break_width(ahead) > 0
    }

    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    fn is_breakz(&self, ahead: usize) -> bool {
        self.is_end(ahead) || self.is_break(ahead)
    }

    fn is_blankz(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_breakz(ahead)
    }

    fn skip_line(&mut self) {
        let width = self.break_width(0);
        if width > 0 {
            self.mark.index += if self.byte(0) == b'\r' && width == 2 { 2 } else { 1 };
            self.mark.column = 0;
            self.mark.line += 1;
            self.pos += width;
        }
    }

    /// Moves a line break to `out`, as a new line unless it is one of Unicode's separators.
    fn read_line(&mut self, out: &mut Vec<u8>) {
        let width = self.break_width(0);
        if width == 3 {
            out.extend_from_slice(&self.buffer[self.pos..self.pos + 3]);
        } else if width > 0 {
            out.push(b'\n');
        }
        self.skip_line();
    }

    fn fetch_more(&mut self) -> Scan<()> {
        loop {
            if !self.tokens.is_empty() {
                let Some(at) = self.key_of_token(self.parsed) else {
                    return Ok(());
                };
                if !self.simple_key_is_valid(at)? {
                    return Ok(());
                }
            }
            if self.ended {
                return Ok(());
            }
            self.fetch_next()?;
        }
    }

    fn key_of_token(&self, number: usize) -> Option<usize> {
        let place = self.by_token.binary_search_by_key(&number, |it| it.0).ok()?;
        Some(self.by_token[place].1)
    }

    fn forget_token(&mut self, number: usize) {
        if let Ok(place) = self.by_token.binary_search_by_key(&number, |it| it.0) {
            self.by_token.remove(place);
        }
    }

    /// Tokens come in order, so that the last one is the highest.
    fn remember_token(&mut self, number: usize, key: usize) {
        while self.by_token.front().is_some_and(|it| it.0 < self.parsed) {
            self.by_token.pop_front();
        }
        match self.by_token.back_mut() {
            Some(last) if last.0 == number => last.1 = key,
            _ => self.by_token.push_back((number, key)),
        }
    }

    /// Puts a token before the one with this number. When that has been taken already, the library puts it at the end.
    fn insert(&mut self, number: usize, token: Token, mark: Mark) {
        match number.checked_sub(self.parsed) {
            Some(place) if place <= self.tokens.len() => self.tokens.insert(place, (token, mark)),
            _ => self.push(token, mark),
        }
    }

    fn push(&mut self, token: Token, mark: Mark) {
        self.tokens.push_back((token, mark));
    }

    fn fetch_next(&mut self) -> Scan<()> {
        if !self.started {
            self.started = true;
        }
        self.scan_to_next_token();
        self.unroll_indent(isize::try_from(self.mark.column).unwrap_or(isize::MAX));
        if self.is_end(0) {
            return self.fetch_stream_end();
        }
        let first = self.byte(0);
        if self.mark.column == 0 {
            if first == b'%' {
                return self.fetch_directive();
            }
            let three = [first, self.byte(1), self.byte(2)];
            if three == *b"---" && self.is_blankz(3) {
                return self.fetch_document_indicator(Token::DocumentStart);
            }
            if three == *b"..." && self.is_blankz(3) {
                return self.fetch_document_indicator(Token::DocumentEnd);
            }
        }
        let in_flow = self.flow_level > 0;
        match first {
            b'[' => self.fetch_flow_start(Token::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Token::FlowMappingStart),
            b']' => self.fetch_flow_end(Token::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Token::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.indicator(Token::FlowEntry);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.is_blankz(1) => self.fetch_key(),
            b':' if in_flow || self.is_blankz(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(first == b'*'),
            b'!' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_tag()
            }
            b'|' | b'>' if !in_flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.scan_block_scalar(first == b'|')
            }
            b'\'' | b'"' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_flow_scalar(first == b'\'')
            }
            _ if self.starts_plain(first, in_flow) => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_plain_scalar()
            }
            _ => self.error(self.mark, "found character that cannot start any token"),
        }
    }

    fn starts_plain(&self, first: u8, in_flow: bool) -> bool {
        let indicator = self.is_blankz(0)
            || matches!(
                first,
                b'-' | b'?'
                    | b':'
                    | b','
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'#'
                    | b'&'
                    | b'*'
                    | b'!'
                    | b'|'
                    | b'>'
                    | b'\''
                    | b'"'
                    | b'%'
                    | b'@'
                    | b'`'
            );
        !indicator
            || first == b'-' && !self.is_blank(1)
            || !in_flow && matches!(first, b'?' | b':') && !self.is_blankz(1)
    }

    fn indicator(&mut self, token: Token) {
        let mark = self.mark;
        self.skip();
        self.push(token, mark);
    }

    fn simple_key_is_valid(&mut self, at: usize) -> Scan<bool> {
        let key = self.simple_keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + SIMPLE_KEY_MAX < self.mark.index {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        let required = self.flow_level == 0 && usize::try_from(self.indent) == Ok(self.mark.column);
        if self.simple_key_allowed {
            let token_number = self.parsed + self.tokens.len();
            self.remove_simple_key()?;
            let last = self.simple_keys.len() - 1;
            self.simple_keys[last] = SimpleKey {
                possible: true,
                required,
                token_number,
                mark: self.mark,
            };
            self.remember_token(token_number, last);
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let last = self.simple_keys.len() - 1;
        let key = self.simple_keys[last];
        if key.possible {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[last].possible = false;
            self.forget_token(key.token_number);
        }
        Ok(())
    }

    fn roll_indent(&mut self, column: usize, number: Option<usize>, token: Token, mark: Mark) -> Scan<()> {
        let column = isize::try_from(column).unwrap_or(isize::MAX);
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > NESTING_MAX {
            return self.error(mark, &format!("exceeded max depth of {NESTING_MAX}"));
        }
        match number {
            Some(number) => self.insert(number, token, mark),
            None => self.push(token, mark),
        }
        Ok(())
    }

    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Token::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_stream_end(&mut self) -> Scan<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(Token::StreamEnd, self.mark);
        self.ended = true;
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_directive()
    }

    fn fetch_document_indicator(&mut self, token: Token) -> Scan<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let mark = self.mark;
        self.skip();
        self.skip();
        self.skip();
        self.push(token, mark);
        Ok(())
    }

    fn fetch_flow_start(&mut self, token: Token) -> Scan<()> {
        self.save_simple_key()?;
        let token_number = self.parsed + self.tokens.len();
        self.simple_keys.push(SimpleKey {
            token_number,
            mark: self.mark,
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        if self.flow_level > NESTING_MAX {
            return self.error(self.mark, &format!("exceeded max depth of {NESTING_MAX}"));
        }
        self.simple_key_allowed = true;
        self.indicator(token);
        Ok(())
    }

    fn fetch_flow_end(&mut self, token: Token) -> Scan<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_token(key.token_number);
            }
        }
        self.simple_key_allowed = false;
        self.indicator(token);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(
                    self.mark,
                    "block sequence entries are not allowed in this context",
                );
            }
            self.roll_indent(self.mark.column, None, Token::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.indicator(Token::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(self.mark, "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, Token::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.indicator(Token::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scan<()> {
        let last = self.simple_keys.len() - 1;
        if self.simple_key_is_valid(last)? {
            let key = self.simple_keys[last];
            self.insert(key.token_number, Token::Key, key.mark);
            self.roll_indent(
                key.mark.column,
                Some(key.token_number),
                Token::BlockMappingStart,
                key.mark,
            )?;
            self.simple_keys[last].possible = false;
            self.forget_token(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.error(self.mark, "mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark.column, None, Token::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.indicator(Token::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let mut name = Vec::new();
        while is_alpha(self.byte(0)) {
            self.read(&mut name);
        }
        let follows = matches!(
            self.byte(0),
            b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
        );
        if name.is_empty() || !(self.is_blankz(0) || follows) {
            return self.error(start, "did not find expected alphabetic or numeric character");
        }
        self.push(
            if alias {
                Token::Alias(name)
            } else {
                Token::Anchor(name)
            },
            start,
        );
        Ok(())
    }

    fn scan_to_next_token(&mut self) {
        loop {
            if self.mark.column == 0 && self.starts_with_mark() {
                self.skip();
            }
            while self.byte(0) == b' '
                || (self.flow_level > 0 || !self.simple_key_allowed) && self.byte(0) == b'\t'
            {
                self.skip();
            }
            self.skip_comment();
            if !self.is_break(0) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn starts_with_mark(&self) -> bool {
        self.byte(0) == 0xEF && self.byte(1) == 0xBB && self.byte(2) == 0xBF
    }

    fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            let rest = self.buffer.get(self.pos..).unwrap_or_default();
            let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
            if line.is_ascii() {
                self.advance(line.len());
                return;
            }
            while !self.is_breakz(0) {
                let rest = self.buffer.get(self.pos..).unwrap_or_default();
                let length = rest
                    .iter()
                    .take_while(|it| matches!(it, b' '..=b'~' | b'\t'))
                    .count();
                if length == 0 {
                    self.skip();
                }
                self.advance(length);
            }
        }
    }
}

/// Characters that neither end nor change a plain or quoted scalar, whatever stands beside them.
const STANDS_FOR_ITSELF: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(
            byte,
            b'"' | b'\'' | b'\\' | b':' | b'#' | b',' | b'?' | b'[' | b']' | b'{' | b'}'
        );
        byte += 1;
    }
    table
};

fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
