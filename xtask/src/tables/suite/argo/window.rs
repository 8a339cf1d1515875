//! Sync windows: whether they are open, whom they are for, and what they let through.

use serde_json::{Value, json};
use windlass_core::argo::{Destination, SyncWindows, Trigger};

use super::super::{Suite, argument, unknown};
use super::{PRELUDE, time};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

const EDITS: &str = "it edits windows, which are read from Git here";
const PARTS: &str = "it asks a part of what CanSync answers as a whole";

pub(in crate::tables::suite) const WINDOWS: Suite = Suite {
    name: "sync windows",
    folder: "pkg/apis/application/v1alpha1",
    files: &["types_test.go"],
    prelude: PRELUDE,
    functions: &["time.Now", "time.Date", "time.FixedZone"],
    helpers: &time::FUNCTIONS,
    methods: &[
        ("", "Active"),
        ("", "active"),
        ("", "InactiveAllows"),
        ("", "inactiveAllows"),
        ("", "Matches"),
        ("", "CanSync"),
        ("", "denyAllowsOverrun"),
        ("", "inactiveAllowsAllowOverrun"),
        ("SyncWindow", "Active"),
        ("SyncWindow", "active"),
        ("SyncWindow", "Validate"),
    ],
    call,
    method,
    only: "SyncWindow",
    explained: &[(
        "TestSyncWindows_CanSync",
        "what is wrong with a window is said with its field, when it is read",
    )],
    left_out: &[
        ("TestSyncWindows_HasWindows", EDITS),
        ("TestSyncWindow_Update", EDITS),
        ("TestSyncWindows_hasDeny", PARTS),
        ("TestSyncWindows_hasAllow", PARTS),
        (
            "TestSyncWindow_Hash",
            "it numbers windows for Argo CD's own commands",
        ),
        (
            "TestAppProject_ValidateSyncWindowList",
            "a project may have equal windows here",
        ),
    ],
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    time::function(name, arguments).map_or_else(|| unknown(name), Ok)
}

fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    if let Val::Struct(it) = of
        && it.kind == "time.Time"
    {
        return time::method(of, name, arguments).map_or_else(|| unknown(name), Ok);
    }
    let now = match argument(arguments, 0) {
        given @ Val::Struct(_) => time::millis(&given),
        _ => time::millis(&time::function("time.Now", &[]).unwrap_or(Val::Nil)),
    };
    let one = |window: &Val| read(std::slice::from_ref(window));
    Ok(match (of, name) {
        (Val::Struct(_), "Active" | "active") => match one(of) {
            Ok(windows) => Val::Many(vec![Val::Bool(is_active(&windows, now)), Val::Nil]),
            Err(wrong) => Val::Many(vec![Val::Bool(false), Val::Error(wrong)]),
        },
        (Val::Struct(_), "Validate") => Val::error(one(of).map(|_| ())),
        (_, "Active" | "active") => filtered(of, |windows, _| is_active(windows, now)),
        (_, "InactiveAllows" | "inactiveAllows") => filtered(of, |windows, window| {
            window.field("Kind").as_text() == "allow" && !is_active(windows, now)
        }),
        (_, "Matches") => {
            let app = argument(arguments, 0);
            let name = app.field("ObjectMeta").field("Name").as_text();
            let destination = destination(&app.field("Spec").field("Destination"));
            match filtered(of, |windows, _| !windows.of(&name, &destination).is_empty()) {
                Val::Many(results) => results.into_iter().next().unwrap_or(Val::Nil),
                other => other,
            }
        }
        (_, "CanSync") => can_sync(of, arguments),
        (_, "denyAllowsOverrun" | "inactiveAllowsAllowOverrun") => {
            let deny = name == "denyAllowsOverrun";
            overrun(of, deny).map_or_else(Val::Error, Val::Bool)
        }
        _ => return unknown(&format!("{}.{name}", of.show())),
    })
}

fn can_sync(of: &Val, arguments: &[Val]) -> Val {
    let now = time::millis(&time::function("time.Now", &[]).unwrap_or(Val::Nil));
    let trigger = if argument(arguments, 0) == Val::Bool(true) {
        Trigger::Manual
    } else {
        Trigger::Automatic
    };
    let since = match argument(arguments, 1) {
        Val::Nil => None,
        time => Some(time::millis(&time)),
    };
    match read(&of.items()) {
        Ok(windows) => Val::Many(vec![Val::Bool(windows.may_sync(trigger, now, since)), Val::Nil]),
        Err(wrong) => Val::Many(vec![Val::Bool(false), Val::Error(wrong)]),
    }
}

/// Whether what began in time may go on, with windows that close at this moment: those that deny begin, or those that allow
/// end. Tests give no schedules.
fn overrun(of: &Val, deny: bool) -> Result<bool, String> {
    let now = time::function("time.Now", &[]).unwrap_or(Val::Nil);
    let now_ms = time::millis(&now);
    let hour = |back: i64| {
        let moved = time::method(&now, "Add", &[Val::Int(-back * 3_600 * time::SECOND)]);
        let moved = moved.unwrap_or(Val::Nil);
        let part = |name: &str| time::method(&moved, name, &[]).unwrap_or(Val::Nil).as_int();
        format!("{} {} * * *", part("Minute"), part("Hour"))
    };
    let windows: Vec<Value> = of
        .items()
        .iter()
        .map(|window| {
            let denies = window.field("Kind").as_text() == "deny";
            let schedule = match (denies, deny) {
                (true, true) => hour(0),
                // It is neither in force now nor then.
                (true, false) => hour(5),
                (false, true) => "* * * * *".to_owned(),
                (false, false) => hour(1),
            };
            let mut value = json_of(window);
            value["schedule"] = schedule.into();
            value["duration"] = "1h".into();
            value
        })
        .collect();
    let has_kind = windows.iter().any(|it| (it["kind"] == "deny") == deny);
    let (windows, _) = SyncWindows::parse("windows", &windows.into()).map_err(|it| it.to_string())?;
    let since = now_ms - 30 * 60_000;
    Ok(has_kind && windows.may_sync(Trigger::Automatic, now_ms, Some(since)))
}

fn is_active(windows: &SyncWindows, now_ms: i64) -> bool {
    windows.iter().any(|it| it.is_active(now_ms))
}

/// The windows that ours takes, each alone; nil where there are none.
fn filtered(of: &Val, takes: impl Fn(&SyncWindows, &Val) -> bool) -> Val {
    let mut found = Vec::new();
    for window in of.items() {
        match read(std::slice::from_ref(&window)) {
            Ok(windows) if takes(&windows, &window) => found.push(window),
            Ok(_) => {}
            Err(wrong) => return Val::Many(vec![Val::Nil, Val::Error(wrong)]),
        }
    }
    let found = if found.is_empty() {
        Val::Nil
    } else {
        Val::list(found)
    };
    Val::Many(vec![found, Val::Nil])
}

fn read(windows: &[Val]) -> Result<SyncWindows, String> {
    let all: Vec<Value> = windows.iter().map(json_of).collect();
    let read = SyncWindows::parse("windows", &all.into());
    read.map(|it| it.0).map_err(|it| it.to_string())
}

fn json_of(window: &Val) -> Value {
    let text = |name: &str| match window.field(name) {
        Val::Nil => Value::Null,
        value => value.as_text().into(),
    };
    let list = |name: &str| -> Value {
        let items = window.field(name).items();
        items.iter().map(Val::as_text).collect::<Vec<_>>().into()
    };
    let flag = |name: &str| window.field(name) == Val::Bool(true);
    // Some tests give no kind where none matters.
    let kind = match text("Kind") {
        Value::Null => "allow".into(),
        kind => kind,
    };
    json!({
        "kind": kind, "schedule": text("Schedule"), "duration": text("Duration"), "timeZone": text("TimeZone"),
        "applications": list("Applications"), "namespaces": list("Namespaces"), "clusters": list("Clusters"),
        "manualSync": flag("ManualSync"), "andOperator": flag("UseAndOperator"), "syncOverrun": flag("SyncOverrun"),
    })
}

fn destination(of: &Val) -> Destination {
    let text = |name: &str| {
        let value = of.field(name);
        (!value.is_nil()).then(|| value.as_text())
    };
    Destination {
        server: text("Server"),
        name: text("Name"),
        namespace: text("Namespace").unwrap_or_default(),
    }
}
