//! A reader of TOML 1.0: whole numbers stay whole, dates become times, errors name the line.

use crate::any::{Any, List, Map, Object};
use crate::go::time;

/// Tables and arrays within each other.
const DEPTH_MAX: usize = 200;

type Result<T> = std::result::Result<T, String>;

/// A document as a map, or the library's complaint.
pub(crate) fn read(text: &[u8]) -> Result<Map> {
    let text = std::str::from_utf8(text).map_err(|_| "toml: invalid UTF-8 encoding".to_owned())?;
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        line: 1,
        explicit: Vec::new(),
    };
    let root = Map::empty();
    let mut table = root.clone();
    loop {
        reader.skip_lines();
        match reader.peek() {
            None => return Ok(root),
            Some(b'[') => table = reader.header(&root)?,
            Some(_) => {
                reader.assignment(&table)?;
                reader.end_of_line()?;
            }
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    /// Tables that have had their header.
    explicit: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn fail<T>(&self, what: &str) -> Result<T> {
        Err(format!("toml: line {}: {what}", self.line))
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T> {
        match self.rest().chars().next() {
            None => self.fail(&format!("unexpected EOF; expected {wanted}")),
            Some(rune) => self.fail(&format!("expected {wanted}, but got {rune:?} instead")),
        }
    }

    fn rest(&self) -> &str {
        std::str::from_utf8(&self.text[self.at..]).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.line += usize::from(byte == b'\n');
            self.at += 1;
        }
        found
    }

    fn take_text(&mut self, text: &str) -> bool {
        let found = self.text[self.at..].starts_with(text.as_bytes());
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        if self.peek() == Some(b'#') {
            let length = memchr::memchr(b'\n', &self.text[self.at..]);
            self.at = length.map_or(self.text.len(), |it| self.at + it);
        }
    }

    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            self.skip_comment();
            if self.peek() == Some(b'\r') {
                self.at += 1;
            } else if !self.take(b'\n') {
                return;
            }
        }
    }

    fn end_of_line(&mut self) -> Result<()> {
        self.skip_blanks();
        self.skip_comment();
        if self.peek() == Some(b'\r') {
            self.at += 1;
        }
        if self.peek().is_none() || self.take(b'\n') {
            return Ok(());
        }
        let rune = self.rest().chars().next().unwrap_or_default();
        self.fail(&format!(
            "expected a top-level item to end with a newline, comment, or EOF, but got {rune:?} instead"
        ))
    }

    /// `[a.b]` or `[[a.b]]`; gives the table that follows.
    fn header(&mut self, root: &Map) -> Result<Map> {
        self.at += 1;
        let many = self.take(b'[');
        let mut path = self.key()?;
        let end = if many { "]]" } else { "]" };
        if !self.take_text(end) {
            return self.unexpected("end of table name delimiter ']'");
        }
        self.end_of_line()?;
        let shown = path.join(".");
        let whole = path.clone();
        let Some(last) = path.pop() else {
            return self.fail("table names must not be empty");
        };
        let parent = self.descend(root, &path)?;
        let found = parent.get(last.as_bytes());
        if many {
            let table = Map::empty();
            let mut items = match found {
                None => Vec::new(),
                Some(Any::List(list)) => list.into_items(),
                Some(_) => return self.fail(&format!("Key '{shown}' has already been defined.")),
            };
            items.push(Any::Map(table.clone()));
            parent.set(last.as_str(), Any::List(List::new(items)));
            self.explicit.retain(|it| !it.starts_with(&whole));
            return Ok(table);
        }
        if self.explicit.contains(&whole) {
            return self.fail(&format!("Key '{shown}' has already been defined."));
        }
        self.explicit.push(whole);
        match found {
            None => {
                let table = Map::empty();
                parent.set(last.as_str(), Any::Map(table.clone()));
                Ok(table)
            }
            Some(Any::Map(table)) => Ok(table),
            Some(_) => self.fail(&format!("Key '{shown}' has already been defined.")),
        }
    }

    /// The table at a path, made where it is missing; of arrays of tables the last one.
    fn descend(&self, from: &Map, path: &[String]) -> Result<Map> {
        let mut table = from.clone();
        for part in path {
            table = match table.get(part.as_bytes()) {
                None => {
                    let inner = Map::empty();
                    table.set(part.as_str(), Any::Map(inner.clone()));
                    inner
                }
                Some(Any::Map(inner)) => inner,
                Some(Any::List(list)) => match list.items().last() {
                    Some(Any::Map(inner)) => inner.clone(),
                    _ => return self.fail(&format!("Key '{part}' has already been defined.")),
                },
                Some(_) => return self.fail(&format!("Key '{part}' has already been defined.")),
            };
        }
        Ok(table)
    }

    fn assignment(&mut self, table: &Map) -> Result<()> {
        let mut path = self.key()?;
        if !self.take(b'=') {
            return self.unexpected("key separator '='");
        }
        self.skip_blanks();
        let value = self.value(0)?;
        let Some(last) = path.pop() else {
            return self.fail("keys must not be empty");
        };
        let table = self.descend(table, &path)?;
        if table.has(last.as_bytes()) {
            return self.fail(&format!("Key '{last}' has already been defined."));
        }
        table.set(last.as_str(), value);
        Ok(())
    }

    /// A dotted key.
    fn key(&mut self) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        loop {
            self.skip_blanks();
            parts.push(match self.peek() {
                Some(b'"') => self.quoted()?,
                Some(b'\'') => self.raw()?,
                _ => self.bare()?,
            });
            self.skip_blanks();
            if !self.take(b'.') {
                return Ok(parts);
            }
        }
    }

    fn bare(&mut self) -> Result<String> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
        {
            self.at += 1;
        }
        if start == self.at {
            return self.unexpected("a key");
        }
        Ok(String::from_utf8_lossy(&self.text[start..self.at]).into_owned())
    }

    fn value(&mut self, depth: usize) -> Result<Any> {
        if depth > DEPTH_MAX {
            return self.fail(&format!("values are nested deeper than {DEPTH_MAX}"));
        }
        match self.peek() {
            Some(b'"') if self.take_text("\"\"\"") => self.long("\"\"\"").map(Any::from),
            Some(b'\'') if self.take_text("'''") => self.long("'''").map(Any::from),
            Some(b'"') => self.quoted().map(Any::from),
            Some(b'\'') => self.raw().map(Any::from),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.inline_table(depth),
            _ => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Any> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.take(b']') {
                return Ok(Any::list(items));
            }
            items.push(self.value(depth + 1)?);
            self.skip_lines();
            if !self.take(b',') && self.peek() != Some(b']') {
                return self.unexpected("a comma (',') or array terminator (']')");
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Result<Any> {
        self.at += 1;
        let table = Map::empty();
        loop {
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Any::Map(table));
            }
            if depth >= DEPTH_MAX {
                return self.fail(&format!("values are nested deeper than {DEPTH_MAX}"));
            }
            self.assignment_within(&table, depth)?;
            self.skip_blanks();
            if !self.take(b',') && self.peek() != Some(b'}') {
                return self.unexpected("a comma or an inline table terminator '}'");
            }
        }
    }

    fn assignment_within(&mut self, table: &Map, depth: usize) -> Result<()> {
        let mut path = self.key()?;
        if !self.take(b'=') {
            return self.unexpected("key separator '='");
        }
        self.skip_blanks();
        let value = self.value(depth + 1)?;
        let last = path.pop().unwrap_or_default();
        self.descend(table, &path)?.set(last.as_str(), value);
        Ok(())
    }

    fn raw(&mut self) -> Result<String> {
        self.at += 1;
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|it| matches!(it, b'\'' | b'\n'));
        match length {
            Some(length) if rest[length] == b'\'' => {
                let text = String::from_utf8_lossy(&rest[..length]).into_owned();
                self.at += length + 1;
                Ok(text)
            }
            Some(_) => self.fail("strings cannot contain newlines"),
            None => self.fail("unexpected EOF; expected \"'\""),
        }
    }

    fn quoted(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return self.fail("unexpected EOF; expected '\"'");
            };
            self.at += 1;
            match byte {
                b'"' => return Ok(String::from_utf8_lossy(&out).into_owned()),
                b'\n' => return self.fail("strings cannot contain newlines"),
                b'\\' => self.escape(&mut out)?,
                _ => out.push(byte),
            }
        }
    }

    /// A text over several lines, after its opening quotes.
    fn long(&mut self, quotes: &str) -> Result<String> {
        self.take_text("\r");
        self.take(b'\n');
        let mut out = Vec::new();
        loop {
            if self.take_text(quotes) {
                // Up to two quotes more belong to the text.
                while self.peek() == quotes.bytes().next() && out.len() < self.text.len() {
                    out.push(quotes.as_bytes()[0]);
                    self.at += 1;
                }
                return Ok(String::from_utf8_lossy(&out).into_owned());
            }
            let Some(byte) = self.peek() else {
                return self.fail(&format!("unexpected EOF; expected {quotes:?}"));
            };
            self.at += 1;
            self.line += usize::from(byte == b'\n');
            if byte != b'\\' || quotes != "\"\"\"" {
                out.push(byte);
            } else if self.ends_line() {
                self.skip_space();
            } else {
                self.escape(&mut out)?;
            }
        }
    }

    /// Whether nothing but blanks follows on this line.
    fn ends_line(&self) -> bool {
        let rest = &self.text[self.at..];
        let blanks = rest
            .iter()
            .take_while(|it| matches!(it, b' ' | b'\t' | b'\r'))
            .count();
        rest.get(blanks) == Some(&b'\n')
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.line += usize::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let byte = self.peek().unwrap_or(0);
        self.at += 1;
        let simple = match byte {
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 12,
            b'r' => b'\r',
            b'e' => 27,
            b'"' | b'\\' => byte,
            b'u' | b'U' => {
                let length = if byte == b'u' { 4 } else { 8 };
                let digits = self.text.get(self.at..self.at + length).unwrap_or_default();
                self.at += digits.len();
                let code = u32::from_str_radix(&String::from_utf8_lossy(digits), 16).ok();
                return match code.and_then(char::from_u32) {
                    Some(rune) => {
                        out.extend_from_slice(rune.to_string().as_bytes());
                        Ok(())
                    }
                    None => self.fail("expected hexadecimal digits"),
                };
            }
            other => return self.fail(&format!("invalid escape character {:?}", char::from(other))),
        };
        out.push(simple);
        Ok(())
    }

    fn scalar(&mut self) -> Result<Any> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|it| !matches!(it, b',' | b']' | b'}' | b'#' | b'\n' | b'\r' | b' ' | b'\t'))
        {
            self.at += 1;
        }
        // A date and its time may have a blank between them.
        let word = &self.text[start..self.at];
        let is_date = word.len() == 10 && word[4] == b'-' && word[7] == b'-';
        if is_date && self.peek() == Some(b' ') && self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at += 1;
            while self
                .peek()
                .is_some_and(|it| it.is_ascii_digit() || b":.+-Zz".contains(&it))
            {
                self.at += 1;
            }
        }
        let word = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        match word.as_str() {
            "true" => Ok(Any::Bool(true)),
            "false" => Ok(Any::Bool(false)),
            "" => self.unexpected("value"),
            _ => match number(&word).or_else(|| date(&word)) {
                Some(value) => Ok(value),
                None => self.fail(&format!("expected value but found {word:?} instead")),
            },
        }
    }
}

fn number(word: &str) -> Option<Any> {
    let text = word.replace('_', "");
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(Any::Int64);
    let digits = text.trim_start_matches(['+', '-']);
    match digits.get(..2) {
        Some("0x") => return radix(&text[2..], 16),
        Some("0o") => return radix(&text[2..], 8),
        Some("0b") => return radix(&text[2..], 2),
        _ => {}
    }
    match digits {
        "inf" if text.starts_with('-') => return Some(Any::Float(f64::NEG_INFINITY)),
        "inf" => return Some(Any::Float(f64::INFINITY)),
        "nan" => return Some(Any::Float(f64::NAN)),
        _ => {}
    }
    if !digits.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        return (!leading_zero).then_some(Any::Int64(whole));
    }
    text.parse::<f64>().ok().map(Any::Float)
}

fn date(word: &str) -> Option<Any> {
    const LAYOUTS: [&str; 6] = [
        "2006-01-02T15:04:05.999999999Z07:00",
        "2006-01-02T15:04:05.999999999",
        "2006-01-02 15:04:05.999999999Z07:00",
        "2006-01-02 15:04:05.999999999",
        "2006-01-02",
        "15:04:05.999999999",
    ];
    let found = LAYOUTS.iter().find_map(|layout| time::parse(layout, word).ok())?;
    Some(Any::object(Object::Time(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match read(text.as_bytes()) {
            Ok(map) => String::from_utf8(crate::json::write(&Any::Map(map)).unwrap()).unwrap(),
            Err(message) => message,
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn documents_are_read() {
        check(
            "a = 1\nb.c = \"x\\ty\"\n# no\n'd e' = 'raw\\n'",
            r#"{"a":1,"b":{"c":"x\ty"},"d e":"raw\\n"}"#,
        );
        check(
            "[t]\nx = 1.5\n[t.u]\ny = true\n",
            r#"{"t":{"u":{"y":true},"x":1.5}}"#,
        );
        check(
            "[[l]]\na = 1\n[[l]]\na = 2\n[l.in]\nb = 3",
            r#"{"l":[{"a":1},{"a":2,"in":{"b":3}}]}"#,
        );
        check(
            "a = [1, 2,\n 3, # c\n]\nb = {c = 1, d = [{e = 2}]}",
            r#"{"a":[1,2,3],"b":{"c":1,"d":[{"e":2}]}}"#,
        );
        check("a = \"\"\"\none \\\n   two\"\"\"", r#"{"a":"one two"}"#);
        check("a = 0xFF\nb = 1_000\nc = 1e3", r#"{"a":255,"b":1000,"c":1000}"#);
    }

    #[test]
    fn what_is_no_document_is_refused_by_line() {
        check("one", "toml: line 1: unexpected EOF; expected key separator '='");
        check("a = 1\na = 2", "toml: line 2: Key 'a' has already been defined.");
        check("[a]\n[a]", "toml: line 2: Key 'a' has already been defined.");
        check("a = \"x", "toml: line 1: unexpected EOF; expected '\"'");
        check(
            "\n\na = nope",
            "toml: line 3: expected value but found \"nope\" instead",
        );
    }
}
