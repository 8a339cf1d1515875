//! YAML as a tree that remembers where each part was written. It does not know what the parts mean.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an event that is not expected here is an error, whichever it is"
)]

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as YamlSpan};

use super::error::Problem;

/// Largest file that is read.
pub(super) const BYTES_MAX: usize = 1 << 20;
/// Deepest nesting: more than the layout ever needs.
const DEPTH_MAX: usize = 24;
/// Most parts of one file, aliases counted each time they are used.
const NODES_MAX: usize = 20_000;

/// A place in the text; line and column from 0, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) line: usize,
    pub(super) column: usize,
    /// Characters on that line; at least 1.
    pub(super) length: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Node {
    /// Reads the one document of a file.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > BYTES_MAX {
            let cause = format!("the file has {} bytes, at most {BYTES_MAX} are read", text.len());
            return Err(Problem::new(
                Span::default(),
                cause,
                "keep data out of the configuration",
            ));
        }
        let mut reader = Reader {
            parser: Parser::new_from_str(text),
            anchors: BTreeMap::new(),
            nodes: 0,
        };
        reader.document()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    pub(super) fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        entries
            .iter()
            .find(|(found, _)| found.text == key)
            .map(|(found, node)| (found, node))
    }

    /// The part at the end of a path, or the deepest part of it that was written.
    pub(super) fn deepest(&self, path: &[&str]) -> &Self {
        let mut node = self;
        for key in path {
            let Some(next) = node.get(key) else { break };
            node = next;
        }
        node
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Int(value) => format!("the number {value}"),
            Kind::Float(value) => format!("the number {value}"),
            Kind::Text(text) => format!("the text `{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Ok(Node {
                        span: place(span),
                        kind: Kind::Map(Vec::new()),
                    });
                }
                event => {
                    let node = self.node(event, span, 0)?;
                    self.end()?;
                    return Ok(node);
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::DocumentEnd | Event::Nothing => {}
                _ => {
                    let hint = "one platform is one document: remove the `---`";
                    return Err(Problem::new(place(span), "a second document starts here", hint));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: YamlSpan, depth: usize) -> Result<Node, Problem> {
        let at = place(span);
        self.count(1, at)?;
        if depth > DEPTH_MAX {
            let cause = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Problem::new(at, cause, "nothing in the layout is that deep"));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let kind = if plain {
                    resolve(&text)
                } else {
                    Kind::Text(text.into_owned())
                };
                (Node { span: at, kind }, anchor)
            }
            Event::SequenceStart(anchor, _) => (
                Node {
                    span: at,
                    kind: self.list(depth)?,
                },
                anchor,
            ),
            Event::MappingStart(anchor, _) => (
                Node {
                    span: at,
                    kind: self.map(depth)?,
                },
                anchor,
            ),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::new(
                        at,
                        "this alias is inside of what it stands for",
                        "write the value out",
                    ));
                };
                self.count(size(&node), at)?;
                (node, 0)
            }
            _ => {
                return Err(Problem::new(
                    at,
                    "a value is missing here",
                    "write a value or remove the key",
                ));
            }
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Kind::List(items));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = place(span);
            let text = match event {
                Event::MappingEnd => return Ok(Kind::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Problem::new(at, "this key is not plain text", "keys are names")),
            };
            if let Some((first, _)) = entries.iter().find(|(key, _)| key.text == text) {
                let cause = format!(
                    "`{text}` is given twice; the first is on line {}",
                    first.span.line + 1
                );
                return Err(Problem::new(at, cause, "keep one of them"));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            entries.push((Key { text, span: at }, node));
        }
    }

    fn count(&mut self, more: usize, at: Span) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > NODES_MAX {
            let cause = format!("more than {NODES_MAX} values");
            return Err(Problem::new(at, cause, "keep data out of the configuration"));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'a>, YamlSpan), Problem> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => {
                let cause = format!("this is not YAML: {}", error.info());
                let hint = "look at the indentation (spaces, no tabs) and at quotes and brackets, here and one line above";
                Err(Problem::new(point(*error.marker(), 1), cause, hint))
            }
            None => Ok((Event::StreamEnd, YamlSpan::default())),
        }
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) => 1,
    }
}

fn place(span: YamlSpan) -> Span {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    point(span.start, length)
}

fn point(marker: Marker, length: usize) -> Span {
    Span {
        line: marker.line().saturating_sub(1),
        column: marker.col(),
        length: length.max(1),
    }
}

/// The core schema of YAML 1.2: what a plain scalar is.
fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse() {
        return Kind::Int(number);
    }
    let numeric = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => Kind::Float(number),
        _ => Kind::Text(text.to_owned()),
    }
}
