//! Nodes as text, for messages: Go prints them from the tree, not from the source.

use super::node::{Branch, Command, Expr, Node, Pipe, Template};
use crate::any::Str;
use crate::go::quote;

/// The byte position and the text of the node with this number.
pub(super) fn find(template: &Template, id: u32) -> Option<(usize, Vec<u8>)> {
    Finder { id }.nodes(&template.body)
}

pub(super) fn expr(it: &Expr) -> Vec<u8> {
    let mut out = Vec::new();
    put_expr(it, &mut out);
    out
}

struct Finder {
    id: u32,
}

type Found = Option<(usize, Vec<u8>)>;

impl Finder {
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
            let mut out = Vec::new();
            put_node(node, &mut out);
            return Some((spot.at as usize, out));
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
            let mut out = Vec::new();
            put_pipe(pipe, &mut out);
            return Some((pipe.spot.at as usize, out));
        }
        pipe.commands.iter().find_map(|it| self.command(it))
    }

    fn command(&self, command: &Command) -> Found {
        if command.spot.id == self.id {
            let mut out = Vec::new();
            put_command(command, &mut out);
            return Some((command.spot.at as usize, out));
        }
        command.args.iter().find_map(|it| self.expr(it))
    }

    fn expr(&self, it: &Expr) -> Found {
        if let Expr::Pipe(pipe) = it {
            return self.pipe(pipe);
        }
        if it.spot().id == self.id {
            return Some((it.spot().at as usize, expr(it)));
        }
        if let Expr::Chain(_, inner, _) = it {
            self.expr(inner)
        } else {
            None
        }
    }
}

fn put_nodes(nodes: &[Node], out: &mut Vec<u8>) {
    for node in nodes {
        put_node(node, out);
    }
}

fn put_node(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Text(_, text) => out.extend_from_slice(text),
        Node::Action(_, pipe) => {
            out.extend_from_slice(b"{{");
            put_pipe(pipe, out);
            out.extend_from_slice(b"}}");
        }
        Node::If(it) => put_branch("if", it, out),
        Node::With(it) => put_branch("with", it, out),
        Node::Range(it) => put_branch("range", it, out),
        Node::Template(_, name, pipe) => {
            out.extend_from_slice(b"{{template ");
            out.extend_from_slice(&quote::quote(name));
            if let Some(pipe) = pipe {
                out.push(b' ');
                put_pipe(pipe, out);
            }
            out.extend_from_slice(b"}}");
        }
        Node::Break(_) => out.extend_from_slice(b"{{break}}"),
        Node::Continue(_) => out.extend_from_slice(b"{{continue}}"),
    }
}

fn put_branch(name: &str, branch: &Branch, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{{{{name} ").as_bytes());
    put_pipe(&branch.pipe, out);
    out.extend_from_slice(b"}}");
    put_nodes(&branch.body, out);
    if let Some(otherwise) = &branch.otherwise {
        out.extend_from_slice(b"{{else}}");
        put_nodes(otherwise, out);
    }
    out.extend_from_slice(b"{{end}}");
}

fn put_pipe(pipe: &Pipe, out: &mut Vec<u8>) {
    for (at, variable) in pipe.decl.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(&variable.name);
    }
    if !pipe.decl.is_empty() {
        out.extend_from_slice(if pipe.assign { b" = " } else { b" := " });
    }
    for (at, command) in pipe.commands.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b" | ");
        }
        put_command(command, out);
    }
}

fn put_command(command: &Command, out: &mut Vec<u8>) {
    for (at, arg) in command.args.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        put_expr(arg, out);
    }
}

fn put_fields(fields: &[Str], out: &mut Vec<u8>) {
    for field in fields {
        out.push(b'.');
        out.extend_from_slice(field);
    }
}

fn put_expr(expr: &Expr, out: &mut Vec<u8>) {
    match expr {
        Expr::Bool(_, it) => out.extend_from_slice(if *it { b"true" } else { b"false" }),
        Expr::Dot(_) => out.push(b'.'),
        Expr::Nil(_) => out.extend_from_slice(b"nil"),
        Expr::Number(_, it) => out.extend_from_slice(&it.text),
        Expr::Str(_, written, _) => out.extend_from_slice(written),
        Expr::Field(_, fields) => put_fields(fields, out),
        Expr::Variable(_, variable, fields) => {
            out.extend_from_slice(&variable.name);
            put_fields(fields, out);
        }
        Expr::Chain(_, inner, fields) => {
            put_expr(inner, out);
            put_fields(fields, out);
        }
        Expr::Identifier(_, function) => out.extend_from_slice(function.name.as_bytes()),
        Expr::Pipe(pipe) => {
            out.push(b'(');
            put_pipe(pipe, out);
            out.push(b')');
        }
    }
}
