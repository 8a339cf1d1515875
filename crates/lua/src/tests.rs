//! What scripts may do, what they say, and what becomes of those that mean harm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass_core::argo::Files;
use windlass_core::health::{Health, Scripts, Status};
use windlass_core::object::Object;

use crate::{Judge, Said, ScriptError, check as check_all, run};

/// 2026-02-28 12:34:56 UTC, a Saturday.
const NOW_S: i64 = 1_772_282_096;

fn say(script: &str, object: &Value) -> Result<Said, ScriptError> {
    run(script, object, NOW_S)
}

fn check(script: &str, object: &Value, status: Option<Status>, message: &str) {
    let said = say(script, object).unwrap_or_else(|error| panic!("{script}: {error}"));
    let expected = Said {
        status,
        message: message.to_owned(),
    };
    assert_eq!(said, expected, "{script}");
}

/// What an expression is, as a script would put it into its message.
fn shows(expression: &str, expected: &str) {
    let script = format!("return {{ status = 'Healthy', message = tostring({expression}) }}");
    check(&script, &json!({}), Some(Status::Healthy), expected);
}

#[test]
fn a_script_reads_the_object_and_says_what_it_is() {
    let script = "
        local hs = { status = 'Progressing', message = 'Waiting' }
        if obj.status ~= nil and obj.status.conditions ~= nil then
          for i, condition in ipairs(obj.status.conditions) do
            if condition.type == 'Ready' then
              hs.status = condition.status == 'True' and 'Healthy' or 'Degraded'
              hs.message = condition.message .. ' (' .. obj.spec.replicas .. ' of ' .. i .. ')'
            end
          end
        end
        return hs";
    check(script, &json!({}), Some(Status::Progressing), "Waiting");
    let ready = |status: &str| json!({ "spec": { "replicas": 2 }, "status": { "conditions": [null, { "type": "Ready", "status": status, "message": "said" }] } });
    check(script, &ready("True"), Some(Status::Healthy), "said (2 of 1)");
    check(script, &ready("False"), Some(Status::Degraded), "said (2 of 1)");
}

#[test]
fn answers_are_read_as_argo_cd_reads_them() {
    let none = |script: &str| check(script, &json!({}), None, "");
    none("return nil");
    none("");
    none("return {}");
    none("return { 'Healthy' }");
    none("return { status = 'Healthy', message = 5 }");
    let invalid = "Lua returned an invalid health status";
    check(
        "return { status = 'Fine' }",
        &json!({}),
        Some(Status::Unknown),
        invalid,
    );
    check(
        "return { message = 'x' }",
        &json!({}),
        Some(Status::Unknown),
        invalid,
    );
    check(
        "return { Status = 'Missing' }",
        &json!({}),
        Some(Status::Missing),
        "",
    );
    assert_eq!(say("return 5", &json!({})), Err(ScriptError::NoTable("number")));
    let error = say("return {", &json!({})).unwrap_err();
    assert!(matches!(error, ScriptError::Syntax(_)), "{error:?}");
    let error = say("local a = nil\nreturn a.b", &json!({})).unwrap_err();
    assert!(error.to_string().contains("health.lua:2:"), "{error}");
}

#[test]
fn the_language_is_lua_5_1_with_goto() {
    shows("2", "2");
    shows("3 / 2", "1.5");
    shows("10000000000", "10000000000");
    shows("table.getn({ 1, 2 })", "2");
    shows("('a-b'):gsub('%-', '+')", "a+b");
    shows("math.huge", "inf");
    shows("#table.concat({ 'a', 'b' }, ',')", "3");
    shows("loadstring('return 7')()", "7");
    let script = "local n = 0
        for i = 1, 3 do
          if i == 2 then goto continue end
          n = n + i
          ::continue::
        end
        return { status = 'Healthy', message = 'n ' .. n }";
    check(script, &json!({}), Some(Status::Healthy), "n 4");
}

#[test]
fn os_knows_the_time_and_nothing_else() {
    shows("os.time()", &NOW_S.to_string());
    shows(
        "os.time({ year = 2026, month = 2, day = 28, hour = 12, min = 34, sec = 56 })",
        &NOW_S.to_string(),
    );
    shows(
        "os.time({ year = 2025, month = 14, day = 28, hour = 12, min = 34, sec = 56 })",
        &NOW_S.to_string(),
    );
    shows(
        "require('os').date('!%Y-%m-%dT%H:%M:%SZ %a %b %p %I %w %%')",
        "2026-02-28T12:34:56Z Sat Feb PM 12 6 %",
    );
    shows("os.date('%c', 0)", "01 Jan 70 00:00 UTC");
    shows("os.date('*t', 86400).day", "2");
    shows("os.date('%Y', 1e300) ~= nil", "true");
    for name in [
        "execute", "getenv", "remove", "rename", "exit", "tmpname", "clock",
    ] {
        shows(&format!("os.{name}"), "nil");
    }
}

#[test]
fn nothing_leads_out() {
    for name in [
        "io",
        "debug",
        "jit",
        "ffi",
        "dofile",
        "loadfile",
        "load",
        "coroutine",
        "newproxy",
        "string.dump",
        "package.loadlib",
    ] {
        shows(name, "nil");
    }
    for expression in [
        "pcall(require, 'ffi')",
        "pcall(require, 'io')",
        "loadstring('\\27LJ') ~= nil",
    ] {
        shows(expression, "false");
    }
    // What one run does is gone in the next.
    check("string.format = nil; leak = 1; return nil", &json!({}), None, "");
    shows("tostring(leak) .. type(string.format)", "nilfunction");
}

#[test]
fn time_and_memory_have_limits() {
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() error('again') end, function() end) end",
        "local function f() return f() end return f()",
    ] {
        let began = Instant::now();
        assert_eq!(say(script, &json!({})), Err(ScriptError::TooLong), "{script}");
        assert!(began.elapsed() < Duration::from_millis(1_900), "{script}");
    }
    for script in [
        "return { message = ('a'):rep(1e9) }",
        "local t = {} for i = 1, 1e9 do t[i] = ('a'):rep(1e5) .. i end",
        "local s = 'a' while true do s = s .. s end",
    ] {
        assert_eq!(say(script, &json!({})), Err(ScriptError::TooMuch), "{script}");
    }
    let deep = say("local function f() return 1 + f() end return f()", &json!({})).unwrap_err();
    assert!(deep.to_string().contains("stack overflow"), "{deep}");
}

struct Folder(BTreeMap<&'static str, &'static str>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(path).map(|it| (*it).to_owned()))
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, String> {
        let all = self.0.keys().filter(|it| it.starts_with(folder));
        Ok(all.map(|it| (*it).to_owned()).collect())
    }

    fn documents(&self, _: &str) -> Result<Vec<Value>, String> {
        Err("there are none".to_owned())
    }

    fn template(&self, _: &str, _: &Value) -> Result<String, String> {
        Err("there are none".to_owned())
    }

    fn is_own(&self, _: &str) -> bool {
        false
    }
}

fn scripts(files: &[(&'static str, &'static str)]) -> Scripts {
    let files = Folder(files.iter().copied().collect());
    Scripts::read("h", &files).unwrap()
}

fn judge(files: &[(&'static str, &'static str)]) -> Judge {
    Judge::new(scripts(files))
}

fn object(kind: &str, metadata: &Value) -> Object {
    Object::new(json!({ "apiVersion": "shop.dev/v1", "kind": kind, "metadata": metadata })).unwrap()
}

#[test]
fn scripts_that_are_no_lua_are_all_named() {
    let good = ("h/a.dev/Good/health.lua", "return obj.status.phase");
    assert_eq!(check_all(&scripts(&[good])), Ok(()));
    let bad = [
        good,
        ("h/a.dev/Bad/health.lua", "return {"),
        ("h/a.dev/Worse/health.lua", "\x1bLJ"),
    ];
    let said = check_all(&scripts(&bad)).unwrap_err();
    for part in ["h/a.dev/Bad/health.lua: health.lua:1:", "Worse", "hint: "] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("Good"), "{said}");
}

#[test]
fn objects_are_judged_by_the_script_of_their_kind() {
    let judge = judge(&[
        (
            "h/shop.dev/Good/health.lua",
            "return { status = 'Healthy', message = obj.metadata.name }",
        ),
        ("h/shop.dev/Silent/health.lua", "return nil"),
        ("h/shop.dev/Broken/health.lua", "return obj.status.phase"),
    ]);
    let named = json!({ "name": "a" });
    let healthy = Health::new(Status::Healthy, "a");
    assert_eq!(judge.health(&object("Good", &named)), Some(Some(healthy)));
    assert_eq!(judge.health(&object("Silent", &named)), Some(None));
    assert_eq!(judge.health(&object("Other", &named)), None);
    let going = json!({ "name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z" });
    let found = judge.health(&object("Good", &going)).unwrap().unwrap();
    assert_eq!(found, Health::new(Status::Progressing, "Pending deletion"));
    let broken = judge.health(&object("Broken", &named)).unwrap().unwrap();
    assert_eq!(broken.status, Status::Unknown);
    assert!(
        broken
            .message
            .starts_with("h/shop.dev/Broken/health.lua: health.lua:1:"),
        "{}",
        broken.message
    );
}

#[test]
fn a_script_that_looks_at_no_clock_is_left_behind_and_not_run_again() {
    // Quadratic in a text of a million letters, all of it in one call.
    let judge = judge(&[
        (
            "h/shop.dev/Stuck/health.lua",
            "('a'):rep(1000000):find('.-.-.-b') return nil",
        ),
        ("h/shop.dev/Good/health.lua", "return { status = 'Healthy' }"),
    ]);
    let named = json!({ "name": "a" });
    let first = judge.health(&object("Stuck", &named)).unwrap().unwrap();
    assert_eq!(first.status, Status::Unknown);
    let began = Instant::now();
    let again = judge.health(&object("Stuck", &named)).unwrap().unwrap();
    assert!(again == first && began.elapsed() < Duration::from_millis(500));
    let good = judge.health(&object("Good", &named)).unwrap().unwrap();
    assert_eq!(good.status, Status::Healthy);
}
