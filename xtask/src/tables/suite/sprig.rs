//! sprig: templates with data, and its functions called directly, which are called through a template here.

use windlass_chart::{Options, Profile, Value, expand};

use super::{Suite, argument, unknown};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(super) const SPRIG: Suite = Suite {
    name: "sprig",
    folder: "",
    files: &[
        "crypto_test.go",
        "date_test.go",
        "defaults_test.go",
        "dict_test.go",
        "flow_control_test.go",
        "functions_linux_test.go",
        "functions_test.go",
        "issue_188_test.go",
        "list_test.go",
        "numeric_test.go",
        "reflect_test.go",
        "regex_test.go",
        "semver_test.go",
        "strings_test.go",
        "url_test.go",
    ],
    functions: &[
        "runt",
        "runtv",
        "runRaw",
        "toFloat64",
        "toInt64",
        "toInt",
        "toDecimal",
        "ceil",
        "floor",
        "round",
        "urlParse",
        "urlJoin",
        "regexMatch",
        "mustRegexMatch",
        "regexFindAll",
        "mustRegexFindAll",
        "regexFind",
        "mustRegexFind",
        "regexReplaceAll",
        "mustRegexReplaceAll",
        "regexReplaceAllLiteral",
        "mustRegexReplaceAllLiteral",
        "regexSplit",
        "mustRegexSplit",
        "regexQuoteMeta",
        "strval",
        "generateCertificateAuthority",
    ],
    helpers: &[],
    prelude: "",
    only: "",
    methods: &[],
    call,
    method: super::no_method,
    explained: &[
        (
            "TestEmpty",
            "a missing key of a missing key: Helm's engine sets missingkey=zero, under which Go fails",
        ),
        ("TestCoalesce", "as TestEmpty"),
        ("TestAll", "as TestEmpty"),
        ("TestAny", "as TestEmpty"),
        ("TestTypeOf", "data of a Go struct"),
        ("TestKindOf", "data of a Go struct or a pointer"),
        ("TestTypeIs", "data of a Go struct"),
        ("TestKindIs", "data of a pointer"),
    ],
    left_out: &[
        ("TestEnv", "Helm takes `env` away"),
        ("TestExpandEnv", "Helm takes `expandenv` away"),
        (
            "TestShuffle",
            "it wants the sequence of Go's random generator for the seed 1",
        ),
        (
            "TestAgo",
            "data of Go's time type, which no values file has; times come from `now` and `toDate`",
        ),
        ("TestUnixEpoch", "data of Go's time type"),
        ("TestDateInZone", "data of Go's time type"),
        (
            "TestBcrypt",
            "checked by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestHtpasswd",
            "checked by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenCA",
            "read by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenCAWithKey",
            "read by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenSelfSignedCert",
            "read by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenSelfSignedCertWithKey",
            "read by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenSignedCert",
            "read by Go's own library; see the tests of functions/crypto",
        ),
        (
            "TestGenSignedCertWithKey",
            "read by Go's own library; see the tests of functions/crypto",
        ),
    ],
};

fn call(runner: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let text = |at: usize| argument(arguments, at).as_text();
    match name {
        "runt" => Ok(compared(
            &text(0),
            &text(1),
            &Val::map(Vec::new()),
            runner.count(),
        )),
        "runtv" => Ok(compared(
            &text(0),
            &text(1),
            &argument(arguments, 2),
            runner.count(),
        )),
        "runRaw" => {
            let out = expanded(&text(0), &argument(arguments, 1), runner.count());
            Ok(match out {
                Ok(out) => Val::Many(vec![Val::Text(out.into()), Val::Nil]),
                Err(message) => Val::Many(vec![Val::text(""), Val::Error(message)]),
            })
        }
        "toFloat64" => one("float64", arguments),
        "toInt64" => one("int64", arguments),
        "toInt" => one("int", arguments),
        "strval" => one("toString", arguments),
        _ if name.starts_with("must") => Ok(Val::or_error(through_template(name, arguments))),
        "generateCertificateAuthority" => authority(arguments),
        _ => one(name, arguments),
    }
}

fn options(count: usize) -> Options {
    let mut options = Options::of_profile(Profile::Helm4);
    // Two runs of the same template are two renders.
    options.seed = windlass_chart::Seed::new(count.to_string());
    options
}

fn expanded(template: &str, data: &Val, count: usize) -> Result<Vec<u8>, String> {
    let mut value = data.to_value();
    let out = expand(template, &mut value, &options(count)).map_err(|it| it.to_string())?;
    // Templates change the maps that they are given.
    data.refill(&value);
    Ok(out)
}

fn compared(template: &str, expected: &str, data: &Val, count: usize) -> Val {
    match expanded(template, data, count) {
        Ok(out) if out == expected.as_bytes() => Val::Nil,
        Ok(out) => Val::Error(format!(
            "Expected '{expected}', got '{}'",
            String::from_utf8_lossy(&out)
        )),
        Err(message) => Val::Error(message),
    }
}

fn one(name: &str, arguments: &[Val]) -> Run<Val> {
    match through_template(name, arguments) {
        Ok(value) => Ok(value),
        Err(message) => unknown(&message),
    }
}

/// sprig's own function behind `genCA`.
fn authority(arguments: &[Val]) -> Run<Val> {
    let name = argument(arguments, 0);
    let mut data = Value::Map([("name".to_owned(), name.to_value())].into());
    let template = r#"{{ $ca := genCA .name 365 }}{{ dict "Cert" $ca.Cert "Key" $ca.Key | toJson }}"#;
    let Ok(out) = expand(template, &mut data, &options(0)) else {
        return unknown("genCA");
    };
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap_or_default();
    let part = |name: &str| Val::text(json.get(name).and_then(|it| it.as_str()).unwrap_or_default());
    let certificate = Val::object("certificate", [("Cert", part("Cert")), ("Key", part("Key"))]);
    Ok(Val::Many(vec![certificate, Val::Nil]))
}

/// Calls a function on data and reads what it gives back from JSON.
fn through_template(name: &str, arguments: &[Val]) -> Result<Val, String> {
    let mut template = format!("{{{{ toJson ({name}");
    let mut data = std::collections::BTreeMap::new();
    for (at, value) in arguments.iter().enumerate() {
        match value {
            // A constant, so that it is Go's `int` and not a longer one.
            Val::Int(it) => template.push_str(&format!(" {it}")),
            _ => {
                template.push_str(&format!(" .a{at}"));
                data.insert(format!("a{at}"), value.to_value());
            }
        }
    }
    template.push_str(") }}");
    let out = expand(&template, &mut Value::Map(data), &options(0)).map_err(|it| it.to_string())?;
    let json: serde_json::Value = serde_json::from_slice(&out).map_err(|it| it.to_string())?;
    Ok(Val::of_value(&Value::from_json(&json)))
}
