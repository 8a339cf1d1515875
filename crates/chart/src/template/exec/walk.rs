//! The walk over a template's nodes: text, actions, branches, loops.

use super::{Exec, Fail, Held};
use crate::any::{Any, Elem, Object};
use crate::go::print;
use crate::template::node::{Branch, Node, Pipe, Variable};

/// What a node makes the enclosing loop do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Exec<'_> {
    pub(super) fn nodes(&mut self, nodes: &[Node], dot: &Held) -> Result<Flow, Fail> {
        for node in nodes {
            let flow = self.one(node, dot)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn one(&mut self, node: &Node, dot: &Held) -> Result<Flow, Fail> {
        self.step()?;
        match node {
            Node::Text(_, text) => self.write(text)?,
            Node::Action(spot, pipe) => {
                self.at(*spot);
                let value = self.pipeline(pipe, dot)?;
                if pipe.decl.is_empty() {
                    self.at(*spot);
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template(spot, name, pipe) => {
                self.at(*spot);
                let Some(template) = self.scope.find(name) else {
                    let name = crate::go::quote::quoted(name);
                    return self.error(&format!("template {name} not defined"));
                };
                let dot = match pipe {
                    Some(pipe) => self.pipeline(pipe, dot)?,
                    None => Any::Nil,
                };
                self.run(&template, &Held::plain(dot))?;
            }
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Any) -> Result<(), Fail> {
        let before = self.out.len();
        match value {
            Any::Nil => self.out.extend_from_slice(b"<no value>"),
            Any::Str(text) => self.out.extend_from_slice(text),
            // An action prints what a pointer points at, and knows the methods of pointers.
            Any::Object(object) => {
                let text = match &**object {
                    Object::KubeVersion(it) => it.normalised.to_vec(),
                    _ => print::sprint(std::slice::from_ref(value), self.setting.profile),
                };
                self.out
                    .extend_from_slice(text.strip_prefix(b"&").unwrap_or(&text));
            }
            _ => print::display(value, &mut self.out, self.setting.profile),
        }
        self.written += self.out.len() - before;
        self.check_written()
    }

    fn branch(&mut self, branch: &Branch, dot: &Held, sets_dot: bool) -> Result<Flow, Fail> {
        self.at(branch.spot);
        let value = self.pipeline(&branch.pipe, dot)?;
        if value.truth() {
            if sets_dot {
                return self.nodes(&branch.body, &Held::plain(value));
            }
            return self.nodes(&branch.body, dot);
        }
        match &branch.otherwise {
            Some(otherwise) => self.nodes(otherwise, dot),
            None => Ok(Flow::Next),
        }
    }

    fn range(&mut self, branch: &Branch, dot: &Held) -> Result<Flow, Fail> {
        self.at(branch.spot);
        let value = self.pipeline(&branch.pipe, dot)?;
        let rounds = match &value {
            Any::Nil => 0,
            Any::Int(count) | Any::Int64(count) => self.range_count(branch, *count, &value)?,
            Any::Uint64(count) => {
                self.range_count(branch, i64::try_from(*count).unwrap_or(i64::MAX), &value)?
            }
            Any::Uint8(count) => self.range_count(branch, i64::from(*count), &value)?,
            Any::List(list) => {
                let interface = list.elem() == Elem::Any;
                for (at, item) in list.items().iter().enumerate() {
                    let index = Any::Int(i64::try_from(at).unwrap_or(i64::MAX));
                    if self.round(
                        branch,
                        index,
                        &Held {
                            value: item.clone(),
                            interface,
                        },
                    )? == Flow::Break
                    {
                        break;
                    }
                }
                list.len()
            }
            Any::Bytes(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    let index = Any::Int(i64::try_from(at).unwrap_or(i64::MAX));
                    if self.round(branch, index, &Held::plain(Any::Uint8(*byte)))? == Flow::Break {
                        break;
                    }
                }
                bytes.len()
            }
            Any::Map(map) => {
                let entries = map.entries();
                let interface = matches!(
                    map.flavour(),
                    crate::any::Flavour::Any | crate::any::Flavour::Values
                );
                for (key, item) in &entries {
                    let item = Held {
                        value: item.clone(),
                        interface,
                    };
                    if self.round(branch, Any::Str(key.clone()), &item)? == Flow::Break {
                        break;
                    }
                }
                entries.len()
            }
            Any::Str(_) | Any::Bool(_) | Any::Float(_) | Any::Object(_) => {
                let mut text = Vec::new();
                print::display(&value, &mut text, self.profile());
                return self.error(&format!(
                    "range can't iterate over {}",
                    String::from_utf8_lossy(&text)
                ));
            }
        };
        if rounds == 0
            && let Some(otherwise) = &branch.otherwise
        {
            return self.nodes(otherwise, dot);
        }
        Ok(Flow::Next)
    }

    fn range_count(&mut self, branch: &Branch, count: i64, value: &Any) -> Result<usize, Fail> {
        if branch.pipe.decl.len() > 1 {
            return self.error(&format!(
                "can't use {count} to iterate over more than one variable"
            ));
        }
        for at in 0..count.max(0) {
            let item = match value {
                Any::Int(_) => Any::Int(at),
                _ => Any::Int64(at),
            };
            if self.round(branch, Any::Nil, &Held::plain(item))? == Flow::Break {
                break;
            }
        }
        Ok(usize::try_from(count.max(0)).unwrap_or(usize::MAX))
    }

    /// One round of a loop.
    fn round(&mut self, branch: &Branch, index: Any, item: &Held) -> Result<Flow, Fail> {
        self.step()?;
        match &*branch.pipe.decl {
            [] => {}
            [one] => self.set_variable(one, item.clone())?,
            [first, second, ..] => {
                self.set_variable(second, item.clone())?;
                self.set_variable(first, Held::plain(index))?;
            }
        }
        self.nodes(&branch.body, item)
    }

    pub(super) fn set_variable(&mut self, variable: &Variable, held: Held) -> Result<(), Fail> {
        match variable.slot.place() {
            Some(slot) => {
                let at = self.base + slot;
                self.stack[at] = held;
                Ok(())
            }
            None => self.error(&format!("undefined variable: {}", variable.name.text())),
        }
    }

    /// The value of a pipeline; its variables are set.
    pub(super) fn pipeline(&mut self, pipe: &Pipe, dot: &Held) -> Result<Any, Fail> {
        self.at(pipe.spot);
        let mut value = self.command(&pipe.first, dot, None)?.value;
        for command in &pipe.rest {
            value = self.command(command, dot, Some(value))?.value;
        }
        for variable in &pipe.decl {
            self.set_variable(variable, Held::plain(value.clone()))?;
        }
        Ok(value)
    }
}
