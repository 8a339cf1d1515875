//! Objects as scripts see them, and what they answer.

use mlua::{Lua, Table, Value as LuaValue};
use serde_json::Value;

/// A value of an object. Numbers are Lua's; a missing value in a list is left out, as Argo CD leaves it out.
pub(crate) fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(flag) => LuaValue::Boolean(*flag),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items.iter().filter(|it| !it.is_null()) {
                table.raw_push(to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (key, item) in fields {
                table.raw_set(key.as_str(), to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// A text of a table, whatever the case of its key: answers go through Go's JSON. Anything but text is an error.
pub(crate) fn text(table: &Table, key: &str) -> Result<Option<String>, ()> {
    let exact = table.raw_get::<LuaValue>(key).unwrap_or(LuaValue::Nil);
    let found = if exact.is_nil() {
        let pairs = table.pairs::<LuaValue, LuaValue>().filter_map(Result::ok);
        let mut named = pairs.filter(|(name, _)| {
            let name = name.as_string().map(mlua::LuaString::to_string_lossy);
            name.is_some_and(|it| it.eq_ignore_ascii_case(key))
        });
        named.next().map_or(LuaValue::Nil, |it| it.1)
    } else {
        exact
    };
    match &found {
        LuaValue::Nil => Ok(None),
        LuaValue::String(text) => Ok(Some(text.to_string_lossy())),
        _ => Err(()),
    }
}
