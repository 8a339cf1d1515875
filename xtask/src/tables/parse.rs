//! A parser of Go for test files. Generics, channels and labels are not understood: a file with them is refused by name.

mod expression;

use std::rc::Rc;

use super::lex::{self, Token, is_keyword};
use super::syntax::{Block, Case, Expr, File, Function, Stmt, Subject, Type};

type Result<T> = std::result::Result<T, String>;

pub(super) fn parse(text: &str) -> Result<File> {
    let mut parser = Parser {
        words: lex::words(text)?,
        at: 0,
        no_composite: false,
    };
    parser.file()
}

pub(super) struct Parser {
    words: Vec<(Token, usize)>,
    at: usize,
    /// In the head of `if`, `for` and `switch`, `{` opens the body.
    no_composite: bool,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.words[self.at.min(self.words.len() - 1)].0
    }

    fn line(&self) -> usize {
        self.words[self.at.min(self.words.len() - 1)].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(it) if *it == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(it) if it == word)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.take(sign) {
            return Ok(());
        }
        Err(format!(
            "line {}: {sign:?} is expected, {:?} found",
            self.line(),
            self.peek()
        ))
    }

    fn name(&mut self) -> Result<String> {
        match self.next() {
            Token::Name(name) if !is_keyword(&name) => Ok(name),
            other => Err(format!(
                "line {}: a name is expected, {other:?} found",
                self.line()
            )),
        }
    }

    fn file(&mut self) -> Result<File> {
        let mut file = File::default();
        loop {
            if self.take(";") {
                continue;
            }
            let word = match self.next() {
                Token::End => return Ok(file),
                Token::Name(word) => word,
                other => return Err(format!("line {}: {other:?} opens no declaration", self.line())),
            };
            match word.as_str() {
                "package" => {
                    self.name()?;
                }
                "import" => self.skip_import(),
                "func" => self.declared_function(&mut file)?,
                "var" | "const" => {
                    let line = self.line();
                    for it in self.variables()? {
                        file.variables.push((it, line));
                    }
                }
                "type" => {
                    for it in self.types()? {
                        if let Stmt::Type(name, kind) = it {
                            file.types.push((name, kind));
                        }
                    }
                }
                other => return Err(format!("line {}: {other} opens no declaration", self.line())),
            }
        }
    }

    fn skip_import(&mut self) {
        let many = self.is("(");
        loop {
            match self.next() {
                Token::Sign(")") | Token::End => return,
                Token::Sign(";") if !many => return,
                _ => {}
            }
        }
    }

    fn declared_function(&mut self, file: &mut File) -> Result<()> {
        let mut receiver = None;
        if self.take("(") {
            receiver = self.parameters()?.0.into_iter().next();
        }
        let name = self.name()?;
        let function = self.function(receiver.clone())?;
        let name = match receiver.as_ref().and_then(|it| it.1.named()) {
            Some(kind) => format!("{kind}.{name}"),
            None => name,
        };
        file.functions.push((name, Rc::new(function)));
        Ok(())
    }

    /// Parameters, results and body; the receiver becomes the first parameter.
    fn function(&mut self, receiver: Option<(String, Type)>) -> Result<Function> {
        let mut function = self.signature(receiver)?;
        if self.is("{") {
            function.body = self.block()?;
        }
        Ok(function)
    }

    fn signature(&mut self, receiver: Option<(String, Type)>) -> Result<Function> {
        self.expect("(")?;
        let (mut parameters, variadic) = self.parameters()?;
        parameters.splice(0..0, receiver);
        let mut results = Vec::new();
        if self.take("(") {
            results = self.parameters()?.0;
        } else if matches!(self.peek(), Token::Name(_) | Token::Sign("*" | "[")) {
            self.kind()?;
        }
        Ok(Function {
            parameters,
            results,
            variadic,
            body: Vec::new(),
        })
    }

    /// After the opening parenthesis. Names may be missing, types may be shared.
    fn parameters(&mut self) -> Result<(Vec<(String, Type)>, bool)> {
        let mut found: Vec<(Option<String>, Option<Type>)> = Vec::new();
        let mut variadic = false;
        while !self.take(")") {
            let first = if self.take("...") {
                variadic = true;
                (None, Some(self.kind()?))
            } else {
                let kind = self.kind()?;
                if self.is(",") || self.is(")") {
                    (None, Some(kind))
                } else {
                    variadic |= self.take("...");
                    let Type::Name(name) = kind else {
                        return Err(format!("line {}: a parameter's name is expected", self.line()));
                    };
                    (Some(name), Some(self.kind()?))
                }
            };
            found.push(first);
            self.take(",");
            while self.take(";") {}
        }
        let named = found.iter().any(|it| it.0.is_some());
        let mut out: Vec<(String, Type)> = Vec::new();
        let mut kind = Type::Other;
        for (name, found_kind) in found.into_iter().rev() {
            match (name, found_kind) {
                (Some(name), Some(it)) => {
                    kind = it;
                    out.push((name, kind.clone()));
                }
                (None, Some(Type::Name(name))) if named => out.push((name, kind.clone())),
                (_, it) => out.push(("_".to_owned(), it.unwrap_or(Type::Other))),
            }
        }
        out.reverse();
        Ok((out, variadic))
    }

    fn variables(&mut self) -> Result<Vec<Stmt>> {
        if !self.take("(") {
            return Ok(vec![self.variable()?]);
        }
        let mut all = Vec::new();
        while !self.take(")") {
            if !self.take(";") {
                all.push(self.variable()?);
            }
        }
        Ok(all)
    }

    fn variable(&mut self) -> Result<Stmt> {
        let mut names = vec![self.name()?];
        while self.take(",") {
            names.push(self.name()?);
        }
        let kind = if self.is("=") || self.is(";") || self.is(")") {
            None
        } else {
            Some(self.kind()?)
        };
        let values = if self.take("=") {
            self.expressions()?
        } else {
            Vec::new()
        };
        Ok(Stmt::Var(names, kind, values))
    }

    fn types(&mut self) -> Result<Vec<Stmt>> {
        let many = self.take("(");
        let mut all = Vec::new();
        loop {
            while self.take(";") {}
            if many && self.take(")") {
                return Ok(all);
            }
            let name = self.name()?;
            self.take("=");
            all.push(Stmt::Type(name, self.kind()?));
            if !many {
                return Ok(all);
            }
        }
    }

    /// A type.
    fn kind(&mut self) -> Result<Type> {
        match self.next() {
            Token::Sign("*") => Ok(Type::Pointer(Box::new(self.kind()?))),
            Token::Sign("(") => {
                let kind = self.kind()?;
                self.expect(")")?;
                Ok(kind)
            }
            Token::Sign("<-") => self.kind(),
            Token::Sign("[") => {
                while !self.take("]") {
                    self.at += 1;
                }
                Ok(Type::List(Box::new(self.kind()?)))
            }
            Token::Name(word) => match word.as_str() {
                "map" => {
                    self.expect("[")?;
                    let key = self.kind()?;
                    self.expect("]")?;
                    Ok(Type::Map(Box::new(key), Box::new(self.kind()?)))
                }
                "struct" => self.fields(),
                "interface" => {
                    self.skip_braces();
                    Ok(Type::Other)
                }
                "chan" => {
                    self.kind()?;
                    Ok(Type::Other)
                }
                "func" => {
                    self.signature(None)?;
                    Ok(Type::Other)
                }
                _ => {
                    let mut name = word;
                    while self.is(".") {
                        self.at += 1;
                        name = format!("{name}.{}", self.name()?);
                    }
                    Ok(Type::Name(name))
                }
            },
            other => Err(format!(
                "line {}: a type is expected, {other:?} found",
                self.line()
            )),
        }
    }

    fn skip_braces(&mut self) {
        let mut depth = 0;
        loop {
            match self.next() {
                Token::Sign("{") => depth += 1,
                Token::Sign("}") if depth == 1 => return,
                Token::Sign("}") => depth -= 1,
                Token::End => return,
                _ => {}
            }
        }
    }

    fn fields(&mut self) -> Result<Type> {
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.take("}") {
            if self.take(";") {
                continue;
            }
            let first = self.kind()?;
            if self.is(";") || self.is("}") || matches!(self.peek(), Token::Text(_)) {
                // An embedded type is a field of its own name.
                if let Some(name) = first.named() {
                    let short = name.rsplit('.').next().unwrap_or(name).to_owned();
                    fields.push((short, first.clone()));
                }
            } else {
                let Type::Name(first) = first else {
                    return Err(format!("line {}: a field is expected", self.line()));
                };
                let mut names = vec![first];
                while self.take(",") {
                    names.push(self.name()?);
                }
                let kind = self.kind()?;
                fields.extend(names.into_iter().map(|it| (it, kind.clone())));
            }
            if matches!(self.peek(), Token::Text(_)) {
                self.at += 1;
            }
        }
        Ok(Type::Struct(fields))
    }

    fn block(&mut self) -> Result<Block> {
        self.expect("{")?;
        let outer = std::mem::replace(&mut self.no_composite, false);
        let body = self.statements();
        self.no_composite = outer;
        let body = body?;
        self.expect("}")?;
        Ok(body)
    }

    /// Statements up to `}`, `case` or `default`.
    fn statements(&mut self) -> Result<Block> {
        let mut body = Vec::new();
        loop {
            if self.take(";") {
                continue;
            }
            if self.is("}") || self.is_word("case") || self.is_word("default") || *self.peek() == Token::End {
                return Ok(body);
            }
            let line = self.line();
            for it in self.statement()? {
                body.push((it, line));
            }
        }
    }

    fn statement(&mut self) -> Result<Vec<Stmt>> {
        if self.is("{") {
            return Ok(vec![Stmt::Block(self.block()?)]);
        }
        let Token::Name(word) = self.peek().clone() else {
            return Ok(vec![self.simple()?]);
        };
        self.at += 1;
        let one = match word.as_str() {
            "var" | "const" => return self.variables(),
            "type" => return self.types(),
            "if" => self.if_statement()?,
            "for" => self.for_statement()?,
            "switch" => self.switch()?,
            "return" if self.is(";") || self.is("}") => Stmt::Return(Vec::new()),
            "return" => Stmt::Return(self.expressions()?),
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            "defer" => {
                self.expression()?;
                Stmt::Defer
            }
            // What runs beside runs before, which no test here can tell.
            "go" => Stmt::Expr(self.expression()?),
            _ => {
                self.at -= 1;
                self.simple()?
            }
        };
        Ok(vec![one])
    }

    /// An assignment, a definition, or an expression.
    fn simple(&mut self) -> Result<Stmt> {
        let mut left = self.expressions()?;
        let sign = match self.peek() {
            Token::Sign(sign @ ("=" | ":=" | "+=" | "-=" | "*=" | "/=" | "|=")) => *sign,
            Token::Sign("++") => {
                self.at += 1;
                return Ok(Stmt::Assign(left, "+=", vec![Expr::Int(1)]));
            }
            Token::Sign("--") => {
                self.at += 1;
                return Ok(Stmt::Assign(left, "-=", vec![Expr::Int(1)]));
            }
            _ => return Ok(Stmt::Expr(left.remove(0))),
        };
        self.at += 1;
        if self.take_word("range") {
            let over = self.expression()?;
            return Ok(Stmt::Range(left, sign == ":=", over, Vec::new()));
        }
        Ok(Stmt::Assign(left, sign, self.expressions()?))
    }

    fn head<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.no_composite, true);
        let result = read(self);
        self.no_composite = outer;
        result
    }

    fn if_statement(&mut self) -> Result<Stmt> {
        let (before, condition) = self.head(|it| {
            let first = it.simple()?;
            if it.take(";") {
                return Ok((Some(Box::new(first)), it.expression()?));
            }
            match first {
                Stmt::Expr(condition) => Ok((None, condition)),
                _ => Err(format!("line {}: a condition is expected", it.line())),
            }
        })?;
        let then = self.block()?;
        let mut otherwise = Vec::new();
        if self.take_word("else") {
            let line = self.line();
            if self.take_word("if") {
                otherwise.push((self.if_statement()?, line));
            } else {
                otherwise = self.block()?;
            }
        }
        Ok(Stmt::If(before, condition, then, otherwise))
    }

    fn for_statement(&mut self) -> Result<Stmt> {
        let head = self.head(|it| {
            if it.is("{") {
                return Ok(Stmt::For(None, None, None, Vec::new()));
            }
            if it.take_word("range") {
                return Ok(Stmt::Range(Vec::new(), true, it.expression()?, Vec::new()));
            }
            let first = if it.is(";") { None } else { Some(it.simple()?) };
            if let Some(range @ Stmt::Range(..)) = first {
                return Ok(range);
            }
            let first = match first {
                Some(Stmt::Expr(condition)) if it.is("{") => {
                    return Ok(Stmt::For(None, Some(condition), None, Vec::new()));
                }
                other => other,
            };
            it.expect(";")?;
            let condition = if it.is(";") { None } else { Some(it.expression()?) };
            it.expect(";")?;
            let step = if it.is("{") {
                None
            } else {
                Some(Box::new(it.simple()?))
            };
            Ok(Stmt::For(first.map(Box::new), condition, step, Vec::new()))
        })?;
        let body = self.block()?;
        Ok(match head {
            Stmt::Range(targets, new, over, _) => Stmt::Range(targets, new, over, body),
            Stmt::For(first, condition, step, _) => Stmt::For(first, condition, step, body),
            other => other,
        })
    }

    fn switch(&mut self) -> Result<Stmt> {
        let (before, subject) = self.head(|it| {
            if it.is("{") {
                return Ok((None, Subject::None));
            }
            let first = it.simple()?;
            if it.take(";") {
                let subject = if it.is("{") {
                    Subject::None
                } else {
                    Subject::Value(it.expression()?)
                };
                return Ok((Some(Box::new(first)), subject));
            }
            Ok((None, subject_of(first)?))
        })?;
        self.expect("{")?;
        let mut cases = Vec::new();
        while !self.take("}") {
            let outer = std::mem::replace(&mut self.no_composite, false);
            let default = self.take_word("default");
            let values = if default {
                Vec::new()
            } else if self.take_word("case") {
                self.expressions()?
            } else {
                return Err(format!("line {}: a case is expected", self.line()));
            };
            self.expect(":")?;
            let body = self.statements()?;
            self.no_composite = outer;
            cases.push(Case {
                values,
                default,
                body,
            });
        }
        Ok(Stmt::Switch(before, subject, cases))
    }
}

/// The name under which `x.(type)` is parsed.
const TYPE_SWITCH: &str = "(type)";

fn subject_of(first: Stmt) -> Result<Subject> {
    let is_switch = |kind: &Type| *kind == Type::Name(TYPE_SWITCH.to_owned());
    match first {
        Stmt::Expr(Expr::Assert(of, kind)) if is_switch(&kind) => Ok(Subject::Type(None, *of)),
        Stmt::Expr(value) => Ok(Subject::Value(value)),
        Stmt::Assign(mut names, ":=", mut values) => match (names.pop(), values.pop()) {
            (Some(Expr::Name(name)), Some(Expr::Assert(of, kind))) if is_switch(&kind) => {
                Ok(Subject::Type(Some(name), *of))
            }
            _ => Err("a switch is not understood".to_owned()),
        },
        _ => Err("a switch is not understood".to_owned()),
    }
}
