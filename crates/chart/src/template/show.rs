//! Nodes as text, for messages: Go prints them from the tree, not from the source.

use super::node::{Branch, Command, Expr, Node, Pipe, Template};
use crate::go::quote;

/// The byte position and the text of the node with this number.
pub(super) fn find(template: &Template, id: u32) -> Option<(usize, Vec<u8>)> {
    let source = &template.source.text;
    Finder { id, source }.nodes(&template.body)
}

/// The text of an expression of the template that `source` is the source of.
pub(super) fn expr(it: &Expr, source: &[u8]) -> Vec<u8> {
    let mut show = Show {
        source,
        out: Vec::new(),
    };
    show.expr(it);
    show.out
}

struct Finder<'a> {
    id: u32,
    source: &'a [u8],
}

type Found = Option<(usize, Vec<u8>)>;

impl Finder<'_> {
    fn text(&self, put: impl FnOnce(&mut Show<'_>)) -> Vec<u8> {
        let mut show = Show {
            source: self.source,
            out: Vec::new(),
        };
        put(&mut show);
        show.out
    }

    fn nodes(&self, nodes: &[Node]) -> Found {
        nodes.iter().find_map(|it| self.node(it))
    }

    fn node(&self, node: &Node) -> Found {
        let spot = match node {
            Node::Text(spot, _)
            | Node::Action(spot, _)
            | Node::Template(spot, ..)
            | Node::Break(spot)
            | Node::Continue(spot) => *spot,
            Node::If(it) | Node::With(it) | Node::Range(it) => it.spot,
        };
        if spot.id == self.id {
            return Some((spot.at as usize, self.text(|it| it.node(node))));
        }
        match node {
            Node::Action(_, pipe) | Node::Template(_, _, Some(pipe)) => self.pipe(pipe),
            Node::If(it) | Node::With(it) | Node::Range(it) => self
                .pipe(&it.pipe)
                .or_else(|| self.nodes(&it.body))
                .or_else(|| it.otherwise.as_deref().and_then(|it| self.nodes(it))),
            _ => None,
        }
    }

    fn pipe(&self, pipe: &Pipe) -> Found {
        if pipe.spot.id == self.id {
            return Some((pipe.spot.at as usize, self.text(|it| it.pipe(pipe))));
        }
        pipe.commands().find_map(|it| self.command(it))
    }

    fn command(&self, command: &Command) -> Found {
        if command.spot.id == self.id {
            return Some((command.spot.at as usize, self.text(|it| it.command(command))));
        }
        std::iter::once(&command.first)
            .chain(&*command.args)
            .find_map(|it| self.expr(it))
    }

    fn expr(&self, it: &Expr) -> Found {
        if let Expr::Pipe(pipe) = it {
            return self.pipe(pipe);
        }
        if it.spot().id == self.id {
            return Some((it.spot().at as usize, expr(it, self.source)));
        }
        if let Expr::Chain(_, inner, _) = it {
            self.expr(inner)
        } else {
            None
        }
    }
}

/// Writes nodes.
struct Show<'a> {
    source: &'a [u8],
    out: Vec<u8>,
}

impl Show<'_> {
    fn put(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(_, text) => self.put(text),
            Node::Action(_, pipe) => {
                self.put(b"{{");
                self.pipe(pipe);
                self.put(b"}}");
            }
            Node::If(it) => self.branch(b"if", it),
            Node::With(it) => self.branch(b"with", it),
            Node::Range(it) => self.branch(b"range", it),
            Node::Template(_, name, pipe) => {
                self.put(b"{{template ");
                self.put(&quote::quote(name));
                if let Some(pipe) = pipe {
                    self.put(b" ");
                    self.pipe(pipe);
                }
                self.put(b"}}");
            }
            Node::Break(_) => self.put(b"{{break}}"),
            Node::Continue(_) => self.put(b"{{continue}}"),
        }
    }

    fn branch(&mut self, name: &[u8], branch: &Branch) {
        self.put(b"{{");
        self.put(name);
        self.put(b" ");
        self.pipe(&branch.pipe);
        self.put(b"}}");
        self.nodes(&branch.body);
        if let Some(otherwise) = &branch.otherwise {
            self.put(b"{{else}}");
            self.nodes(otherwise);
        }
        self.put(b"{{end}}");
    }

    fn pipe(&mut self, pipe: &Pipe) {
        for (at, variable) in pipe.decl.iter().enumerate() {
            if at > 0 {
                self.put(b", ");
            }
            self.put(&variable.name);
        }
        if !pipe.decl.is_empty() {
            self.put(if pipe.assign { b" = " } else { b" := " });
        }
        for (at, command) in pipe.commands().enumerate() {
            if at > 0 {
                self.put(b" | ");
            }
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        self.expr(&command.first);
        for arg in &command.args {
            self.put(b" ");
            self.expr(arg);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Bool(_, it) => self.put(if *it { b"true" } else { b"false" }),
            Expr::Dot(_) => self.put(b"."),
            Expr::Nil(_) => self.put(b"nil"),
            Expr::Int(_, it) => self.put(it.to_string().as_bytes()),
            Expr::Number(_, it) => self.put(&it.text),
            Expr::Str(spot, value) => match literal(self.source, spot.at as usize) {
                Some(written) => self.put(written),
                None => self.put(&quote::quote(value)),
            },
            Expr::Field(_, fields) => {
                self.put(b".");
                self.put(fields);
            }
            Expr::Variable(_, _, name_and_fields) => self.put(name_and_fields),
            Expr::Chain(_, inner, fields) => {
                self.expr(inner);
                self.put(b".");
                self.put(fields);
            }
            Expr::Identifier(_, function) => self.put(function.name.as_bytes()),
            Expr::Pipe(pipe) => {
                self.put(b"(");
                self.pipe(pipe);
                self.put(b")");
            }
        }
    }
}

/// The string literal that begins at a place of the source, with its quotes.
fn literal(source: &[u8], at: usize) -> Option<&[u8]> {
    let text = source.get(at..)?;
    match text.first()? {
        b'`' => {
            let end = memchr::memchr(b'`', &text[1..])?;
            Some(&text[..end + 2])
        }
        b'"' => {
            let mut end = 1;
            loop {
                match text.get(end)? {
                    b'"' => return Some(&text[..=end]),
                    b'\\' => end += 2,
                    _ => end += 1,
                }
            }
        }
        _ => None,
    }
}
