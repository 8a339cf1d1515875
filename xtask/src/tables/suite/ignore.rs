//! .helmignore.

use windlass_chart::ignore::Rules;

use super::{Suite, argument, unknown};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(super) const IGNORE: Suite = Suite {
    name: "ignore",
    folder: "pkg/ignore",
    files: &["rules_test.go"],
    functions: &["parseString", "ParseFile", "os.Stat"],
    helpers: &["os.Stat"],
    prelude: "",
    only: "",
    methods: &[("Rules", "Ignore")],
    call,
    method,
    explained: &[],
    left_out: &[
        ("TestParse", "it looks at private fields of the parsed rules"),
        ("TestParseFile", "it counts private fields of the parsed rules"),
        ("TestAddDefaults", "it counts private fields of the parsed rules"),
    ],
};

fn call(runner: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let text = argument(arguments, 0).as_text();
    match name {
        "parseString" => {
            let rules = Rules::read(&text).map(|_| Val::object("Rules", [("text", Val::text(&text))]));
            Ok(Val::or_error(rules))
        }
        "os.Stat" => {
            let path = runner.folder.join(&text);
            let found = std::fs::metadata(&path).map_err(|it| it.to_string());
            Ok(Val::or_error(found.map(|it| Val::Bool(it.is_dir()))))
        }
        _ => unknown(name),
    }
}

fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    let path = argument(arguments, 0).as_text();
    let Ok(rules) = Rules::read(&of.field("text").as_text()) else {
        return unknown(name);
    };
    let path = path.trim_end_matches('/');
    Ok(Val::Bool(match argument(arguments, 1) {
        Val::Bool(true) => rules.ignores_folder(path),
        _ => rules.ignores_file(path),
    }))
}
