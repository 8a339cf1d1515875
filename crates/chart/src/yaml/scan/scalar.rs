//! Scalars: block, quoted, plain.

use super::{Mark, Plain, Scan, Scanner, Token};
use crate::go::runes;

impl Scanner<'_> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Scan<()> {
        let start = self.mark;
        self.skip();
        let (chomping, increment) = self.block_header(start)?;
        self.skip_blanks();
        self.skip_comment();
        if !self.is_breakz(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        self.skip_line();
        let parent = usize::try_from(self.indent).unwrap_or(0);
        let mut indent = if increment > 0 { parent + increment } else { 0 };
        let mut text = self.buffer();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        self.block_breaks(&mut indent, &mut trailing_breaks, start)?;
        let mut leading_blank = false;
        while self.mark.column == indent && !self.is_end(0) {
            let trailing_blank = self.is_blank(0);
            if !literal && !leading_blank && !trailing_blank && leading_break.first() == Some(&b'\n') {
                if trailing_breaks.is_empty() {
                    text.push(b' ');
                }
            } else {
                text.extend_from_slice(&leading_break);
            }
            leading_break.clear();
            text.append(&mut trailing_breaks);
            leading_blank = self.is_blank(0);
            loop {
                self.read_line_run(&mut text);
                if self.is_breakz(0) {
                    break;
                }
                self.read(&mut text);
            }
            self.read_line(&mut leading_break);
            self.block_breaks(&mut indent, &mut trailing_breaks, start)?;
        }
        if chomping != Some(b'-') {
            text.extend_from_slice(&leading_break);
        }
        if chomping == Some(b'+') {
            text.extend_from_slice(&trailing_breaks);
        }
        self.push_scalar(text, Plain::No, start);
        Ok(())
    }

    /// A scalar whose text was gathered in the scanner's buffer, which it gives back.
    fn push_scalar(&mut self, text: Vec<u8>, plain: Plain, start: Mark) {
        self.push(Token::Scalar(text.as_slice().into(), plain), start);
        self.scalar = text;
    }

    fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.scalar);
        buffer.clear();
        buffer
    }

    fn block_header(&mut self, start: Mark) -> Scan<(Option<u8>, usize)> {
        let mut chomping = None;
        let mut increment = 0;
        for _ in 0..2 {
            match self.byte(0) {
                sign @ (b'+' | b'-') if chomping.is_none() => {
                    chomping = Some(sign);
                    self.skip();
                }
                b'0' if increment == 0 => {
                    return self.error(start, "found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = usize::from(digit - b'0');
                    self.skip();
                }
                _ => break,
            }
        }
        Ok((chomping, increment))
    }

    fn block_breaks(&mut self, indent: &mut usize, breaks: &mut Vec<u8>, start: Mark) -> Scan<()> {
        let mut most = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b' ' {
                self.skip();
            }
            most = most.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b'\t' {
                return self.error(
                    start,
                    "found a tab character where an indentation space is expected",
                );
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
        }
        if *indent == 0 {
            let least = usize::try_from(self.indent + 1).unwrap_or(0);
            *indent = most.max(least).max(1);
        }
        Ok(())
    }

    fn at_document_indicator(&self) -> bool {
        let three = [self.byte(0), self.byte(1), self.byte(2)];
        self.mark.column == 0 && (three == *b"---" || three == *b"...") && self.is_blankz(3)
    }

    pub(super) fn scan_flow_scalar(&mut self, single: bool) -> Scan<()> {
        let start = self.mark;
        let mark = if single { b'\'' } else { b'"' };
        self.skip();
        let mut text = self.buffer();
        loop {
            if self.at_document_indicator() {
                return self.error(start, "found unexpected document indicator");
            }
            if self.is_end(0) {
                return self.error(start, "found unexpected end of stream");
            }
            let mut leading_blanks = false;
            while !self.is_blankz(0) {
                if single && self.byte(0) == b'\'' && self.byte(1) == b'\'' {
                    text.push(b'\'');
                    self.skip();
                    self.skip();
                } else if self.byte(0) == mark {
                    break;
                } else if !single && self.byte(0) == b'\\' && self.is_break(1) {
                    self.skip();
                    self.skip_line();
                    leading_blanks = true;
                    break;
                } else if !single && self.byte(0) == b'\\' {
                    self.escape(start, &mut text)?;
                } else {
                    self.read(&mut text);
                    self.read_run(&mut text);
                }
            }
            if self.byte(0) == mark {
                break;
            }
            self.flow_blanks(leading_blanks, &mut text);
        }
        self.skip();
        self.push_scalar(text, Plain::No, start);
        Ok(())
    }

    /// White space within a quoted scalar: folded when it breaks the line.
    fn flow_blanks(&mut self, mut leading_blanks: bool, text: &mut Vec<u8>) {
        let mut whitespaces = Vec::new();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        while self.is_blank(0) || self.is_break(0) {
            if self.is_blank(0) {
                if leading_blanks {
                    self.skip();
                } else {
                    self.read(&mut whitespaces);
                }
            } else if leading_blanks {
                self.read_line(&mut trailing_breaks);
            } else {
                whitespaces.clear();
                self.read_line(&mut leading_break);
                leading_blanks = true;
            }
        }
        if leading_blanks {
            fold(&leading_break, &trailing_breaks, text);
        } else {
            text.extend_from_slice(&whitespaces);
        }
    }

    fn escape(&mut self, start: Mark, text: &mut Vec<u8>) -> Scan<()> {
        let simple: &[u8] = match self.byte(1) {
            b'0' => b"\0",
            b'a' => b"\x07",
            b'b' => b"\x08",
            b't' | b'\t' => b"\t",
            b'n' => b"\n",
            b'v' => b"\x0B",
            b'f' => b"\x0C",
            b'r' => b"\r",
            b'e' => b"\x1B",
            b' ' => b" ",
            b'"' => b"\"",
            b'\'' => b"'",
            b'\\' => b"\\",
            b'N' => "\u{85}".as_bytes(),
            b'_' => "\u{A0}".as_bytes(),
            b'L' => "\u{2028}".as_bytes(),
            b'P' => "\u{2029}".as_bytes(),
            b'x' => return self.hex_escape(2, start, text),
            b'u' => return self.hex_escape(4, start, text),
            b'U' => return self.hex_escape(8, start, text),
            _ => return self.error(start, "found unknown escape character"),
        };
        text.extend_from_slice(simple);
        self.skip();
        self.skip();
        Ok(())
    }

    fn hex_escape(&mut self, length: usize, start: Mark, text: &mut Vec<u8>) -> Scan<()> {
        self.skip();
        self.skip();
        let digits = self
            .buffer
            .get(self.pos..self.pos + length)
            .filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let value = digits
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u32::from_str_radix(it, 16).ok());
        let Some(value) = value else {
            return self.error(start, "did not find expected hexdecimal number");
        };
        let Some(rune) = char::from_u32(value) else {
            return self.error(start, "found invalid Unicode character escape code");
        };
        runes::push(text, rune);
        for _ in 0..length {
            self.skip();
        }
        Ok(())
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Scan<()> {
        let start = self.mark;
        let indent = usize::try_from(self.indent + 1).unwrap_or(0);
        let mut text = self.buffer();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        let mut whitespaces = Vec::new();
        let mut leading_blanks = false;
        loop {
            if self.at_document_indicator() || self.byte(0) == b'#' {
                break;
            }
            while !self.is_blankz(0) {
                let first = self.byte(0);
                if first == b':' && self.is_blankz(1)
                    || self.flow_level > 0 && matches!(first, b',' | b'?' | b'[' | b']' | b'{' | b'}')
                {
                    break;
                }
                if leading_blanks {
                    fold(&leading_break, &trailing_breaks, &mut text);
                    trailing_breaks.clear();
                    leading_break.clear();
                    leading_blanks = false;
                } else {
                    text.append(&mut whitespaces);
                }
                self.read(&mut text);
                self.read_run(&mut text);
            }
            if !(self.is_blank(0) || self.is_break(0)) {
                break;
            }
            while self.is_blank(0) || self.is_break(0) {
                if self.is_blank(0) {
                    if leading_blanks && self.mark.column < indent && self.byte(0) == b'\t' {
                        return self.error(start, "found a tab character that violates indentation");
                    }
                    if leading_blanks {
                        self.skip();
                    } else {
                        self.read(&mut whitespaces);
                    }
                } else if leading_blanks {
                    self.read_line(&mut trailing_breaks);
                } else {
                    whitespaces.clear();
                    self.read_line(&mut leading_break);
                    leading_blanks = true;
                }
            }
            if self.flow_level == 0 && self.mark.column < indent {
                break;
            }
        }
        self.push_scalar(text, Plain::Yes, start);
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(())
    }
}

fn fold(leading_break: &[u8], trailing_breaks: &[u8], text: &mut Vec<u8>) {
    if leading_break.first() == Some(&b'\n') {
        if trailing_breaks.is_empty() {
            text.push(b' ');
        } else {
            text.extend_from_slice(trailing_breaks);
        }
    } else {
        text.extend_from_slice(leading_break);
        text.extend_from_slice(trailing_breaks);
    }
}
