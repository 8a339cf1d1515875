//! What a script finds around it: Argo CD's libraries without what leads out of them. `os` knows the time, and nothing else.

use std::time::Instant;

use mlua::{HookTriggers, Lua, MultiValue, Table, Value, VmState};

use crate::time;

/// Instructions from look to look at the clock.
const LOOK: u32 = 1_000;
/// What leads to files, to machine code or out of a script's own values.
const TAKEN: [&str; 6] = [
    "dofile",
    "loadfile",
    "load",
    "coroutine",
    "newproxy",
    "collectgarbage",
];

pub(crate) fn furnish(lua: &Lua, end: Instant, now_s: i64) -> mlua::Result<()> {
    let globals = lua.globals();
    for name in TAKEN {
        globals.raw_set(name, Value::Nil)?;
    }
    globals.get::<Table>("string")?.raw_set("dump", Value::Nil)?;
    // A log of ours is no place for them.
    globals.set("print", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    // Machine code in a text is refused: it is not checked before it runs.
    let load = lua.create_function(|lua, (text, name): (mlua::LuaString, Option<String>)| {
        let text = text.to_string_lossy();
        let chunk = lua.load(text).set_mode(mlua::chunk::ChunkMode::Text);
        match chunk
            .set_name(name.unwrap_or_else(|| "=text".to_owned()))
            .into_function()
        {
            Ok(function) => Ok((Some(function), None)),
            Err(error) => Ok((None, Some(error.to_string()))),
        }
    })?;
    globals.set("loadstring", load)?;
    globals.set("os", time::library(lua, now_s)?)?;
    globals.set("actionParams", lua.create_table()?)?;
    modules(lua, &globals)?;
    limit(lua, &globals, end)
}

/// `require` of what is there already.
fn modules(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    let loaded = lua.create_table()?;
    for name in ["os", "string", "table", "math"] {
        loaded.set(name, globals.get::<Value>(name)?)?;
    }
    let package = lua.create_table()?;
    package.set("loaded", loaded.clone())?;
    globals.set("package", package)?;
    let require =
        lua.create_function(move |_, name: String| match loaded.get::<Value>(name.as_str())? {
            Value::Nil => Err(mlua::Error::runtime(format!(
                "module {name} not found: a health script has os, string, table and math"
            ))),
            module => Ok(module),
        })?;
    globals.set("require", require)
}

/// After its time every instruction is an error, and no `pcall` goes on after one.
fn limit(lua: &Lua, globals: &Table, end: Instant) -> mlua::Result<()> {
    let triggers = HookTriggers::new().every_nth_instruction(LOOK);
    lua.set_hook(triggers, move |_, _| {
        if Instant::now() >= end {
            return Err(mlua::Error::runtime("it takes too long"));
        }
        Ok(VmState::Continue)
    })?;
    let check = lua.create_function(move |_, ()| {
        if Instant::now() >= end {
            return Err(mlua::Error::runtime("it takes too long"));
        }
        Ok(())
    })?;
    let guarded = "local check, call = ...
        local function after(...) check() return ... end
        return function(...) return after(call(...)) end";
    for name in ["pcall", "xpcall"] {
        let call: Value = globals.get(name)?;
        let wrapped: Value = lua
            .load(guarded)
            .set_name("=sandbox")
            .call((check.clone(), call))?;
        globals.set(name, wrapped)?;
    }
    Ok(())
}
