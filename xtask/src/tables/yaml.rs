//! The tables of the YAML library: texts with the data that they are, data with the text that it becomes. Rows whose data is
//! of types that charts never have (structs, times, pointers) are left out; charts are read into maps, lists and scalars.

use std::path::{Path, PathBuf};

use windlass_chart::{Options, Profile, Value, expand, yaml};

use super::run::{Runner, Scope};
use super::suite::Suite;
use super::syntax::{Expr, File, Stmt, Type};
use super::value::Val;
use super::{Tally, read};

/// The library's package has no functions of ours; its rows are read as data.
const NOTHING: Suite = Suite {
    prelude: "",
    only: "",
    name: "yaml",
    folder: "",
    files: &[],
    functions: &[],
    helpers: &[],
    methods: &[],
    call: |_, _, _| Ok(Val::Nil),
    method: |_, _, _, _| Ok(Val::Nil),
    explained: &[],
    left_out: &[],
};

pub(super) fn tally(folder: &Path) -> Result<Tally, String> {
    let mut tally = Tally {
        name: "yaml".to_owned(),
        cases: 0,
        bad: Vec::new(),
        left_out: Vec::new(),
    };
    let decode = read(&folder.join("decode_test.go"))?;
    let encode = read(&folder.join("encode_test.go"))?;
    let mut runner = Runner::new(&NOTHING, PathBuf::from(folder), &[]);
    for (at, row) in rows(&decode, "unmarshalTests")?.iter().enumerate() {
        let [(_, text), (_, data)] = row.as_slice() else {
            continue;
        };
        let place = format!("unmarshalTests, row {}", at + 1);
        let why = foreign(data).or_else(|| made_to_fit(data));
        one(&mut tally, &place, why, || {
            let text = value(&mut runner, text)?;
            let expected = value(&mut runner, data)?;
            reads(&text.as_text(), &expected)
        });
    }
    for (at, row) in rows(&decode, "unmarshalErrorTests")?.iter().enumerate() {
        let [(_, text), (_, message)] = row.as_slice() else {
            continue;
        };
        let place = format!("unmarshalErrorTests, row {}", at + 1);
        one(&mut tally, &place, None, || {
            let text = value(&mut runner, text)?.as_text();
            // The table has patterns, of which only the escapes and an open beginning are used.
            let message = value(&mut runner, message)?.as_text().replace('\\', "");
            let fits = |error: &str| match message.strip_prefix(".*") {
                Some(end) => error.ends_with(end),
                None => error == message,
            };
            match yaml::parse(&text) {
                Err(error) if fits(&error.to_string()) => Ok(()),
                other => Err(format!("{text:?}: {message:?} is expected, {other:?} found")),
            }
        });
    }
    for (at, row) in rows(&encode, "marshalTests")?.iter().enumerate() {
        let [(_, data), (_, text)] = row.as_slice() else {
            continue;
        };
        let place = format!("marshalTests, row {}", at + 1);
        one(&mut tally, &place, foreign(data), || {
            let expected = value(&mut runner, text)?.as_text();
            let data = value(&mut runner, data)?;
            writes(&data.to_value(), &expected)
        });
    }
    Ok(tally)
}

fn one(tally: &mut Tally, place: &str, left_out: Option<&str>, run: impl FnOnce() -> Result<(), String>) {
    if let Some(why) = left_out {
        tally.left_out.push(format!("{place}: {why}"));
        return;
    }
    tally.cases += 1;
    if let Err(message) = run() {
        tally.bad.push(format!("{place}: {message}"));
    }
}

/// The rows of a table that a file declares.
fn rows<'f>(file: &'f File, name: &str) -> Result<Vec<&'f Row>, String> {
    let found = file.variables.iter().find_map(|(stmt, _)| match stmt {
        Stmt::Var(names, _, values) if names.first().is_some_and(|it| it == name) => values.first(),
        _ => None,
    });
    let Some(Expr::Composite(_, rows)) = found else {
        return Err(format!("the table {name} is not found"));
    };
    Ok(rows
        .iter()
        .filter_map(|it| match &it.1 {
            Expr::Composite(_, row) => Some(row),
            _ => None,
        })
        .collect())
}

type Row = Vec<(Option<Expr>, Expr)>;

fn value(runner: &mut Runner<'_>, expr: &Expr) -> Result<Val, String> {
    let scope = Scope::within(&runner.global);
    runner.evaluate(expr, &scope).map_err(|it| format!("{it:?}"))
}

/// Why a row's data is not of charts.
fn foreign(data: &Expr) -> Option<&'static str> {
    match data {
        Expr::Unary("&", _) => Some("a pointer or a struct of Go"),
        Expr::Composite(Some(kind), items) => {
            foreign_type(kind).or_else(|| items.iter().find_map(|it| foreign(&it.1)))
        }
        Expr::Composite(None, items) => items.iter().find_map(|it| foreign(&it.1)),
        Expr::Call(function, arguments, _) => {
            let package = match &**function {
                Expr::Select(of, _) => match &**of {
                    Expr::Name(package) => package.as_str(),
                    _ => "",
                },
                Expr::Name(name) if matches!(name.as_str(), "int64" | "uint64" | "float64" | "string") => {
                    "strings"
                }
                _ => "",
            };
            match package {
                "math" => Some("an infinity, which JSON does not have: Helm's values go through JSON"),
                "strings" => arguments.iter().find_map(foreign),
                _ => Some("a type of Go's own"),
            }
        }
        Expr::Unary(_, of) => foreign(of),
        Expr::Text(text) if std::str::from_utf8(text).is_err() => {
            Some("no UTF-8: JSON has replaced it before the library sees it")
        }
        _ => None,
    }
}

/// Reading into texts makes texts of everything, which charts never ask for.
fn made_to_fit(data: &Expr) -> Option<&'static str> {
    fn wants_text(kind: &Type) -> bool {
        match kind {
            Type::Map(_, of) | Type::List(of) => wants_text(of),
            Type::Name(name) => name == "string",
            Type::Pointer(_) | Type::Struct(_) | Type::Other => false,
        }
    }
    match data {
        Expr::Composite(Some(kind), items) => {
            let here = wants_text(kind).then_some("texts are made of other scalars");
            here.or_else(|| items.iter().find_map(|it| made_to_fit(&it.1)))
        }
        _ => None,
    }
}

fn foreign_type(kind: &Type) -> Option<&'static str> {
    match kind {
        Type::Map(key, of) => foreign_type(key).or_else(|| foreign_type(of)),
        Type::List(of) => foreign_type(of),
        Type::Name(name) => match name.as_str() {
            "string" | "any" => None,
            "bool" | "int" | "int64" | "uint64" | "float64" => Some("a type that values are made to fit"),
            _ => Some("a type of Go's own"),
        },
        Type::Other => None,
        Type::Struct(_) | Type::Pointer(_) => Some("a struct of Go"),
    }
}

/// Reading gives the data, as JSON has it: whole numbers and floats are one.
fn reads(text: &str, expected: &Val) -> Result<(), String> {
    let found = yaml::parse_first(text).map_err(|it| format!("{text:?}: {it}"))?;
    let expected = expected.to_value();
    if same(&found, &expected) {
        return Ok(());
    }
    Err(format!("{text:?}: {expected:?} is expected, {found:?} found"))
}

fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "Helm keeps numbers as floats"
        )]
        (Value::Float(a), Value::Int(b)) => *a == *b as f64,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|it| same(it.0, it.1)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, it)| b.get(key).is_some_and(|other| same(it, other)))
        }
        (a, b) => a == b,
    }
}

fn writes(data: &Value, expected: &str) -> Result<(), String> {
    let mut holder = Value::Map([("it".to_owned(), data.clone())].into());
    let out = expand(
        "{{ toYaml .it }}\n",
        &mut holder,
        &Options::of_profile(Profile::Helm4),
    )
    .map_err(|it| it.to_string())?;
    if out == expected.as_bytes() {
        return Ok(());
    }
    Err(format!(
        "{expected:?} is expected, {:?} found",
        String::from_utf8_lossy(&out)
    ))
}
