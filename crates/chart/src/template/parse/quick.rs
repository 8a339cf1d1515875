//! The forms in which nearly all actions are written, read from the bytes without tokens between. What is not one of them,
//! and whatever is wrong, is left to the lexer and the parser, which start from the same place as if nothing had been.

use super::{Command, Expr, Item, Kind, PAREN_DEPTH_MAX, Parser, Pipe, Str, Variable, is_executable, take};

/// A keyword that was read, with its end where it has nothing after it.
pub(super) enum Word {
    End,
    Else,
    If,
    Range,
    With,
}

/// Digits that fit into a small number.
const DIGITS_MAX: usize = 9;

impl Parser<'_> {
    /// The keyword that the action begins with.
    pub(super) fn quick_word(&mut self) -> Option<Word> {
        let start = self.quick_start()?;
        let text = &self.input[start..];
        let (word, length) = match text {
            [b'e', b'n', b'd', ..] => (Word::End, 3),
            [b'e', b'l', b's', b'e', ..] => (Word::Else, 4),
            [b'i', b'f', b' ', ..] => (Word::If, 2),
            [b'w', b'i', b't', b'h', b' ', ..] => (Word::With, 4),
            [b'r', b'a', b'n', b'g', b'e', b' ', ..] => (Word::Range, 5),
            _ => return None,
        };
        let mut at = start + length;
        if matches!(word, Word::End | Word::Else) {
            let trims = self.quick_end(&mut at)?;
            self.quick_close(at, trims);
        } else {
            self.lexer.go_to(at);
        }
        Some(word)
    }

    /// Where the first token of the action begins, if none has been read.
    pub(super) fn quick_start(&self) -> Option<usize> {
        let mut at = self.quick_place()?;
        self.spaces(&mut at);
        Some(at)
    }

    fn quick_place(&self) -> Option<usize> {
        if self.peeked == 0 {
            self.lexer.place()
        } else {
            None
        }
    }

    /// A pipeline up to the end of the action.
    pub(super) fn quick_pipeline(&mut self, context: &str) -> Option<Pipe> {
        let mut at = self.quick_place()?;
        let (args, commands) = (self.args.len(), self.commands.len());
        let (names, depth) = (self.scope.names.len(), self.paren_depth);
        let read = self.quick_whole(&mut at, context);
        if read.is_none() {
            self.args.truncate(args);
            self.commands.truncate(commands);
            self.scope.names.truncate(names);
            self.paren_depth = depth;
        }
        let (mut pipe, trims) = read?;
        if !pipe.assign {
            self.settle(&mut pipe.decl);
        }
        self.quick_close(at, trims);
        Some(pipe)
    }

    fn quick_whole(&mut self, at: &mut usize, context: &str) -> Option<(Pipe, bool)> {
        self.spaces(at);
        let spot = self.spot(*at);
        let mut decl = Vec::new();
        let mut assign = false;
        if self.input.get(*at) == Some(&b'$') {
            assign = self.quick_declarations(at, context, &mut decl)?;
        }
        let (first, rest) = self.quick_commands(at)?;
        let trims = self.quick_end(at)?;
        let pipe = Pipe {
            spot,
            assign,
            decl: decl.into(),
            first,
            rest,
        };
        Some((pipe, trims))
    }

    /// Variables that the pipeline sets, and whether it assigns to them. Nothing is read where there are none.
    fn quick_declarations(
        &mut self,
        at: &mut usize,
        context: &str,
        decl: &mut Vec<Variable>,
    ) -> Option<bool> {
        let start = *at;
        let mut next = start + 1 + name(&self.input[start + 1..]);
        let variable = self.input.part(start..next);
        let first = *self.input.get(next)?;
        self.spaces(&mut next);
        match &self.input[next..] {
            [b':', b'=', ..] if first == b':' || is_space(first) => {
                self.announce(variable, decl);
                *at = next + 2;
                Some(false)
            }
            [b'=', after, ..] if is_space(first) && *after != b'=' => {
                self.announce(variable, decl);
                *at = next + 1;
                Some(true)
            }
            [b',', ..] if (first == b',' || is_space(first)) && context == "range" && decl.is_empty() => {
                next += 1;
                self.spaces(&mut next);
                if self.input.get(next) != Some(&b'$') {
                    return None;
                }
                self.announce(variable, decl);
                let assign = self.quick_declarations(&mut next, context, decl)?;
                *at = next;
                (decl.len() == 2).then_some(assign)
            }
            // The variable is what the pipeline begins with.
            _ if decl.is_empty() => Some(false),
            _ => None,
        }
    }

    /// Commands up to something that is none.
    fn quick_commands(&mut self, at: &mut usize) -> Option<(Command, Box<[Command]>)> {
        let base = self.commands.len();
        loop {
            let command = self.quick_command(at)?;
            if self.commands.len() > base && !is_executable(&command.first) {
                return None;
            }
            self.commands.push(command);
            let mut next = *at;
            self.spaces(&mut next);
            if self.input.get(next) != Some(&b'|') {
                break;
            }
            *at = next + 1;
        }
        let rest = take(&mut self.commands, base + 1);
        Some((self.commands.pop()?, rest))
    }

    fn quick_command(&mut self, at: &mut usize) -> Option<Command> {
        self.spaces(at);
        let spot = self.spot(*at);
        let first = self.quick_operand(at)?;
        let base = self.args.len();
        loop {
            let mut next = *at;
            self.spaces(&mut next);
            match self.input.get(next)? {
                b'|' | b')' => break,
                b'}' if self.is_right(next) => break,
                b'-' if self.is_right(next + 1) => break,
                // Operands stand apart.
                _ if next == *at => return None,
                _ => {}
            }
            *at = next;
            let arg = self.quick_operand(at)?;
            self.args.push(arg);
        }
        let args = take(&mut self.args, base);
        Some(Command { spot, first, args })
    }

    fn quick_operand(&mut self, at: &mut usize) -> Option<Expr> {
        let start = *at;
        let expr = match self.input.get(start)? {
            b'.' => {
                *at = start + 1;
                if self.ends(*at) {
                    return Some(Expr::Dot(self.spot(start)));
                }
                *at = start;
                let place = self.quick_fields(at)?;
                Expr::Field(self.spot(place), self.input.part(start + 1..*at))
            }
            b'$' => {
                *at = start + 1 + name(&self.input[start + 1..]);
                let slot = self.scope.find(&self.input[start..*at])?;
                let fields = *at;
                self.quick_fields(at)?;
                let place = if *at > fields { fields } else { start };
                let text = self.input.part(start..*at);
                Expr::Variable(self.spot(place), slot, text)
            }
            b'"' | b'`' => self.quick_string(at)?,
            b'0'..=b'9' => self.quick_number(at)?,
            b'(' => return self.quick_parens(at),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                *at = start + name(&self.input[start..]);
                match &self.input[start..*at] {
                    b"true" => Expr::Bool(self.spot(start), true),
                    b"false" => Expr::Bool(self.spot(start), false),
                    word => {
                        let function = self.functions.find(word)?;
                        Expr::Identifier(self.spot(start), function)
                    }
                }
            }
            _ => return None,
        };
        self.ends(*at).then_some(expr)
    }

    /// A pipeline in parentheses and the fields of it.
    fn quick_parens(&mut self, at: &mut usize) -> Option<Expr> {
        if self.paren_depth >= PAREN_DEPTH_MAX {
            return None;
        }
        self.paren_depth += 1;
        *at += 1;
        self.spaces(at);
        let spot = self.spot(*at);
        let (first, rest) = self.quick_commands(at)?;
        self.spaces(at);
        if self.input.get(*at) != Some(&b')') {
            return None;
        }
        *at += 1;
        self.paren_depth -= 1;
        let pipe = Pipe {
            spot,
            assign: false,
            decl: Box::default(),
            first,
            rest,
        };
        let inner = Expr::Pipe(Box::new(pipe));
        let start = *at;
        if self.input.get(start) == Some(&b'.') {
            self.quick_fields(at)?;
            let fields: Str = self.input.part(start + 1..*at);
            let chain = Expr::Chain(self.spot(start), Box::new(inner), fields);
            return self.ends(*at).then_some(chain);
        }
        self.ends(start).then_some(inner)
    }

    /// Names with a dot before each, if there are any; where the second begins, which is what Go calls the place of them
    /// all, or else the first.
    fn quick_fields(&self, at: &mut usize) -> Option<usize> {
        let start = *at;
        let mut place = start;
        while self.input.get(*at) == Some(&b'.') {
            if place == start {
                place = *at;
            }
            let text = &self.input[*at + 1..];
            let length = name(text);
            if length == 0 || text[0].is_ascii_digit() {
                return None;
            }
            *at += 1 + length;
        }
        Some(place)
    }

    fn quick_string(&mut self, at: &mut usize) -> Option<Expr> {
        let start = *at;
        let text = &self.input[start..];
        let (kind, length) = if text[0] == b'`' {
            (Kind::RawString, memchr::memchr(b'`', &text[1..])? + 2)
        } else {
            let mut length = 1;
            loop {
                match text.get(length)? {
                    b'"' => break,
                    b'\\' if text.get(length + 1) != Some(&b'\n') => length += 2,
                    b'\n' | b'\\' => return None,
                    _ => length += 1,
                }
            }
            (Kind::String, length + 1)
        };
        *at = start + length;
        let item = Item {
            kind,
            start,
            end: *at,
        };
        let value = self.literal(&item)?;
        Some(Expr::Str(self.spot(start), value))
    }

    /// A number that is written as itself.
    fn quick_number(&mut self, at: &mut usize) -> Option<Expr> {
        let text = &self.input[*at..];
        let length = text.iter().take_while(|it| it.is_ascii_digit()).count();
        if length > DIGITS_MAX || length > 1 && text[0] == b'0' {
            return None;
        }
        let number = text[..length]
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        let start = *at;
        *at += length;
        Some(Expr::Int(self.spot(start), number))
    }

    /// The end of an action: its place, and whether the white space after it belongs to it.
    fn quick_end(&self, at: &mut usize) -> Option<bool> {
        let start = *at;
        self.spaces(at);
        if self.is_right(*at) {
            return Some(false);
        }
        let trims = *at > start && self.input.get(*at) == Some(&b'-') && self.is_right(*at + 1);
        *at += usize::from(trims);
        trims.then_some(true)
    }

    /// Goes on after the `}}` at this place.
    fn quick_close(&mut self, at: usize, trims: bool) {
        self.tokens[0] = Some(self.lexer.close(at, trims));
    }

    fn is_right(&self, at: usize) -> bool {
        self.input.get(at..at + 2) == Some(b"}}")
    }

    /// Whether an operand may end here.
    fn ends(&self, at: usize) -> bool {
        match self.input.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'|' | b')') => true,
            _ => self.is_right(at),
        }
    }

    fn spaces(&self, at: &mut usize) {
        while self.input.get(*at).copied().is_some_and(is_space) {
            *at += 1;
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The length of a name.
fn name(text: &[u8]) -> usize {
    text.iter()
        .position(|it| !(it.is_ascii_alphanumeric() || *it == b'_'))
        .unwrap_or(text.len())
}
