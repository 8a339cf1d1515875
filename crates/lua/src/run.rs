//! One run of a script over one object, in a state of its own: nothing is left for the next.

use std::time::{Duration, Instant};

use mlua::{Function, Lua, LuaOptions, StdLib};
use serde_json::Value;
use windlass_core::health::{Scripts, Status};

use crate::{convert, sandbox};

/// Time of one run; Argo CD's limit.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(1);
/// Memory of one run: the largest object that a cluster stores, as tables, many times over.
const MEMORY_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a message that are kept.
const MESSAGE_MAX: usize = 4_096;

/// A script's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `None` where it says none: the object has no health.
    pub status: Option<Status>,
    /// Why.
    pub message: String,
}

/// Why a script has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptError {
    /// It is no Lua.
    Syntax(String),
    /// It broke off.
    Runtime(String),
    /// It took too long.
    TooLong,
    /// It took too much memory.
    TooMuch,
    /// It answers with something else than a table: with this.
    NoTable(&'static str),
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(reason) | Self::Runtime(reason) => f.write_str(reason),
            Self::TooLong => write!(f, "it takes longer than {} s", TIME_MAX.as_secs()),
            Self::TooMuch => write!(f, "it takes more than {} MiB of memory", MEMORY_MAX >> 20),
            Self::NoTable(kind) => write!(f, "expect table output from Lua script, not {kind}"),
        }
    }
}

impl std::error::Error for ScriptError {}

/// Runs a script over an object. `now_s` is the time for `os.time` and `os.date`, seconds since the epoch.
pub fn run(script: &str, object: &Value, now_s: i64) -> Result<Said, ScriptError> {
    let end = Instant::now() + TIME_MAX;
    let answer = (|| {
        // Without LuaJIT's own library nothing is compiled, so that the count of instructions sees every loop.
        let lua = Lua::new_with(
            StdLib::TABLE | StdLib::STRING | StdLib::MATH,
            LuaOptions::default(),
        )?;
        sandbox::furnish(&lua, end, now_s)?;
        lua.set_memory_limit(MEMORY_MAX)?;
        lua.globals().set("obj", convert::to_lua(&lua, object)?)?;
        let chunk: Function = lua
            .load(script)
            .set_mode(mlua::chunk::ChunkMode::Text)
            .set_name("=health.lua")
            .into_function()?;
        let answer: mlua::Value = chunk.call(())?;
        Ok(read(&answer))
    })();
    answer.unwrap_or_else(|error: mlua::Error| Err(failure(&error, Some(end))))
}

/// Whether scripts are Lua: all that are not are named, with a hint.
pub fn check(scripts: &Scripts) -> Result<(), String> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::default()).map_err(|it| it.to_string())?;
    let wrong = scripts.all().filter_map(|script| {
        let chunk = lua.load(&script.text).set_mode(mlua::chunk::ChunkMode::Text);
        let error = chunk.set_name("=health.lua").into_function().err()?;
        Some(format!("{}: {}", script.place, failure(&error, None)))
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\nhint: health scripts are Lua 5.1, as Argo CD takes them",
        wrong.join("\n")
    ))
}

/// What Argo CD's own reading of an answer comes to: a table of something else says nothing, a status of another name is
/// an unknown one.
fn read(answer: &mlua::Value) -> Result<Said, ScriptError> {
    let nothing = Ok(Said {
        status: None,
        message: String::new(),
    });
    let table = match answer {
        mlua::Value::Nil => return nothing,
        mlua::Value::Table(table) => table,
        mlua::Value::Integer(_) => return Err(ScriptError::NoTable("number")),
        other => return Err(ScriptError::NoTable(other.type_name())),
    };
    let (status, message) = match (convert::text(table, "status"), convert::text(table, "message")) {
        (Ok(status), Ok(message)) => (status.unwrap_or_default(), message.unwrap_or_default()),
        (Err(()), _) | (_, Err(())) => return nothing,
    };
    if table.raw_len() > 0 || table.is_empty() {
        return nothing;
    }
    let Some(status) = Status::named(&status) else {
        return Ok(Said {
            status: Some(Status::Unknown),
            message: "Lua returned an invalid health status".to_owned(),
        });
    };
    Ok(Said {
        status: Some(status),
        message: shortened(message),
    })
}

fn shortened(mut message: String) -> String {
    if message.len() > MESSAGE_MAX {
        let end = (0..=MESSAGE_MAX)
            .rev()
            .find(|at| message.is_char_boundary(*at))
            .unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

/// The first line: what follows is a trace through our own calls.
fn failure(error: &mlua::Error, end: Option<Instant>) -> ScriptError {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    match error {
        mlua::Error::SyntaxError { message, .. } => ScriptError::Syntax(first(message)),
        mlua::Error::MemoryError(_) => ScriptError::TooMuch,
        _ if end.is_some_and(|end| Instant::now() >= end) => ScriptError::TooLong,
        mlua::Error::RuntimeError(message) if message.contains("not enough memory") => ScriptError::TooMuch,
        mlua::Error::RuntimeError(message) => ScriptError::Runtime(first(message)),
        mlua::Error::CallbackError { cause, .. } => failure(cause, end),
        other => ScriptError::Runtime(first(&other.to_string())),
    }
}
