//! Execution of templates: Go's rules for pipelines, fields, methods and calls.

mod call;
mod field;
mod scope;
mod walk;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::failure::{Fail, Failure};
use super::node::{Spot, Template};
use super::parse::{self, Parsed};
use super::show;
use crate::any::{Any, Str};
use crate::go::{quote, runes};
use crate::limits::Limits;
use crate::profile::Profile;
use crate::seed::Seed;

pub(crate) use scope::Scope;

/// Helm's limit of includes within includes of one name.
const INCLUDE_DEPTH_MAX: usize = 1_000;
/// What is longer is kept in the memory that it was written into.
const REUSED_BYTES_MAX: usize = 4_096;
/// The name of Helm's root template, under which `tpl` texts run.
const ROOT: &str = "gotpl";

/// What a render gives to the functions.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    /// Milliseconds since 1970, for `now`.
    pub(crate) now_ms: i64,
    pub(crate) seed: Seed,
    /// `required` and `fail` do not fail, as in `helm lint`.
    pub(crate) lint: bool,
    pub(crate) lookup: crate::Lookup,
}

/// A value and whether Go holds it as an interface, which is what some messages tell.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) value: Any,
    pub(crate) interface: bool,
}

impl Held {
    pub(crate) fn plain(value: Any) -> Self {
        Self {
            value,
            interface: false,
        }
    }
}

/// One render's execution.
#[derive(Debug)]
pub(crate) struct Exec<'a> {
    pub(crate) setting: &'a Setting,
    scope: Rc<Scope>,
    out: Vec<u8>,
    /// Buffers that are not in use, each as large as something that was written into it.
    spare: Vec<Vec<u8>>,
    written: usize,
    stack: Vec<Held>,
    base: usize,
    /// The template and the number of the node that is being executed, for messages.
    template: Arc<Template>,
    node: u32,
    depth: usize,
    steps: u64,
    includes: BTreeMap<Str, usize>,
    parsed: BTreeMap<Str, Arc<Parsed>>,
    random: u64,
    current: Str,
    /// Shared, because a copy of an expression begins without the states that it has learnt.
    pub(crate) regexes: BTreeMap<Str, Rc<regex::bytes::Regex>>,
    /// The last argument was a field or a variable that holds nothing, which Go tells from nothing at all.
    pub(crate) holds_nothing: bool,
}

impl<'a> Exec<'a> {
    pub(crate) fn new(setting: &'a Setting, templates: Arc<Parsed>) -> Self {
        let nothing = Template {
            name: ROOT.into(),
            source: Arc::new(super::node::Source {
                name: ROOT.into(),
                text: "".into(),
            }),
            body: Vec::new(),
            slots: 1,
            empty: true,
        };
        Self {
            setting,
            scope: Rc::new(Scope::base(templates)),
            out: Vec::new(),
            spare: Vec::new(),
            written: 0,
            stack: Vec::new(),
            base: 0,
            template: Arc::new(nothing),
            node: 0,
            depth: 0,
            steps: 0,
            includes: BTreeMap::new(),
            parsed: BTreeMap::new(),
            random: 0,
            current: "".into(),
            regexes: BTreeMap::new(),
            holds_nothing: false,
        }
    }

    pub(crate) fn profile(&self) -> Profile {
        self.setting.profile
    }

    /// Executes a file's template and gives what it wrote, without `<no value>`.
    pub(crate) fn file(&mut self, name: &Str, data: Any) -> Result<Vec<u8>, Fail> {
        self.current = name.clone();
        self.random = 0;
        let out = self.named(name, data)?;
        Ok(without_no_value(out))
    }

    /// Executes a template and gives what it wrote, `<no value>` included.
    pub(crate) fn raw(&mut self, name: &Str, data: Any) -> Result<Vec<u8>, Fail> {
        self.current = name.clone();
        self.named(name, data)
    }

    /// The next random bytes; their seed is the setting's and the file that is executed.
    pub(crate) fn random_bytes(&mut self, out: &mut [u8]) {
        self.random += 1;
        self.setting.seed.fill(&self.current, self.random, out);
    }

    /// `ExecuteTemplate`: the output of a named template.
    fn named(&mut self, name: &[u8], data: Any) -> Result<Vec<u8>, Fail> {
        let Some(template) = self.scope.find(name) else {
            let name = quote::quoted(name);
            return Err(Failure::plain(format!(
                "template: no template {name} associated with template \"{ROOT}\""
            )));
        };
        self.template(&template, data)
    }

    fn template(&mut self, template: &Arc<Template>, data: Any) -> Result<Vec<u8>, Fail> {
        let buffer = self.spare.pop().unwrap_or_default();
        let outer = std::mem::replace(&mut self.out, buffer);
        let result = self.run(template, &Held::plain(data));
        let inner = std::mem::replace(&mut self.out, outer);
        result?;
        Ok(inner)
    }

    /// Runs a template with its own variables; what it writes goes to the current output.
    fn run(&mut self, template: &Arc<Template>, dot: &Held) -> Result<(), Fail> {
        self.depth += 1;
        let limit = self.setting.limits.template_depth_max;
        if self.depth > limit {
            return self.beyond(format!("exceeded maximum template depth ({limit})"));
        }
        let (base, node) = (self.base, self.node);
        let caller = std::mem::replace(&mut self.template, template.clone());
        self.base = self.stack.len();
        self.stack
            .resize(self.base + template.slots, Held::plain(Any::Nil));
        self.stack[self.base] = dot.clone();
        let result = self.nodes(&template.body, dot);
        self.stack.truncate(self.base);
        self.base = base;
        self.template = caller;
        self.node = node;
        self.depth -= 1;
        result.map(|_| ())
    }

    /// Helm's `include`.
    pub(crate) fn include(&mut self, name: &Str, data: Any) -> Result<Any, Fail> {
        let count = self.includes.entry(name.clone()).or_default();
        if *count > INCLUDE_DEPTH_MAX {
            let inner = Failure::plain("unable to execute template");
            return Err(inner.wrap(&format!(
                "rendering template has a nested reference name: {}: ",
                name.text()
            )));
        }
        *count += 1;
        let result = self.named(name, data);
        if let Some(count) = self.includes.get_mut(name) {
            *count -= 1;
        }
        Ok(Any::Str(self.kept(result?)))
    }

    /// The text that a buffer holds, whose memory is used again.
    fn kept(&mut self, mut buffer: Vec<u8>) -> Str {
        if buffer.len() > REUSED_BYTES_MAX {
            return buffer.into();
        }
        let text = buffer.as_slice().into();
        buffer.clear();
        self.spare.push(buffer);
        text
    }

    /// Helm's `tpl`: the text is a template of its own; what it defines is seen within it only.
    pub(crate) fn tpl(&mut self, text: &Str, data: Any) -> Result<Any, Fail> {
        if memchr::memmem::find(text, b"{{").is_none() {
            return Ok(Any::Str(without_no_value(text.to_vec()).into()));
        }
        let parsed = self.parse_tpl(text)?;
        let Some(main) = parsed.get(ROOT.as_bytes()).cloned() else {
            return Ok(Any::str(""));
        };
        let inner = Rc::new(Scope::within(&self.scope, &parsed));
        let outer = std::mem::replace(&mut self.scope, inner);
        let result = self.template(&main, data);
        self.scope = outer;
        match result {
            Ok(out) => {
                let out = without_no_value(out);
                Ok(Any::Str(self.kept(out)))
            }
            Err(fail) if fail.limit => Err(fail),
            Err(fail) => Err(fail.wrap(&format!(
                "error during tpl function execution for {}: ",
                quote::quoted(text)
            ))),
        }
    }

    fn parse_tpl(&mut self, text: &Str) -> Result<Arc<Parsed>, Fail> {
        if let Some(parsed) = self.parsed.get(text) {
            return Ok(parsed.clone());
        }
        let parsed = parse::parse(&ROOT.into(), text, self.profile()).map_err(|message| {
            Failure::plain(message).wrap(&format!("cannot parse template {}: ", quote::quoted(text)))
        })?;
        let parsed = Arc::new(parsed);
        self.parsed.insert(text.clone(), parsed.clone());
        Ok(parsed)
    }

    fn at(&mut self, spot: Spot) {
        self.node = spot.id;
    }

    /// An error at the current node, as `state.errorf`.
    fn error<T>(&self, message: &str) -> Result<T, Fail> {
        Err(self.located(Failure::plain(message), ""))
    }

    /// A limit that was passed at the current node.
    fn beyond<T>(&self, message: String) -> Result<T, Fail> {
        Err(self.located(Failure::limit(message), ""))
    }

    /// `fail` with the position of the current node in front.
    fn located(&self, mut fail: Fail, before: &str) -> Fail {
        let name = self.template.name.text();
        let text = match show::find(&self.template, self.node) {
            Some((at, context)) => {
                let source = &self.template.source;
                let text = &source.text[..at.min(source.text.len())];
                let line = 1 + memchr::memchr_iter(b'\n', text).count();
                let column = memchr::memrchr(b'\n', text).map_or(at, |it| at - it - 1);
                let (file, context) = (source.name.text(), String::from_utf8_lossy(&context).into_owned());
                let name = quote::quoted(name.as_bytes());
                format!(
                    "template: {file}:{line}:{column}: executing {name} at <{context}>: {before}{}",
                    fail.text()
                )
            }
            None => format!("template: {name}: {before}{}", fail.text()),
        };
        if before.is_empty() {
            fail.texts = vec![text];
        } else {
            fail.texts.insert(0, text);
        }
        fail.from_template = true;
        fail
    }

    /// Counts one step of work.
    fn step(&mut self) -> Result<(), Fail> {
        self.steps += 1;
        if self.steps > self.setting.limits.steps_max {
            let limit = self.setting.limits.steps_max;
            return self.beyond(format!("rendering takes more than {limit} steps"));
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Fail> {
        self.written += text.len();
        self.out.extend_from_slice(text);
        self.check_written()
    }

    fn check_written(&self) -> Result<(), Fail> {
        let limit = self.setting.limits.output_bytes_max;
        if self.written > limit {
            return self.beyond(format!("rendering writes more than {limit} bytes"));
        }
        Ok(())
    }
}

/// Helm removes Go's mark of a missing value from what a template wrote.
fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"<no value>";
    if runes::find(&text, MARK).is_none() {
        return text;
    }
    runes::replace_all(&text, MARK, b"")
}
