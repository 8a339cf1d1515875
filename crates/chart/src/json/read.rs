//! The reader, with Go's complaints.

use crate::any::{Any, Entries, Map, Str};
use crate::go::{number, runes};

/// Nesting that fits the stack of any thread; Go's limit is 10,000.
const DEPTH_MAX: usize = 1_000;

/// `json.Unmarshal` into an empty interface: every number is a float.
pub(crate) fn read(text: &[u8]) -> Result<Any, String> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    reader.space();
    let value = reader.value("looking for beginning of value")?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.invalid("after top-level value")),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

type Read<T> = Result<T, String>;

const END: &str = "unexpected end of JSON input";

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Go's complaint about the current character.
    fn invalid(&self, context: &str) -> String {
        let Some(byte) = self.peek() else {
            // At the end, Go tries a blank, which is nothing within these.
            let within = [
                "in literal",
                "in numeric",
                "after decimal",
                "in exponent",
                "in string escape",
                "in \\u",
            ];
            if within.iter().any(|it| context.starts_with(it)) {
                return format!("invalid character ' ' {context}");
            }
            return END.to_owned();
        };
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            _ => String::from_utf8_lossy(&crate::go::quote::quote_rune(char::from(byte))).into_owned(),
        };
        format!("invalid character {shown} {context}")
    }

    fn value(&mut self, context: &str) -> Read<Any> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(Any::Str),
            Some(b't') => self.word(b"true", Any::Bool(true)),
            Some(b'f') => self.word(b"false", Any::Bool(false)),
            Some(b'n') => self.word(b"null", Any::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.invalid(context)),
        }
    }

    fn word(&mut self, word: &[u8], value: Any) -> Read<Any> {
        for (at, expected) in word.iter().enumerate() {
            if self.peek() != Some(*expected) {
                let literal = String::from_utf8_lossy(word);
                let expected = char::from(word[at]);
                return Err(self.invalid(&format!("in literal {literal} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn enter(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err("exceeded max depth".to_owned())
        } else {
            Ok(())
        }
    }

    fn object(&mut self) -> Read<Any> {
        self.enter()?;
        self.at += 1;
        let mut entries = Entries::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(Any::Map(Map::new(entries)));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.space();
            let value = self.value("looking for beginning of value")?;
            entries.insert(key, value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(Any::Map(Map::new(entries)));
                }
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
    }

    fn array(&mut self) -> Read<Any> {
        self.enter()?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(Any::list(items));
        }
        loop {
            self.space();
            items.push(self.value("looking for beginning of value")?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(Any::list(items));
                }
                _ => return Err(self.invalid("after array element")),
            }
        }
    }

    fn string(&mut self) -> Read<Str> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(END.to_owned()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(0..=0x1F) => return Err(self.invalid("in string literal")),
                Some(_) => {
                    let (rune, width) =
                        runes::decode(&self.text[self.at..]).unwrap_or((runes::REPLACEMENT, 1));
                    runes::push(&mut out, rune);
                    self.at += width;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => b'"',
            Some(b'\\') => b'\\',
            Some(b'/') => b'/',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let unit = self.hex()?;
                runes::push(out, self.surrogate(unit)?);
                return Ok(());
            }
            _ => return Err(self.invalid("in string escape code")),
        };
        out.push(simple);
        self.at += 1;
        Ok(())
    }

    fn hex(&mut self) -> Read<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|it| char::from(it).to_digit(16)) else {
                return Err(self.invalid("in \\u hexadecimal character escape"));
            };
            value = value << 4 | digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn surrogate(&mut self, unit: u32) -> Read<char> {
        if let Some(rune) = char::from_u32(unit) {
            return Ok(rune);
        }
        if (0xD800..0xDC00).contains(&unit) && self.text[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xDC00..0xE000).contains(&low) {
                let rune = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(rune).unwrap_or(runes::REPLACEMENT));
            }
            self.at = back;
        }
        Ok(runes::REPLACEMENT)
    }

    fn number(&mut self) -> Read<Any> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.invalid("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        match number::parse_float(&text) {
            Some(value) => Ok(Any::Float(value)),
            None => Err(format!(
                "json: cannot unmarshal number {text} into Go value of type float64"
            )),
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Read<()> {
        if !self.peek().is_some_and(|it| it.is_ascii_digit()) {
            return Err(self.invalid(context));
        }
        self.digits();
        Ok(())
    }
}

/// The first JSON value of `text`, and the bytes it takes.
pub(crate) fn read_prefix(text: &[u8]) -> Result<(Any, usize), String> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    reader.space();
    let value = reader.value("looking for beginning of value")?;
    Ok((value, reader.at))
}
