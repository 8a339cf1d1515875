//! A document read by its lines. It knows block collections, scalars on one line and block scalars, written as charts
//! write them; whatever else there is, it gives up, and the real reader has its say. What it does take, the real reader
//! would take too, with the same head: that is what the tests compare.

use std::collections::BTreeMap;

use super::head::{self, Head};
use crate::any::Any;
use crate::limits::Limits;
use crate::yaml;

/// Collections within collections.
const DEPTH_MAX: usize = 60;
/// Bytes of a key; the scanner's limit is above it.
const KEY_MAX: usize = 500;

/// The head of a document; `None` where it is not simple.
pub(super) fn head(document: &[u8], limits: &Limits) -> Option<Head> {
    if document.len() > limits.yaml_nodes_max
        || limits.yaml_depth_max < DEPTH_MAX * 2
        || !is_simple_text(document)
    {
        return None;
    }
    let mut outline = Outline {
        lines: Lines {
            text: document,
            at: 0,
        },
        stack: Vec::with_capacity(16),
        pending: false,
        started: false,
        within: Within::Other,
        head: Head {
            kind: String::new(),
            name: String::new(),
            annotations: BTreeMap::new(),
        },
        seen: [false; 3],
    };
    while let Some(line) = outline.lines.next() {
        outline.line(line)?;
    }
    // Nothing, or comments only, is left to the real reader.
    (!outline.stack.is_empty()).then_some(outline.head)
}

/// ASCII without control characters, or UTF-8 without what YAML takes for line ends and marks.
fn is_simple_text(text: &[u8]) -> bool {
    if text.iter().all(|it| SIMPLE[usize::from(*it)]) {
        return true;
    }
    if text.iter().any(|it| *it < 0x80 && !SIMPLE[usize::from(*it)]) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    text.chars().all(|it| {
        it.is_ascii()
            || matches!(it, '\u{A0}'..='\u{2027}' | '\u{202A}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
    })
}

const SIMPLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = true;
        byte += 1;
    }
    table[b'\n' as usize] = true;
    table[b'\t' as usize] = true;
    table
};

struct Lines<'d> {
    text: &'d [u8],
    at: usize,
}

impl<'d> Lines<'d> {
    fn next(&mut self) -> Option<&'d [u8]> {
        let line = self.peek()?;
        self.at += line.len() + 1;
        Some(line)
    }

    fn peek(&self) -> Option<&'d [u8]> {
        let rest = self.text.get(self.at..).filter(|it| !it.is_empty())?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        Some(&rest[..end])
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    Seq,
}

/// What a map at the top is the value of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Metadata,
    Annotations,
    Other,
}

struct Outline<'d> {
    lines: Lines<'d>,
    /// Open collections and the columns that they stand at.
    stack: Vec<(usize, Kind)>,
    /// The last line ended where a value may follow on the next ones.
    pending: bool,
    /// Something stands at the root; nothing else may.
    started: bool,
    within: Within,
    head: Head,
    /// Whether `apiVersion`, `kind`, `metadata` have been there: the last of several would count.
    seen: [bool; 3],
}

impl<'d> Outline<'d> {
    fn line(&mut self, line: &'d [u8]) -> Option<()> {
        let column = spaces(line);
        let content = &line[column..];
        match content.first() {
            None | Some(b'#') => return Some(()),
            Some(b'\t') => return None,
            Some(_) => {}
        }
        if column == 0 && (content.starts_with(b"---") || content.starts_with(b"...")) {
            return None;
        }
        let is_item = is_item(content);
        while let Some((top, kind)) = self.stack.last().copied() {
            // A list that stands at its key's column ends with the next key.
            let ended = top > column || top == column && kind == Kind::Seq && !is_item;
            if !ended {
                break;
            }
            self.stack.pop();
            self.pending = false;
        }
        match self.stack.last().copied() {
            None => {
                // Only one thing stands at the root, and it is a map.
                if self.started || is_item {
                    return None;
                }
            }
            Some((top, kind)) if top == column => match (kind, is_item) {
                (Kind::Map, true) if !self.pending => return None,
                (Kind::Seq, false) => return None,
                _ => {}
            },
            Some(_) if !self.pending => return None,
            Some(_) => {}
        }
        self.started = true;
        self.node(content, column)
    }

    /// What stands at a column: an item, with what stands in it, or an entry, or the scalar of an item.
    fn node(&mut self, content: &'d [u8], column: usize) -> Option<()> {
        let (mut content, mut column) = (content, column);
        while is_item(content) {
            self.open(column, Kind::Seq)?;
            let skip = 1 + spaces(&content[1..]);
            content = &content[skip..];
            column += skip;
            if content.is_empty() || content[0] == b'#' {
                self.pending = true;
                return Some(());
            }
            if content[0] == b'\t' {
                return None;
            }
            self.pending = true;
        }
        match key(content) {
            Key::Entry(name, rest) => {
                self.open(column, Kind::Map)?;
                self.entry(name, rest)
            }
            Key::None
                if self
                    .stack
                    .last()
                    .is_some_and(|it| it.1 == Kind::Seq && it.0 < column) =>
            {
                self.pending = false;
                self.value(content).map(drop)
            }
            Key::None | Key::Odd => None,
        }
    }

    /// A collection at a column, which may be open already.
    fn open(&mut self, column: usize, kind: Kind) -> Option<()> {
        if self.stack.last() != Some(&(column, kind)) {
            if self.stack.len() >= DEPTH_MAX {
                return None;
            }
            self.stack.push((column, kind));
        }
        Some(())
    }

    fn entry(&mut self, name: &[u8], rest: &'d [u8]) -> Option<()> {
        let depth = self.stack.len();
        if depth == 1 {
            self.within = Within::Other;
        } else if depth == 2 && self.within == Within::Annotations {
            self.within = Within::Metadata;
        }
        let value = self.value(rest)?;
        match (depth, name) {
            (1, b"apiVersion") => {
                self.once(0)?;
                Self::text(&value)?;
            }
            (1, b"kind") => {
                self.once(1)?;
                self.head.kind = Self::text(&value)?;
            }
            (1, b"metadata") => {
                self.once(2)?;
                self.table(&value, Within::Metadata)?;
            }
            (2, b"name") if self.within == Within::Metadata => {
                if !self.head.name.is_empty() {
                    return None;
                }
                self.head.name = Self::text(&value)?;
            }
            (2, b"annotations") if self.within == Within::Metadata => {
                if !self.head.annotations.is_empty() {
                    return None;
                }
                self.table(&value, Within::Annotations)?;
            }
            (3, _) if self.within == Within::Annotations => {
                let text = Self::text(&value)?;
                let name = std::str::from_utf8(name).ok()?.to_owned();
                if self.head.annotations.insert(name, text).is_some() {
                    return None;
                }
            }
            _ => {}
        }
        Some(())
    }

    fn once(&mut self, at: usize) -> Option<()> {
        (!std::mem::replace(&mut self.seen[at], true)).then_some(())
    }

    fn text(value: &Value<'_>) -> Option<String> {
        match value {
            // It may be empty, or a collection: the next line tells, and the real reader knows.
            Value::Later | Value::Block | Value::Empty => None,
            Value::Plain(text) => head::scalar(&yaml::plain(text)?),
            Value::Quoted(text) => Some(std::str::from_utf8(text).ok()?.to_owned()),
        }
    }

    fn table(&mut self, value: &Value<'_>, within: Within) -> Option<()> {
        match value {
            Value::Later => {
                // A list there is an error, and so is a map at the same column.
                let next = self.next_content()?;
                let own = self.stack.last()?.0;
                if next.0 <= own || is_item(next.1) {
                    return None;
                }
                self.within = within;
                Some(())
            }
            Value::Empty => Some(()),
            _ => None,
        }
    }

    /// The next line that is neither empty nor a comment.
    fn next_content(&self) -> Option<(usize, &'d [u8])> {
        let mut lines = Lines {
            text: self.lines.text,
            at: self.lines.at,
        };
        loop {
            let line = lines.next()?;
            let column = spaces(line);
            let content = &line[column..];
            if !content.is_empty() && content[0] != b'#' {
                return Some((column, content));
            }
        }
    }

    fn value(&mut self, rest: &'d [u8]) -> Option<Value<'d>> {
        let rest = &rest[spaces(rest)..];
        let rest = trimmed(rest);
        self.pending = false;
        let Some(first) = rest.first() else {
            self.pending = true;
            return Some(Value::Later);
        };
        match first {
            b'#' => {
                self.pending = true;
                Some(Value::Later)
            }
            b'|' | b'>' => {
                if !matches!(&rest[1..], b"" | b"-" | b"+") {
                    return None;
                }
                self.block()?;
                Some(Value::Block)
            }
            b'"' | b'\'' => self.quoted(rest, *first),
            b'{' if rest == b"{}" => Some(Value::Empty),
            b'[' | b'{' => match flow(rest, 0)? {
                after if ends(after) => Some(Value::Block),
                _ => None,
            },
            _ => self.plain(rest),
        }
    }

    /// A plain scalar, and the lines that go on with it.
    fn plain(&mut self, first: &'d [u8]) -> Option<Value<'d>> {
        let parent = self.stack.last()?.0;
        let text = plain(first)?;
        let mut value = Value::Plain(text);
        let mut ended = text.len() < first.len();
        let mut ahead = Lines {
            text: self.lines.text,
            at: self.lines.at,
        };
        while let Some(line) = ahead.next() {
            let column = spaces(line);
            let content = trimmed(&line[column..]);
            if content.is_empty() {
                continue;
            }
            if column <= parent {
                break;
            }
            // A comment ends the scalar, and only comments may follow it then.
            if content[0] == b'#' {
                ended = true;
                continue;
            }
            if ended {
                return None;
            }
            ended = rest_of_plain(content)?.len() < content.len();
            self.lines.at = ahead.at;
            value = Value::Block;
        }
        Some(value)
    }

    /// A scalar between quotes, which may be closed on a later line.
    fn quoted(&mut self, first: &'d [u8], quote: u8) -> Option<Value<'d>> {
        let inner = &first[1..];
        let (end, escaped) = closing(inner, quote)?;
        if let Some(end) = end {
            let value = if escaped {
                Value::Block
            } else {
                Value::Quoted(&inner[..end])
            };
            return ends(&inner[end + 1..]).then_some(value);
        }
        loop {
            let line = self.lines.next()?;
            if line.starts_with(b"---") || line.starts_with(b"...") {
                return None;
            }
            if let (Some(end), _) = closing(line, quote)? {
                return ends(trimmed(&line[end + 1..])).then_some(Value::Block);
            }
        }
    }

    /// The lines of a block scalar.
    fn block(&mut self) -> Option<()> {
        let parent = self.stack.last()?.0;
        let mut indent = None;
        let mut blank = 0;
        while let Some(line) = self.lines.peek() {
            let column = spaces(line);
            if column == line.len() {
                if indent.is_none() {
                    blank = blank.max(column);
                }
                self.lines.next();
                continue;
            }
            let least = match indent {
                Some(indent) => indent,
                None if column <= parent => return Some(()),
                None if blank > column || line[column] == b'\t' => return None,
                None => {
                    indent = Some(column);
                    column
                }
            };
            if column < least {
                return Some(());
            }
            self.lines.next();
        }
        Some(())
    }
}

enum Value<'d> {
    /// On the next lines, if anywhere.
    Later,
    /// A block scalar or an empty list.
    Block,
    /// An empty map.
    Empty,
    Plain(&'d [u8]),
    Quoted(&'d [u8]),
}

enum Key<'d> {
    /// A key and what follows its colon.
    Entry(&'d [u8], &'d [u8]),
    None,
    /// It may be one, and may be read as something that is none here.
    Odd,
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|it| **it == b' ').count()
}

fn is_item(content: &[u8]) -> bool {
    content[0] == b'-' && matches!(content.get(1), None | Some(b' '))
}

fn key(content: &[u8]) -> Key<'_> {
    if matches!(content[0], b'"' | b'\'') {
        let quote = content[0];
        let Some(end) = memchr::memchr(quote, &content[1..]) else {
            return Key::Odd;
        };
        let (name, rest) = (&content[1..=end], &content[end + 2..]);
        return match rest {
            _ if name.contains(&b'\\')
                || name.contains(&b'\t')
                || name.len() > KEY_MAX
                || rest.first() == Some(&quote) =>
            {
                Key::Odd
            }
            [b':'] => Key::Entry(name, &[]),
            [b':', b' ', rest @ ..] => Key::Entry(name, rest),
            _ => Key::None,
        };
    }
    let length = content.iter().take_while(|it| IN_KEY[usize::from(**it)]).count();
    if length == 0 || length > KEY_MAX {
        return Key::None;
    }
    let name = &content[..length];
    let rest = match &content[length..] {
        [b':'] => &[][..],
        [b':', b' ', rest @ ..] => rest,
        _ => return Key::None,
    };
    let is_null = name.eq_ignore_ascii_case(b"null");
    let is_long_number = length > 15 && name[0].is_ascii_digit();
    if is_null
        || is_long_number
        || matches!(name[0], b'-' | b'.') && !name[1..].iter().any(u8::is_ascii_alphabetic)
    {
        return Key::Odd;
    }
    Key::Entry(name, rest)
}

const IN_KEY: [bool; 256] = {
    let mut table = [false; 256];
    let mut it = 0_u8;
    while it < 128 {
        table[it as usize] = it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'/' | b'-' | b'$');
        it += 1;
    }
    table
};

/// Where a quote is closed, if it is on this line, and whether something is escaped before; `None` where the escape is
/// an unusual one.
fn closing(line: &[u8], quote: u8) -> Option<(Option<usize>, bool)> {
    let mut escaped = false;
    let mut at = 0;
    loop {
        let rest = &line[at..];
        let Some(found) = memchr::memchr3(quote, b'\\', b'\t', rest) else {
            return Some((None, escaped));
        };
        match rest[found] {
            b'\t' => return None,
            b'\\' if quote == b'"' => {
                // At the end of a line the break is what is escaped.
                let simple = |it: &u8| matches!(it, b'"' | b'\\' | b'/' | b'n' | b't' | b'r' | b' ' | b'0');
                if !rest.get(found + 1).is_none_or(simple) {
                    return None;
                }
                escaped = true;
                at = (at + found + 2).min(line.len());
            }
            b'\\' => at += found + 1,
            _ if quote == b'\'' && rest.get(found + 1) == Some(&quote) => {
                escaped = true;
                at += found + 2;
            }
            _ => return Some((Some(at + found), escaped)),
        }
    }
}

/// Whether nothing but blanks and a comment is left.
fn ends(rest: &[u8]) -> bool {
    let after = &rest[spaces(rest)..];
    after.is_empty() || after[0] == b'#' && after.len() < rest.len()
}

fn trimmed(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|it| *it != b' ').map_or(0, |it| it + 1)]
}

/// What follows a collection of simple scalars in brackets or braces on one line.
fn flow(text: &[u8], depth: usize) -> Option<&[u8]> {
    const NESTING_MAX: usize = 8;
    let is_map = text[0] == b'{';
    let close = if is_map { b'}' } else { b']' };
    let skip = |text: &[u8]| spaces(text);
    let mut rest = &text[1 + skip(&text[1..])..];
    if rest.first() == Some(&close) {
        return Some(&rest[1..]);
    }
    loop {
        if is_map {
            let (name, after, in_quotes) = flow_scalar(rest)?;
            if !in_quotes && !matches!(yaml::plain(name)?, Any::Str(_)) {
                return None;
            }
            rest = match after {
                [b':', after @ ..] if in_quotes || after.first() == Some(&b' ') => after,
                _ => return None,
            };
            rest = &rest[skip(rest)..];
        }
        rest = match rest.first()? {
            b'[' | b'{' if depth < NESTING_MAX => flow(rest, depth + 1)?,
            _ => flow_scalar(rest)?.1,
        };
        rest = &rest[skip(rest)..];
        match rest.first()? {
            b',' if rest.get(1) == Some(&b' ') || rest.get(1) == Some(&b'"') => rest = &rest[1..],
            it if *it == close => return Some(&rest[1..]),
            _ => return None,
        }
        rest = &rest[skip(rest)..];
    }
}

/// A scalar within brackets, what follows it, and whether it stands in quotes.
fn flow_scalar(text: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let first = *text.first()?;
    if matches!(first, b'"' | b'\'') {
        let (end, _) = closing(&text[1..], first)?;
        let end = end? + 1;
        return Some((&text[1..end], &text[end + 1..], true));
    }
    let length = text.iter().take_while(|it| IN_KEY[usize::from(**it)]).count();
    let (scalar, after) = text.split_at(length);
    yaml::plain(scalar)?;
    (length > 0 && (first != b'-' || length > 1)).then_some((scalar, after, false))
}

/// A plain scalar without its comment; `None` where it is none, or may be more.
fn plain(text: &[u8]) -> Option<&[u8]> {
    let first = text[0];
    let indicator = matches!(
        first,
        b'?' | b':'
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
            | b'\t'
    );
    if indicator || first == b'-' && matches!(text.get(1), None | Some(b' ' | b'\t')) {
        return None;
    }
    let text = rest_of_plain(text)?;
    // Numbers that are none in JSON.
    if matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') && yaml::plain(text).is_none() {
        return None;
    }
    Some(text)
}

/// A line of a plain scalar without its comment; `None` where something in it has a meaning.
fn rest_of_plain(text: &[u8]) -> Option<&[u8]> {
    for at in memchr::memchr3_iter(b':', b'#', b'\t', text) {
        match text[at] {
            b':' if matches!(text.get(at + 1), None | Some(b' ' | b'\t')) => return None,
            b'#' if at > 0 && text[at - 1] == b' ' => return Some(trimmed(&text[..at])),
            b'\t' => return None,
            _ => {}
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests;
