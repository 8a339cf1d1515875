//! `--set` and its relatives.

use std::collections::BTreeMap;

use windlass_chart::values::set::{Reading, set};
use windlass_chart::{Options, Profile, Value, expand};

use super::{Suite, argument, unknown};
use crate::tables::run::{Halt, Run, Runner};
use crate::tables::value::Val;

const FUNCTIONS: &[&str] = &[
    "Parse",
    "ParseString",
    "ParseInto",
    "ParseIntoString",
    "ParseJSON",
    "ParseFile",
    "ParseIntoFile",
    "ParseLiteral",
    "ParseLiteralInto",
    "ToYAML",
    "yaml.Marshal",
];

pub(super) const STRVALS: Suite = Suite {
    name: "strvals",
    folder: "pkg/strvals",
    files: &["parser_test.go"],
    functions: FUNCTIONS,
    helpers: &["yaml.Marshal"],
    prelude: "",
    only: "",
    methods: &[],
    call,
    method: super::no_method,
    explained: &[],
    left_out: &[(
        "TestSetIndex",
        "a private function of Helm's parser; indices are tried through `a[0]=b`",
    )],
};

pub(super) const LITERAL: Suite = Suite {
    name: "strvals literal",
    files: &["literal_parser_test.go"],
    left_out: &[],
    ..STRVALS
};

fn call(runner: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let text = argument(arguments, 0).as_text();
    let into = argument(arguments, 1);
    match name {
        "Parse" => Ok(parsed(&text, &Reading::Typed)),
        "ParseString" => Ok(parsed(&text, &Reading::Text)),
        "ParseLiteral" => Ok(parsed(&text, &Reading::Literal)),
        "ParseInto" => Ok(parsed_into(&text, &into, &Reading::Typed)),
        "ParseIntoString" => Ok(parsed_into(&text, &into, &Reading::Text)),
        "ParseLiteralInto" => Ok(parsed_into(&text, &into, &Reading::Literal)),
        "ParseJSON" => Ok(parsed_into(&text, &into, &Reading::Json)),
        "ParseFile" => {
            let target = Val::map(Vec::new());
            let error = from_file(runner, &text, &target, &into)?;
            Ok(Val::Many(vec![target, error]))
        }
        "ParseIntoFile" => from_file(runner, &text, &into, &argument(arguments, 2)),
        "ToYAML" => {
            let mut map = BTreeMap::new();
            let result = set(&text, &mut map, &Reading::Typed).map(|()| yaml(&Value::Map(map)));
            Ok(Val::or_error(result.map(|it| Val::text(&it))))
        }
        "yaml.Marshal" => {
            let text = yaml(&argument(arguments, 0).to_value());
            Ok(Val::Many(vec![Val::text(&text), Val::Nil]))
        }
        _ => unknown(name),
    }
}

fn yaml(value: &Value) -> String {
    let mut data = Value::Map([("it".to_owned(), value.clone())].into());
    let options = Options::of_profile(Profile::Helm4);
    expand("{{ toYaml .it }}", &mut data, &options).map_or_else(
        |it| it.to_string(),
        |it| String::from_utf8_lossy(&it).into_owned(),
    )
}

fn parsed(text: &str, reading: &Reading<'_>) -> Val {
    let mut map = BTreeMap::new();
    let result = set(text, &mut map, reading);
    Val::or_error(result.map(|()| Val::of_value(&Value::Map(map))))
}

fn parsed_into(text: &str, into: &Val, reading: &Reading<'_>) -> Val {
    let mut map = match into.to_value() {
        Value::Map(map) => map,
        _ => BTreeMap::new(),
    };
    let result = set(text, &mut map, reading);
    into.refill(&Value::Map(map));
    Val::error(result)
}

/// The test's own function reads the file; it is asked before, because ours wants one that cannot fail halfway.
fn from_file(runner: &mut Runner<'_>, text: &str, into: &Val, reader: &Val) -> Run<Val> {
    let path = text.split_once('=').map_or("", |it| it.1);
    let runes = path
        .chars()
        .map(|it| Val::Int(i64::from(u32::from(it))))
        .collect();
    let Val::Many(answer) = runner.call(reader, vec![Val::list(runes)])? else {
        return Err(Halt::Unknown("the reader gives no two results".to_owned()));
    };
    let content = answer.first().map(Val::as_text).unwrap_or_default();
    let read = |_: &str| Ok(content.clone());
    Ok(parsed_into(text, into, &Reading::File(&read)))
}
