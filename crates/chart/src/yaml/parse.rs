//! The grammar: from tokens to a tree of nodes, with libyaml's complaints.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::YamlError;
use super::scan::{Mark, Plain, Scanner, Token};
use crate::any::Str;

/// A node of a document. Aliases stay aliases.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// The full tag, empty where there is none.
    pub(super) tag: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    /// The text, and whether it may be resolved to something else than a string.
    Scalar(Str, bool),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
    /// The anchor's name and what it stands for.
    Alias(Vec<u8>, Anchored),
}

/// What an alias stands for; nothing while the anchored node is still being read, which contains the alias then.
#[derive(Debug)]
pub(super) enum Anchored {
    Node(Rc<Node>),
    Itself,
}

pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    anchors: BTreeMap<Vec<u8>, Option<Rc<Node>>>,
    tags: BTreeMap<Vec<u8>, Vec<u8>>,
    depth: usize,
    depth_max: usize,
    first: bool,
}

type Parse<T> = Result<T, YamlError>;

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a [u8], depth_max: usize) -> Self {
        let scanner = Scanner::new(text);
        Self {
            scanner,
            anchors: BTreeMap::new(),
            tags: BTreeMap::new(),
            depth: 0,
            depth_max,
            first: true,
        }
    }

    /// The next document; `None` at the end of the stream.
    pub(super) fn document(&mut self) -> Parse<Option<Rc<Node>>> {
        self.anchors.clear();
        self.tags = [
            (b"!".to_vec(), b"!".to_vec()),
            (b"!!".to_vec(), b"tag:yaml.org,2002:".to_vec()),
        ]
        .into();
        if !self.first {
            while self.at(&Token::DocumentEnd)? {
                self.scanner.skip_token();
            }
        }
        let implicit = self.first;
        self.first = false;
        let (token, mark) = self.scanner.peek()?.clone();
        let node = match token {
            Token::StreamEnd => return Ok(None),
            Token::VersionDirective | Token::TagDirective(..) | Token::DocumentStart => {
                self.explicit_document()?
            }
            _ if implicit => self.node(true, false)?,
            _ => {
                return Err(YamlError::parser(
                    "did not find expected <document start>",
                    mark.line,
                    None,
                ));
            }
        };
        if self.at(&Token::DocumentEnd)? {
            self.scanner.skip_token();
            self.first = false;
        }
        Ok(Some(node))
    }

    fn explicit_document(&mut self) -> Parse<Rc<Node>> {
        loop {
            let (token, mark) = self.scanner.take()?;
            match token {
                Token::VersionDirective => {}
                Token::TagDirective(handle, prefix) => {
                    self.tags.insert(handle, prefix);
                }
                Token::DocumentStart => break,
                _ => {
                    return Err(YamlError::parser(
                        "did not find expected <document start>",
                        mark.line,
                        None,
                    ));
                }
            }
        }
        let token = self.scanner.peek()?.0.clone();
        match token {
            Token::VersionDirective
            | Token::TagDirective(..)
            | Token::DocumentStart
            | Token::DocumentEnd
            | Token::StreamEnd => Ok(empty()),
            _ => self.node(true, false),
        }
    }

    fn at(&mut self, token: &Token) -> Parse<bool> {
        Ok(self.scanner.peek()?.0 == *token)
    }

    fn at_any(&mut self, tokens: &[Token]) -> Parse<bool> {
        let next = &self.scanner.peek()?.0;
        Ok(tokens.contains(next))
    }

    fn node(&mut self, block: bool, indentless: bool) -> Parse<Rc<Node>> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(YamlError::plain(&format!(
                "the document is nested deeper than {}",
                self.depth_max
            )));
        }
        let node = self.node_within(block, indentless)?;
        self.depth -= 1;
        Ok(node)
    }

    fn node_within(&mut self, block: bool, indentless: bool) -> Parse<Rc<Node>> {
        if let (Token::Alias(name), _) = self.scanner.peek()? {
            let name = name.clone();
            self.scanner.skip_token();
            return self.alias(name);
        }
        let start = self.scanner.peek()?.1;
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.scanner.peek()? {
                (Token::Anchor(name), _) if anchor.is_none() => anchor = Some(name.clone()),
                (Token::Tag(handle, suffix), mark) if tag.is_none() => {
                    tag = Some((handle.clone(), suffix.clone(), *mark));
                }
                _ => break,
            }
            self.scanner.skip_token();
        }
        let has_properties = anchor.is_some() || tag.is_some();
        let tag = self.resolve_tag(tag, start)?;
        if let Some(name) = &anchor {
            self.anchors.insert(name.clone(), None);
        }
        let kind = self.content(block, indentless, has_properties, &tag, start)?;
        let node = Rc::new(Node { kind, tag });
        if let Some(name) = anchor {
            self.anchors.insert(name, Some(node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, name: Vec<u8>) -> Parse<Rc<Node>> {
        let anchored = match self.anchors.get(&name) {
            Some(Some(node)) => Anchored::Node(node.clone()),
            Some(None) => Anchored::Itself,
            None => {
                let name = String::from_utf8_lossy(&name);
                return Err(YamlError::plain(&format!("unknown anchor '{name}' referenced")));
            }
        };
        let kind = NodeKind::Alias(name, anchored);
        Ok(Rc::new(Node {
            kind,
            tag: Vec::new(),
        }))
    }

    fn resolve_tag(&self, tag: Option<(Vec<u8>, Vec<u8>, Mark)>, start: Mark) -> Parse<Vec<u8>> {
        let Some((handle, suffix, mark)) = tag else {
            return Ok(Vec::new());
        };
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.tags.get(&handle) {
            Some(prefix) => Ok([prefix.as_slice(), &suffix].concat()),
            None => Err(YamlError::parser(
                "found undefined tag handle",
                mark.line,
                Some(start.line),
            )),
        }
    }

    fn content(
        &mut self,
        block: bool,
        indentless: bool,
        has_properties: bool,
        tag: &[u8],
        start: Mark,
    ) -> Parse<NodeKind> {
        let (token, mark) = self.scanner.peek()?;
        let mark = *mark;
        match token {
            Token::BlockEntry if indentless => self.indentless_sequence(),
            Token::Scalar(text, plain) => {
                let implicit = tag.is_empty() && *plain == Plain::Yes || tag == b"!";
                let text = text.clone();
                self.scanner.skip_token();
                Ok(NodeKind::Scalar(text, implicit))
            }
            Token::FlowSequenceStart => self.flow_sequence(),
            Token::FlowMappingStart => self.flow_mapping(),
            Token::BlockSequenceStart if block => self.block_sequence(),
            Token::BlockMappingStart if block => self.block_mapping(),
            _ if has_properties => Ok(NodeKind::Scalar(Str::from(""), tag.is_empty())),
            _ => Err(YamlError::parser(
                "did not find expected node content",
                mark.line,
                Some(start.line),
            )),
        }
    }

    fn block_sequence(&mut self) -> Parse<NodeKind> {
        let (_, start) = self.scanner.take()?;
        let mut items = Vec::new();
        loop {
            let (token, mark) = self.scanner.peek()?;
            match token {
                Token::BlockEntry => {
                    self.scanner.skip_token();
                    self.scanner.peek()?;
                    if self.at_any(&[Token::BlockEntry, Token::BlockEnd])? {
                        items.push(empty());
                    } else {
                        items.push(self.node(true, false)?);
                    }
                }
                Token::BlockEnd => {
                    self.scanner.skip_token();
                    return Ok(NodeKind::Sequence(items));
                }
                _ => {
                    let problem = "did not find expected '-' indicator";
                    return Err(YamlError::parser(problem, mark.line, Some(start.line)));
                }
            }
        }
    }

    fn indentless_sequence(&mut self) -> Parse<NodeKind> {
        let mut items = Vec::new();
        while self.at(&Token::BlockEntry)? {
            self.scanner.skip_token();
            self.scanner.peek()?;
            if self.at_any(&[Token::BlockEntry, Token::Key, Token::Value, Token::BlockEnd])? {
                items.push(empty());
            } else {
                items.push(self.node(true, false)?);
            }
        }
        Ok(NodeKind::Sequence(items))
    }

    fn block_mapping(&mut self) -> Parse<NodeKind> {
        let (_, start) = self.scanner.take()?;
        let mut entries = Vec::new();
        loop {
            let (token, mark) = self.scanner.peek()?;
            match token {
                Token::Key => {
                    self.scanner.skip_token();
                    let key = self.block_part()?;
                    let value = if self.at(&Token::Value)? {
                        self.scanner.skip_token();
                        self.block_part()?
                    } else {
                        {
                            self.scanner.peek()?;
                            empty()
                        }
                    };
                    entries.push((key, value));
                }
                Token::BlockEnd => {
                    self.scanner.skip_token();
                    return Ok(NodeKind::Mapping(entries));
                }
                _ => {
                    let problem = "did not find expected key";
                    return Err(YamlError::parser(problem, mark.line, Some(start.line)));
                }
            }
        }
    }

    fn block_part(&mut self) -> Parse<Rc<Node>> {
        self.scanner.peek()?;
        if self.at_any(&[Token::Key, Token::Value, Token::BlockEnd])? {
            return Ok(empty());
        }
        self.node(true, true)
    }

    fn flow_sequence(&mut self) -> Parse<NodeKind> {
        let (_, start) = self.scanner.take()?;
        let mut items = Vec::new();
        while !self.at(&Token::FlowSequenceEnd)? {
            if !items.is_empty() {
                self.flow_entry("did not find expected ',' or ']'", start)?;
                if self.at(&Token::FlowSequenceEnd)? {
                    break;
                }
            }
            if self.at(&Token::Key)? {
                self.scanner.skip_token();
                let key = self.flow_part(&[Token::Value, Token::FlowEntry, Token::FlowSequenceEnd])?;
                let value = self.flow_value(&[Token::FlowEntry, Token::FlowSequenceEnd])?;
                let kind = NodeKind::Mapping(vec![(key, value)]);
                items.push(Rc::new(Node {
                    kind,
                    tag: Vec::new(),
                }));
            } else {
                items.push(self.node(false, false)?);
            }
        }
        self.scanner.skip_token();
        Ok(NodeKind::Sequence(items))
    }

    fn flow_mapping(&mut self) -> Parse<NodeKind> {
        let (_, start) = self.scanner.take()?;
        let mut entries = Vec::new();
        while !self.at(&Token::FlowMappingEnd)? {
            if !entries.is_empty() {
                self.flow_entry("did not find expected ',' or '}'", start)?;
                if self.at(&Token::FlowMappingEnd)? {
                    break;
                }
            }
            if self.at(&Token::Key)? {
                self.scanner.skip_token();
                let key = self.flow_part(&[Token::Value, Token::FlowEntry, Token::FlowMappingEnd])?;
                let value = self.flow_value(&[Token::FlowEntry, Token::FlowMappingEnd])?;
                entries.push((key, value));
            } else {
                let key = self.node(false, false)?;
                entries.push((key, {
                    self.scanner.peek()?;
                    empty()
                }));
            }
        }
        self.scanner.skip_token();
        Ok(NodeKind::Mapping(entries))
    }

    fn flow_entry(&mut self, problem: &str, start: Mark) -> Parse<()> {
        let mark = self.scanner.peek()?.1;
        if !self.at(&Token::FlowEntry)? {
            return Err(YamlError::parser(problem, mark.line, Some(start.line)));
        }
        self.scanner.skip_token();
        Ok(())
    }

    fn flow_part(&mut self, ends: &[Token]) -> Parse<Rc<Node>> {
        self.scanner.peek()?;
        if self.at_any(ends)? {
            Ok(empty())
        } else {
            self.node(false, false)
        }
    }

    fn flow_value(&mut self, ends: &[Token]) -> Parse<Rc<Node>> {
        if self.at(&Token::Value)? {
            self.scanner.skip_token();
            return self.flow_part(ends);
        }
        Ok({
            self.scanner.peek()?;
            empty()
        })
    }
}

fn empty() -> Rc<Node> {
    let kind = NodeKind::Scalar(Str::from(""), true);
    Rc::new(Node {
        kind,
        tag: Vec::new(),
    })
}
