//! Go source as words, with the semicolons that Go puts at line ends.

use std::rc::Rc;

/// One word of Go.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Float(f64),
    Text(Rc<[u8]>),
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: &[&str] = &[
    "<<=", ">>=", "...", "&&=", "||=", "&^=", ":=", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=",
    "-=", "*=", "/=", "|=", "&=", "<-", "<<", ">>", "&^", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".",
    "=", "+", "-", "*", "/", "%", "<", ">", "!", "&", "|", "^", "~",
];

/// Every word of `text` with the line that it is on.
pub(super) fn words(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut lexer = Lexer {
        text: text.as_bytes(),
        at: 0,
        line: 1,
        found: Vec::new(),
    };
    while lexer.one()? {}
    lexer.end_line();
    let line = lexer.line;
    lexer.found.push((Token::End, line));
    Ok(lexer.found)
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    found: Vec<(Token, usize)>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, token: Token) {
        self.found.push((token, self.line));
    }

    /// A line that can end a statement does.
    fn end_line(&mut self) {
        let ends = match self.found.last().map(|it| &it.0) {
            Some(Token::Name(name)) => {
                !is_keyword(name) || matches!(name.as_str(), "break" | "continue" | "return")
            }
            Some(Token::Int(_) | Token::Float(_) | Token::Text(_)) => true,
            Some(Token::Sign(sign)) => matches!(*sign, ")" | "]" | "}" | "++" | "--"),
            Some(Token::End) | None => false,
        };
        if ends {
            self.push(Token::Sign(";"));
        }
    }

    fn one(&mut self) -> Result<bool, String> {
        match self.peek(0) {
            0 => return Ok(false),
            b'\n' => {
                self.end_line();
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.peek(1) == b'/' => {
                while !matches!(self.peek(0), b'\n' | 0) {
                    self.at += 1;
                }
            }
            b'/' if self.peek(1) == b'*' => {
                while !(self.peek(0) == b'*' && self.peek(1) == b'/') && self.at < self.text.len() {
                    self.line += usize::from(self.peek(0) == b'\n');
                    self.at += 1;
                }
                self.at += 2;
            }
            b'`' => self.raw(),
            b'"' => {
                let text = self.quoted(b'"')?;
                self.push(Token::Text(text.into()));
            }
            b'\'' => {
                let text = self.quoted(b'\'')?;
                let rune = String::from_utf8_lossy(&text).chars().next().map_or(0, u32::from);
                self.push(Token::Int(i64::from(rune)));
            }
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            first if first.is_ascii_alphabetic() || first == b'_' || first >= 0x80 => self.name(),
            _ => self.sign()?,
        }
        Ok(true)
    }

    fn raw(&mut self) {
        let start = self.at + 1;
        let length = self.text[start..].iter().position(|it| *it == b'`').unwrap_or(0);
        let text: Vec<u8> = self.text[start..start + length]
            .iter()
            .copied()
            .filter(|it| *it != b'\r')
            .collect();
        let lines = text.split(|it| *it == b'\n').count() - 1;
        self.push(Token::Text(text.into()));
        self.line += lines;
        self.at = start + length + 1;
    }

    fn quoted(&mut self, end: u8) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        self.at += 1;
        loop {
            let byte = self.peek(0);
            self.at += 1;
            match byte {
                0 | b'\n' => return Err(format!("line {}: a text without end", self.line)),
                b'\\' => self.escape(&mut out)?,
                byte if byte == end => return Ok(out),
                byte => out.push(byte),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let byte = self.peek(0);
        self.at += 1;
        let simple = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'\\' | b'"' | b'\'' => byte,
            b'x' => {
                let code = self.digits(2, 16)?;
                u8::try_from(code).unwrap_or(0)
            }
            b'0'..=b'7' => {
                self.at -= 1;
                let code = self.digits(3, 8)?;
                u8::try_from(code).unwrap_or(0)
            }
            b'u' | b'U' => {
                let code = self.digits(if byte == b'u' { 4 } else { 8 }, 16)?;
                let rune = char::from_u32(code).unwrap_or('\u{FFFD}');
                out.extend_from_slice(rune.to_string().as_bytes());
                return Ok(());
            }
            other => {
                return Err(format!(
                    "line {}: unknown escape \\{}",
                    self.line,
                    char::from(other)
                ));
            }
        };
        out.push(simple);
        Ok(())
    }

    fn digits(&mut self, count: usize, base: u32) -> Result<u32, String> {
        let end = (self.at + count).min(self.text.len());
        let text = String::from_utf8_lossy(&self.text[self.at..end]).into_owned();
        self.at = end;
        u32::from_str_radix(&text, base).map_err(|it| format!("line {}: {it}", self.line))
    }

    fn number(&mut self) -> Result<(), String> {
        let start = self.at;
        let hexadecimal = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X' | b'b' | b'o');
        loop {
            let byte = self.peek(0);
            let exponent = !hexadecimal && matches!(byte, b'e' | b'E') && matches!(self.peek(1), b'+' | b'-');
            if exponent {
                self.at += 2;
            } else if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') {
                self.at += 1;
            } else {
                break;
            }
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]).replace('_', "");
        let whole = match text.get(..2) {
            Some("0x" | "0X") => i64::from_str_radix(&text[2..], 16).ok(),
            Some("0b") => i64::from_str_radix(&text[2..], 2).ok(),
            Some("0o") => i64::from_str_radix(&text[2..], 8).ok(),
            _ if text.len() > 1 && text.starts_with('0') => i64::from_str_radix(&text[1..], 8).ok(),
            _ => text.parse().ok(),
        };
        match (whole, text.parse()) {
            (Some(it), _) => self.push(Token::Int(it)),
            (None, Ok(it)) => self.push(Token::Float(it)),
            _ => return Err(format!("line {}: {text} is no number", self.line)),
        }
        Ok(())
    }

    fn name(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' || self.peek(0) >= 0x80 {
            self.at += 1;
        }
        let name = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        self.push(Token::Name(name));
    }

    fn sign(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        let found = SIGNS.iter().find(|it| rest.starts_with(it.as_bytes()));
        let sign = found
            .ok_or_else(|| format!("line {}: {:?} is not understood", self.line, char::from(rest[0])))?;
        self.push(Token::Sign(sign));
        self.at += sign.len();
        Ok(())
    }
}

pub(super) fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "break"
            | "case"
            | "chan"
            | "const"
            | "continue"
            | "default"
            | "defer"
            | "else"
            | "fallthrough"
            | "for"
            | "func"
            | "go"
            | "goto"
            | "if"
            | "import"
            | "interface"
            | "map"
            | "package"
            | "range"
            | "return"
            | "select"
            | "struct"
            | "switch"
            | "type"
            | "var"
    )
}
