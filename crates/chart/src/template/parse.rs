//! Go's template parser, with its checks and complaints. Functions and variables are resolved here.

mod number;
mod quick;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lex::{Item, Kind, Lexer};
use super::node::{Branch, Command, Expr, Node, Pipe, Slot, Source, Spot, Template, Variable};
use crate::any::Str;
use crate::functions::{self, Function};
use crate::go::quote;
use crate::profile::Profile;
use quick::Word;

/// Go's limit of parentheses within parentheses is 10,000; ours fits the stack of any thread.
const PAREN_DEPTH_MAX: usize = 1_000;
/// Blocks within blocks.
const BLOCK_DEPTH_MAX: usize = 1_000;

/// The templates that one text defines, its own included, by name.
pub(crate) type Parsed = BTreeMap<Str, Arc<Template>>;

/// Parses `text` under `name`. The error is Go's: `template: NAME:LINE: what`.
pub(crate) fn parse(name: &Str, text: &Str, profile: Profile) -> Result<Parsed, String> {
    let source = Arc::new(Source {
        name: name.clone(),
        text: text.clone(),
    });
    let mut parser = Parser {
        input: text,
        lexer: Lexer::new(text),
        tokens: [const { None }; 3],
        peeked: 0,
        source,
        profile,
        functions: functions::table(profile),
        next_id: 0,
        paren_depth: 0,
        block_depth: 0,
        action: None,
        templates: Parsed::new(),
        scope: Scope::new(),
        nodes: Vec::new(),
        commands: Vec::new(),
        args: Vec::new(),
    };
    parser.file(name)?;
    Ok(parser.templates)
}

/// Variables that are visible at one place of one template.
struct Scope {
    names: Vec<(Str, Slot)>,
    next_slot: usize,
    slots: usize,
    range_depth: usize,
}

impl Scope {
    fn new() -> Self {
        Self {
            names: vec![("$".into(), Slot::new(0))],
            next_slot: 1,
            slots: 1,
            range_depth: 0,
        }
    }

    fn declare(&mut self, name: Str) -> Slot {
        let slot = Slot::new(self.next_slot);
        self.next_slot += 1;
        self.slots = self.slots.max(self.next_slot);
        self.names.push((name, slot));
        slot
    }

    /// The slot of a visible variable, `Slot::NOWHERE` when it was never declared; `None` when there is no such name.
    fn find(&self, name: &[u8]) -> Option<Slot> {
        self.names.iter().rev().find(|it| &*it.0 == name).map(|it| it.1)
    }
}

struct Parser<'a> {
    input: &'a Str,
    lexer: Lexer<'a>,
    tokens: [Option<Item>; 3],
    peeked: usize,
    source: Arc<Source>,
    profile: Profile,
    functions: &'static functions::Table,
    next_id: u32,
    paren_depth: usize,
    block_depth: usize,
    /// What the action that is being read begins with.
    action: Option<Item>,
    templates: Parsed,
    scope: Scope,
    /// Nodes, commands and arguments of lists that are not complete yet, so that each list is made in its size.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    args: Vec<Expr>,
}

/// What ended a list of nodes.
enum Ending {
    End,
    /// `{{else}}`; a following `if` or `with` is still to be read.
    Else,
}

type Parse<T> = Result<T, String>;

impl Parser<'_> {
    fn spot(&mut self, at: usize) -> Spot {
        self.next_id += 1;
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Spot { at, id: self.next_id }
    }

    fn val(&self, item: &Item) -> &[u8] {
        &self.input[item.start..item.end]
    }

    /// The token's text to keep: a part of the input, not a copy.
    fn kept(&self, item: &Item) -> Str {
        self.input.part(item.start..item.end)
    }

    /// The name of a field, without its dot.
    fn field(&self, item: &Item) -> Str {
        self.input.part(item.start + 1..item.end)
    }

    fn next(&mut self) -> Item {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = Some(self.lexer.next_item());
        }
        self.tokens[self.peeked].unwrap_or_else(|| self.lexer.next_item())
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    fn backup2(&mut self, one: Item) {
        self.tokens[1] = Some(one);
        self.peeked = 2;
    }

    fn backup3(&mut self, two: Item, one: Item) {
        self.tokens[1] = Some(one);
        self.tokens[2] = Some(two);
        self.peeked = 3;
    }

    fn peek(&mut self) -> Item {
        let item = self.next();
        self.backup();
        item
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.backup();
        item
    }

    fn fail<T>(&self, message: &str) -> Parse<T> {
        let line = self.tokens[0].as_ref().map_or(1, |it| self.lexer.line(it));
        Err(format!("template: {}:{line}: {message}", self.source.name.text()))
    }

    fn show(&self, item: &Item) -> String {
        let val = self.val(item);
        match item.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.lexer.failure().to_owned(),
            kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(val)),
            _ if val.len() > 10 => {
                let text = String::from_utf8_lossy(val);
                let short: String = text.chars().take(10).collect();
                format!("{}...", quote::quoted(short.as_bytes()))
            }
            _ => quote::quoted(val),
        }
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parse<T> {
        if item.kind == Kind::Error {
            let message = self.lexer.failure();
            let mut extra = String::new();
            let action = self.action.map(|it| self.lexer.line(&it));
            if let Some(action) = action.filter(|it| *it != self.lexer.line(item)) {
                extra = format!(" in action started at {}:{action}", self.source.name.text());
                if message.ends_with(" action") {
                    extra = extra.replacen(" in action", "", 1);
                }
            }
            return self.fail(&format!("{message}{extra}"));
        }
        self.fail(&format!("unexpected {} in {context}", self.show(item)))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parse<Item> {
        let item = self.next_non_space();
        if item.kind == kind {
            Ok(item)
        } else {
            self.unexpected(&item, context)
        }
    }

    /// The whole file.
    fn file(&mut self, name: &Str) -> Parse<()> {
        let mut body = Vec::new();
        loop {
            let item = self.peek();
            if item.kind == Kind::Eof {
                break;
            }
            if item.kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup2(delim);
            }
            match self.text_or_action()? {
                Step::Node(node) => body.push(node),
                Step::Ending(Ending::End) => return self.fail("unexpected {{end}}"),
                Step::Ending(Ending::Else) => return self.fail("unexpected {{else}}"),
            }
        }
        let slots = self.scope.slots;
        self.add(name.clone(), body, slots)
    }

    fn definition(&mut self) -> Parse<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&item, CONTEXT);
        }
        let Some(name) = quote::unquote(self.val(&item)) else {
            return self.fail("invalid syntax");
        };
        self.expect(Kind::RightDelim, CONTEXT)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (body, ending) = self.list()?;
        if matches!(ending, Ending::Else) {
            return self.fail(&format!("unexpected {{{{else}}}} in {CONTEXT}"));
        }
        let inner = std::mem::replace(&mut self.scope, outer);
        self.add(name.into(), body, inner.slots)
    }

    fn add(&mut self, name: Str, body: Vec<Node>, slots: usize) -> Parse<()> {
        let empty = body
            .iter()
            .all(|it| matches!(it, Node::Text(_, text) if is_blank(text)));
        if let Some(old) = self.templates.get(&name)
            && !old.empty
        {
            if empty {
                return Ok(());
            }
            return self.fail(&format!(
                "template: multiple definition of template {}",
                quote::quoted(&name)
            ));
        }
        let template = Template {
            name: name.clone(),
            source: self.source.clone(),
            body,
            slots,
            empty,
        };
        self.templates.insert(name, Arc::new(template));
        Ok(())
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parse<(Vec<Node>, Ending)> {
        self.block_depth += 1;
        if self.block_depth > BLOCK_DEPTH_MAX {
            return self.fail("blocks are nested too deeply");
        }
        let base = self.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Step::Node(node) => self.nodes.push(node),
                Step::Ending(ending) => {
                    self.block_depth -= 1;
                    return Ok((take(&mut self.nodes, base), ending));
                }
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parse<Step> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => {
                let spot = self.spot(item.start);
                Ok(Step::Node(Node::Text(spot, self.kept(&item))))
            }
            Kind::LeftDelim => {
                self.action = Some(item);
                let step = self.action()?;
                self.action = None;
                Ok(step)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parse<Step> {
        if let Some(word) = self.quick_word() {
            return Ok(match word {
                Word::End => Step::Ending(Ending::End),
                Word::Else => Step::Ending(Ending::Else),
                Word::If => Step::Node(Node::If(self.control("if")?)),
                Word::Range => Step::Node(Node::Range(self.control("range")?)),
                Word::With => Step::Node(Node::With(self.control("with")?)),
            });
        }
        if let Some(start) = self.quick_start() {
            let spot = self.spot(start);
            if let Some(pipe) = self.quick_pipeline("command") {
                return Ok(Step::Node(Node::Action(spot, Box::new(pipe))));
            }
        }
        let item = self.next_non_space();
        let node = match item.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.loop_control(&item, "{{break}}")?,
            Kind::Continue => self.loop_control(&item, "{{continue}}")?,
            Kind::Else => {
                let next = self.peek_non_space();
                if !matches!(next.kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Step::Ending(Ending::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Step::Ending(Ending::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.backup();
                let start = self.peek().start;
                let spot = self.spot(start);
                Node::Action(spot, Box::new(self.pipeline("command", Kind::RightDelim)?))
            }
        };
        Ok(Step::Node(node))
    }

    fn loop_control(&mut self, item: &Item, what: &str) -> Parse<Node> {
        let next = self.next_non_space();
        if next.kind != Kind::RightDelim {
            return self.unexpected(&next, what);
        }
        if self.scope.range_depth == 0 {
            return self.fail(&format!("{what} outside {{{{range}}}}"));
        }
        let spot = self.spot(item.start);
        Ok(if item.kind == Kind::Break {
            Node::Break(spot)
        } else {
            Node::Continue(spot)
        })
    }

    fn control(&mut self, context: &'static str) -> Parse<Box<Branch>> {
        let (names, next_slot) = (self.scope.names.len(), self.scope.next_slot);
        self.block_depth += 1;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let in_range = usize::from(context == "range");
        self.scope.range_depth += in_range;
        let (body, ending) = self.list()?;
        self.scope.range_depth -= in_range;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(context)?),
        };
        self.block_depth -= 1;
        self.scope.names.truncate(names);
        self.scope.next_slot = next_slot;
        let spot = self.spot(pipe.spot.at as usize);
        Ok(Box::new(Branch {
            spot,
            pipe,
            body,
            otherwise,
        }))
    }

    fn otherwise(&mut self, context: &'static str) -> Parse<Vec<Node>> {
        let next = self.peek().kind;
        if context == "if" && next == Kind::If {
            self.next();
            return Ok(vec![Node::If(self.control("if")?)]);
        }
        if context == "with" && next == Kind::With {
            self.next();
            return Ok(vec![Node::With(self.control("with")?)]);
        }
        let (nodes, ending) = self.list()?;
        match ending {
            Ending::End => Ok(nodes),
            Ending::Else => self.fail("expected end; found {{else}}"),
        }
    }

    fn block(&mut self) -> Parse<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (body, ending) = self.list()?;
        if matches!(ending, Ending::Else) {
            return self.fail(&format!("unexpected {{{{else}}}} in {CONTEXT}"));
        }
        let inner = std::mem::replace(&mut self.scope, outer);
        self.add(name.clone(), body, inner.slots)?;
        let spot = self.spot(item.start);
        Ok(Node::Template(spot, name, Some(Box::new(pipe))))
    }

    fn template(&mut self) -> Parse<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        if let Some(pipe) = self.quick_pipeline(CONTEXT) {
            let spot = self.spot(item.start);
            return Ok(Node::Template(spot, name, Some(Box::new(pipe))));
        }
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(Box::new(self.pipeline(CONTEXT, Kind::RightDelim)?));
        }
        let spot = self.spot(item.start);
        Ok(Node::Template(spot, name, pipe))
    }

    /// The value of a quoted string.
    fn literal(&self, item: &Item) -> Option<Str> {
        let val = self.val(item);
        let inner = item.start + 1..item.end.saturating_sub(1).max(item.start + 1);
        let as_written = match item.kind {
            Kind::RawString => memchr::memchr(b'\r', val).is_none(),
            _ => memchr::memchr(b'\\', val).is_none() && std::str::from_utf8(val).is_ok(),
        };
        if as_written && val.len() >= 2 {
            return Some(self.input.part(inner));
        }
        quote::unquote(val).map(Str::from)
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Parse<Str> {
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(item, context);
        }
        match self.literal(item) {
            Some(name) => Ok(name),
            None => self.fail("invalid syntax"),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parse<Pipe> {
        if end == Kind::RightDelim
            && let Some(pipe) = self.quick_pipeline(context)
        {
            return Ok(pipe);
        }
        let base = self.commands.len();
        let start = self.peek_non_space().start;
        let spot = self.spot(start);
        let mut decl = Vec::new();
        let assign = self.declarations(&mut decl, context)?;
        loop {
            let item = self.next_non_space();
            if item.kind == end {
                let rest: Box<[Command]> = take(&mut self.commands, base + 1);
                if self.commands.len() == base {
                    return self.fail(&format!("missing value for {context}"));
                }
                self.check(&rest)?;
                let Some(first) = self.commands.pop() else {
                    return self.fail(&format!("missing value for {context}"));
                };
                if !assign {
                    self.settle(&mut decl);
                }
                return Ok(Pipe {
                    spot,
                    assign,
                    decl: decl.into(),
                    first,
                    rest,
                });
            }
            match item.kind {
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
    }

    /// The variables that the pipeline sets, and whether it assigns to them.
    fn declarations(&mut self, decl: &mut Vec<Variable>, context: &str) -> Parse<bool> {
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next_non_space();
            let after = self.peek();
            let next = self.peek_non_space();
            let name = self.kept(&variable);
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.next_non_space();
                    self.announce(name, decl);
                    return Ok(next.kind == Kind::Assign);
                }
                Kind::Char if self.val(&next) == b"," => {
                    self.next_non_space();
                    self.announce(name, decl);
                    if context != "range" || decl.len() >= 2 {
                        return self.fail(&format!("too many declarations in {context}"));
                    }
                    let ahead = self.peek_non_space().kind;
                    if !matches!(ahead, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return self.fail("range can only initialize variables");
                    }
                }
                _ if after.kind == Kind::Space => {
                    self.backup3(variable, after);
                    return Ok(false);
                }
                _ => {
                    self.backup2(variable);
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    /// A variable that the pipeline is going to set: its name is known from here on, but until the pipeline is
    /// complete it stands for what it stood for before.
    fn announce(&mut self, name: Str, decl: &mut Vec<Variable>) {
        let slot = self.scope.find(&name).unwrap_or(Slot::NOWHERE);
        self.scope.names.push((name.clone(), slot));
        decl.push(Variable { name, slot });
    }

    /// Gives the declared variables slots of their own.
    fn settle(&mut self, decl: &mut [Variable]) {
        for variable in decl {
            variable.slot = self.scope.declare(variable.name.clone());
        }
    }

    fn check(&self, rest: &[Command]) -> Parse<()> {
        match rest.iter().position(|it| !is_executable(&it.first)) {
            Some(at) => self.fail(&format!("non executable command in pipeline stage {}", at + 2)),
            None => Ok(()),
        }
    }

    fn command(&mut self) -> Parse<Command> {
        let start = self.peek_non_space().start;
        let spot = self.spot(start);
        let base = self.args.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.args.push(operand);
            }
            let item = self.next();
            match item.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        if self.args.len() == base {
            return self.fail("empty command");
        }
        let args = take(&mut self.args, base + 1);
        match self.args.pop() {
            Some(first) => Ok(Command { spot, first, args }),
            None => self.fail("empty command"),
        }
    }

    fn operand(&mut self) -> Parse<Option<Expr>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(term));
        }
        let mut last = first;
        while self.peek().kind == Kind::Field {
            last = self.next();
        }
        let names = |from: usize| self.input.part(from..last.end);
        let spot = Spot {
            at: u32::try_from(first.start).unwrap_or(u32::MAX),
            id: self.next_id + 1,
        };
        let expr = match term {
            // The first name is a part of the term, right before the others.
            Expr::Field(own, _) => Expr::Field(spot, names(own.at as usize + 1)),
            Expr::Variable(own, slot, _) => Expr::Variable(spot, slot, names(own.at as usize)),
            Expr::Bool(..)
            | Expr::Str(..)
            | Expr::Int(..)
            | Expr::Number(..)
            | Expr::Nil(_)
            | Expr::Dot(_) => {
                let text = super::show::expr(&term, self.input);
                return self.fail(&format!("unexpected . after term {}", quote::quoted(&text)));
            }
            _ => Expr::Chain(spot, Box::new(term), names(first.start + 1)),
        };
        self.next_id += 1;
        Ok(Some(expr))
    }

    fn term(&mut self) -> Parse<Option<Expr>> {
        let item = self.next_non_space();
        let start = item.start;
        let expr = match item.kind {
            Kind::Identifier => {
                let Some(function) = self.function(&item) else {
                    return self.fail(&format!(
                        "function {} not defined",
                        quote::quoted(self.val(&item))
                    ));
                };
                Expr::Identifier(self.spot(start), function)
            }
            Kind::Dot => Expr::Dot(self.spot(start)),
            Kind::Nil => Expr::Nil(self.spot(start)),
            Kind::Variable => {
                let name = self.kept(&item);
                let Some(slot) = self.scope.find(&name) else {
                    return self.fail(&format!("undefined variable {}", quote::quoted(&name)));
                };
                Expr::Variable(self.spot(start), slot, name)
            }
            Kind::Field => {
                let name = self.field(&item);
                Expr::Field(self.spot(start), name)
            }
            Kind::Bool => {
                let value = self.val(&item) == b"true";
                Expr::Bool(self.spot(start), value)
            }
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match number::read(self.val(&item), item.kind) {
                    Ok(number) => Expr::Number(self.spot(start), Box::new(number)),
                    Err(message) => return self.fail(&message),
                }
            }
            Kind::LeftParen => {
                if self.paren_depth >= PAREN_DEPTH_MAX {
                    return self.fail("max expression depth exceeded");
                }
                self.paren_depth += 1;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.paren_depth -= 1;
                Expr::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let Some(value) = self.literal(&item) else {
                    return self.fail("invalid syntax");
                };
                Expr::Str(self.spot(start), value)
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(expr))
    }

    fn function(&self, item: &Item) -> Option<&'static Function> {
        let _ = self.profile;
        self.functions.find(self.val(item))
    }
}

/// What a stack holds above `base`, in a list of its exact size.
fn take<T, L: From<Vec<T>>>(stack: &mut Vec<T>, base: usize) -> L {
    if stack.len() <= base {
        return Vec::new().into();
    }
    let mut list = Vec::with_capacity(stack.len() - base);
    list.extend(stack.drain(base..));
    list.into()
}

/// Whether a command can be given what the one before it hands on.
fn is_executable(first: &Expr) -> bool {
    !matches!(
        first,
        Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Int(..) | Expr::Number(..) | Expr::Str(..)
    )
}

enum Step {
    Node(Node),
    Ending(Ending),
}

fn is_blank(text: &[u8]) -> bool {
    crate::go::runes::trim_space(text).is_empty()
}
