//! Go's template lexer: text, actions, trim markers, comments.

use crate::go::runes;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    pub(crate) fn is_keyword(self) -> bool {
        self as u8 >= Self::Block as u8
    }
}

/// A token and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The lexer. After an error or the end it gives `Eof` for ever.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a [u8],
    pos: usize,
    start: usize,
    paren_depth: usize,
    inside_action: bool,
    /// What the token `Error` says; nothing but `Eof` comes after it.
    failure: Option<String>,
}

/// The length of `{{` and of `}}`.
const DELIM: usize = 2;

fn at_left(text: &[u8]) -> bool {
    matches!(text, [b'{', b'{', ..])
}

fn at_right(text: &[u8]) -> bool {
    matches!(text, [b'}', b'}', ..])
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            paren_depth: 0,
            inside_action: false,
            failure: None,
        }
    }

    pub(crate) fn next_item(&mut self) -> Item {
        if self.failure.is_some() {
            return Item {
                kind: Kind::Eof,
                start: self.start,
                end: self.start,
            };
        }
        if self.inside_action {
            self.inside()
        } else {
            self.text()
        }
    }

    /// Where the next token of an action begins; `None` outside of actions, within parentheses and after an error.
    pub(crate) fn place(&self) -> Option<usize> {
        (self.inside_action && self.paren_depth == 0 && self.failure.is_none()).then_some(self.pos)
    }

    /// Goes on at a place further on in the same action.
    pub(crate) fn go_to(&mut self, place: usize) {
        self.pos = place;
        self.ignore();
    }

    /// Goes on after the end of the action, whose `}}` is at `place`.
    pub(crate) fn close(&mut self, place: usize, trim: bool) -> Item {
        self.go_to(place);
        self.pos += DELIM;
        let item = self.item(Kind::RightDelim);
        if trim {
            let rest = self.rest();
            self.pos += rest.len() - trim_start(rest).len();
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    /// The line that a token is on, from 1.
    pub(crate) fn line(&self, item: &Item) -> usize {
        1 + memchr::memchr_iter(b'\n', &self.input[..item.start]).count()
    }

    /// What the token `Error` says.
    pub(crate) fn failure(&self) -> &str {
        self.failure.as_deref().unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        runes::decode(self.rest()).map(|it| it.0)
    }

    fn next(&mut self) -> Option<char> {
        let (rune, width) = runes::decode(self.rest())?;
        self.pos += width;
        Some(rune)
    }

    fn item(&mut self, kind: Kind) -> Item {
        let item = Item {
            kind,
            start: self.start,
            end: self.pos,
        };
        self.start = self.pos;
        item
    }

    fn error(&mut self, message: String) -> Item {
        self.failure = Some(message);
        Item {
            kind: Kind::Error,
            start: self.start,
            end: self.pos,
        }
    }

    fn ignore(&mut self) {
        self.start = self.pos;
    }

    fn text(&mut self) -> Item {
        loop {
            let Some(found) = left_delim(self.rest()) else {
                self.pos = self.input.len();
                if self.pos > self.start {
                    return self.item(Kind::Text);
                }
                return self.item(Kind::Eof);
            };
            if found > 0 {
                self.pos += found;
                let trim = if has_left_trim_marker(&self.input[self.pos + DELIM..]) {
                    let text = &self.input[self.start..self.pos];
                    text.len() - trim_end(text).len()
                } else {
                    0
                };
                self.pos -= trim;
                let item = self.item(Kind::Text);
                self.pos += trim;
                self.ignore();
                if item.end > item.start {
                    return item;
                }
            }
            if let Some(item) = self.left_delim() {
                return item;
            }
        }
    }

    /// At `{{`: its token, or `None` after a comment.
    fn left_delim(&mut self) -> Option<Item> {
        self.pos += DELIM;
        let after_marker = if has_left_trim_marker(self.rest()) { 2 } else { 0 };
        if self.input[self.pos + after_marker..].starts_with(b"/*") {
            self.pos += after_marker;
            self.ignore();
            return self.comment();
        }
        let item = self.item(Kind::LeftDelim);
        self.inside_action = true;
        self.pos += after_marker;
        self.ignore();
        self.paren_depth = 0;
        Some(item)
    }

    fn comment(&mut self) -> Option<Item> {
        self.pos += 2;
        let Some(end) = runes::find(self.rest(), b"*/") else {
            return Some(self.error("unclosed comment".to_owned()));
        };
        self.pos += end + 2;
        let Some(trim) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter".to_owned()));
        };
        self.pos += DELIM;
        if trim {
            self.pos += 2;
            let rest = self.rest();
            self.pos += rest.len() - trim_start(rest).len();
        }
        self.ignore();
        None
    }

    /// Whether a right delimiter is next, and if so whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim_marker(rest) && at_right(&rest[2..]) {
            Some(true)
        } else if at_right(rest) {
            Some(false)
        } else {
            None
        }
    }

    fn right_delim(&mut self, trim: bool) -> Item {
        self.close(self.pos + if trim { 2 } else { 0 }, trim)
    }

    fn inside(&mut self) -> Item {
        if let Some(trim) = self.at_right_delim() {
            if self.paren_depth == 0 {
                return self.right_delim(trim);
            }
            return self.error("unclosed left paren".to_owned());
        }
        let Some(rune) = self.next() else {
            return self.error("unclosed action".to_owned());
        };
        match rune {
            ' ' | '\t' | '\r' | '\n' => {
                self.back(rune);
                self.space()
            }
            '=' => self.item(Kind::Assign),
            ':' => {
                if self.next() == Some('=') {
                    self.item(Kind::Declare)
                } else {
                    self.error("expected :=".to_owned())
                }
            }
            '|' => self.item(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '$' => {
                if self.at_terminator() {
                    self.item(Kind::Variable)
                } else {
                    self.field_or_variable(Kind::Variable)
                }
            }
            '.' if !self.rest().is_empty() && !self.rest()[0].is_ascii_digit() => {
                if self.at_terminator() {
                    self.item(Kind::Dot)
                } else {
                    self.field_or_variable(Kind::Field)
                }
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos -= 1;
                self.number()
            }
            '(' => {
                self.paren_depth += 1;
                self.item(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren".to_owned()),
            ')' => {
                self.paren_depth -= 1;
                self.item(Kind::RightParen)
            }
            _ if is_alphanumeric(rune) => self.identifier(),
            _ if rune.is_ascii_graphic() => self.item(Kind::Char),
            _ => self.error(format!("unrecognized character in action: {}", code_point(rune))),
        }
    }

    fn back(&mut self, rune: char) {
        self.pos -= rune.len_utf8();
    }

    fn space(&mut self) -> Item {
        let mut count = 0;
        let mut last = ' ';
        while let Some(rune) = self.peek() {
            if !is_space(rune) {
                break;
            }
            self.next();
            last = rune;
            count += 1;
        }
        let tail = &self.input[self.pos - 1..];
        if has_right_trim_marker(tail) && at_right(&tail[2..]) {
            self.back(last);
            if count == 1 {
                return self.right_delim(true);
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Item {
        self.skip_name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match &self.input[self.start..self.pos] {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.item(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Item {
        self.skip_name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.item(kind)
    }

    /// Letters, digits and underscores; none of them ends a line.
    fn skip_name(&mut self) {
        loop {
            match self.input.get(self.pos) {
                Some(b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9') => self.pos += 1,
                Some(0x80..) if self.peek().is_some_and(is_alphanumeric) => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    fn bad_character(&mut self) -> Item {
        let rune = self.peek().unwrap_or(runes::REPLACEMENT);
        self.error(format!("bad character {}", code_point(rune)))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => at_right(self.rest()),
        }
    }

    fn quoted(&mut self, mark: u8, kind: Kind, complaint: &str) -> Item {
        let mut escaped = false;
        while let Some(byte) = self.input.get(self.pos).copied() {
            if byte == b'\n' {
                break;
            }
            self.pos += 1;
            if byte == mark && !escaped {
                return self.item(kind);
            }
            escaped = byte == b'\\' && !escaped;
        }
        self.error(complaint.to_owned())
    }

    fn raw_string(&mut self) -> Item {
        let end = memchr::memchr(b'`', self.rest());
        let length = end.map_or(self.rest().len(), |it| it + 1);
        self.pos += length;
        if end.is_none() {
            return self.error("unterminated raw quoted string".to_owned());
        }
        self.item(Kind::RawString)
    }

    fn number(&mut self) -> Item {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.input[self.pos - 1] != b'i' {
                return self.bad_number();
            }
            return self.item(Kind::Complex);
        }
        self.item(Kind::Number)
    }

    fn bad_number(&mut self) -> Item {
        let text = crate::go::quote::quoted(&self.input[self.start..self.pos]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|it| valid.contains(it));
        if found {
            self.pos += 1;
        }
        found
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        while self.accept(digits) {}
        if self.accept(b".") {
            while self.accept(digits) {}
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            while self.accept(b"0123456789_") {}
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// Where the next action begins.
fn left_delim(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|it| at_left(&text[*it..]))
}

fn is_space(rune: char) -> bool {
    matches!(rune, ' ' | '\t' | '\r' | '\n')
}

fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(rune: char) -> bool {
    if rune.is_ascii() {
        rune == '_' || rune.is_ascii_alphanumeric()
    } else {
        runes::is_letter(rune) || runes::is_digit(rune)
    }
}

fn has_left_trim_marker(text: &[u8]) -> bool {
    text.len() >= 2 && text[0] == b'-' && is_space_byte(text[1])
}

fn has_right_trim_marker(text: &[u8]) -> bool {
    text.len() >= 2 && is_space_byte(text[0]) && text[1] == b'-'
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|it| !is_space_byte(*it))
        .map_or(0, |it| it + 1);
    &text[..end]
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text
        .iter()
        .position(|it| !is_space_byte(*it))
        .unwrap_or(text.len());
    &text[start..]
}

/// Go's `%#U`.
fn code_point(rune: char) -> String {
    let number = u32::from(rune);
    if runes::is_print(rune) {
        format!("U+{number:04X} '{rune}'")
    } else {
        format!("U+{number:04X}")
    }
}
