//! What Go and its library bring along: operators, conversions, `strings`, `fmt`, `testing`, and the assertions of testify.

use std::rc::Rc;

use windlass_chart::{Options, Profile, Value};

use super::{Halt, Run, Runner};
use crate::tables::value::Val;

pub(super) fn size(count: usize) -> Val {
    Val::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "constants of a test")]
fn as_float(value: &Val) -> Option<f64> {
    match value {
        Val::Int(it) => Some(*it as f64),
        Val::Float(it) => Some(*it),
        _ => None,
    }
}

pub(super) fn binary(sign: &str, left: &Val, right: &Val) -> Run<Val> {
    let value = match (sign, left, right) {
        ("==", a, b) => Val::Bool(is_equal(a, b)),
        ("!=", a, b) => Val::Bool(!is_equal(a, b)),
        ("+", Val::Text(a), Val::Text(b)) => Val::Text([&**a, &**b].concat().into()),
        ("+", Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_add(*b)),
        ("-", Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_sub(*b)),
        ("*", Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_mul(*b)),
        ("/", Val::Int(a), Val::Int(b)) if *b != 0 => Val::Int(a.wrapping_div(*b)),
        ("%", Val::Int(a), Val::Int(b)) if *b != 0 => Val::Int(a.wrapping_rem(*b)),
        ("<<", Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_shl(u32::try_from(*b).unwrap_or(0))),
        _ => match (sign, as_float(left), as_float(right)) {
            ("<", Some(a), Some(b)) => Val::Bool(a < b),
            ("<=", Some(a), Some(b)) => Val::Bool(a <= b),
            (">", Some(a), Some(b)) => Val::Bool(a > b),
            (">=", Some(a), Some(b)) => Val::Bool(a >= b),
            ("+", Some(a), Some(b)) => Val::Float(a + b),
            ("-", Some(a), Some(b)) => Val::Float(a - b),
            ("*", Some(a), Some(b)) => Val::Float(a * b),
            _ => return Err(Halt::Unknown(format!("{} {sign} {}", left.show(), right.show()))),
        },
    };
    Ok(value)
}

/// Go's `==` with nil: empty maps and lists that were never made are nil here.
fn is_equal(a: &Val, b: &Val) -> bool {
    a == b
}

pub(super) fn convert(kind: &str, value: Val) -> Val {
    match (kind, &value) {
        ("string", Val::List(runes)) => {
            let rune = |it: &Val| u32::try_from(it.as_int()).ok().and_then(char::from_u32);
            let text: String = runes.borrow().iter().filter_map(rune).collect();
            Val::text(&text)
        }
        ("string", Val::Error(text)) => Val::text(text),
        ("float64" | "float32", value) => as_float(value).map_or(Val::Nil, Val::Float),
        ("string" | "any", _) => value,
        (_, Val::Float(_)) => Val::Int(value.as_int()),
        _ => value,
    }
}

/// Values of packages.
pub(super) fn constant(path: &str) -> Option<Val> {
    Some(match path {
        "chart.APIVersionV2" => Val::text("v2"),
        "chart.APIVersionV1" => Val::text("v1"),
        "math.MaxInt64" => Val::Int(i64::MAX),
        "math.MinInt64" => Val::Int(i64::MIN),
        "math.MaxInt32" => Val::Int(i64::from(i32::MAX)),
        "math.MinInt32" => Val::Int(i64::from(i32::MIN)),
        "math.MaxUint32" => Val::Int(i64::from(u32::MAX)),
        "math.MaxFloat64" => Val::Float(f64::MAX),
        "math.SmallestNonzeroFloat64" => Val::Float(5e-324),
        "MaxIndex" => Val::Int(65_536),
        "MaxNestedNameLevel" => Val::Int(30),
        "time.Second" => Val::Int(1_000_000_000),
        "time.Minute" => Val::Int(60_000_000_000),
        "time.Hour" => Val::Int(3_600_000_000_000),
        "release.HookPreInstall" => Val::text("pre-install"),
        "release.HookPostInstall" => Val::text("post-install"),
        "release.HookPostDelete" => Val::text("post-delete"),
        "release.HookTest" => Val::text("test"),
        "ignore.HelmIgnore" => Val::text(".helmignore"),
        _ => return argo_constant(path),
    })
}

/// `common.HookTypePreSync` is `PreSync`.
fn argo_constant(path: &str) -> Option<Val> {
    let name = path.rsplit('.').next()?;
    if let Some(word) = ["HookType", "SyncPhase", "HookDeletePolicy"]
        .iter()
        .find_map(|it| name.strip_prefix(it))
    {
        return (!word.is_empty()).then(|| Val::text(word));
    }
    Some(Val::text(match name {
        "AnnotationSyncWave" => "argocd.argoproj.io/sync-wave",
        "AnnotationSyncOptions" => "argocd.argoproj.io/sync-options",
        "AnnotationKeyHook" => "argocd.argoproj.io/hook",
        "AnnotationKeyHookDeletePolicy" => "argocd.argoproj.io/hook-delete-policy",
        "SyncOptionPruneLast" => "PruneLast=true",
        _ => return None,
    }))
}

/// `fmt.Sprintf`, by our own.
pub(super) fn format(arguments: &[Val]) -> String {
    let Some(format) = arguments.first() else {
        return String::new();
    };
    let mut template = String::from("{{ printf .a0");
    let mut data = std::collections::BTreeMap::from([("a0".to_owned(), format.to_value())]);
    for (at, value) in arguments.iter().enumerate().skip(1) {
        template.push_str(&format!(" .a{at}"));
        data.insert(format!("a{at}"), value.to_value());
    }
    template.push_str(" }}");
    let mut data = Value::Map(data);
    windlass_chart::expand(&template, &mut data, &Options::of_profile(Profile::Helm4)).map_or_else(
        |it| it.to_string(),
        |it| String::from_utf8_lossy(&it).into_owned(),
    )
}

/// Functions of lists and maps.
fn list_function(name: &str, arguments: &[Val]) -> Option<Val> {
    Some(match name {
        "len" => match arguments.first() {
            Some(Val::Text(it)) => size(it.len()),
            Some(Val::List(it)) => size(it.borrow().len()),
            Some(Val::Map(it)) => size(it.borrow().len()),
            _ => Val::Int(0),
        },
        "append" => {
            let mut items = arguments.first().map(Val::items).unwrap_or_default();
            items.extend(arguments.iter().skip(1).cloned());
            Val::list(items)
        }
        "maps.Copy" => {
            if let [to, from, ..] = arguments {
                for (key, value) in from.entries() {
                    to.set(key, value);
                }
            }
            Val::Nil
        }
        "sort.Strings" => {
            if let Some(Val::List(items)) = arguments.first() {
                items.borrow_mut().sort_by_key(Val::as_text);
            }
            Val::Nil
        }
        _ => return None,
    })
}

/// Functions of `strings`, `utf8` and the encodings.
fn text_function(name: &str, arguments: &[Val]) -> Option<Val> {
    let text = |at: usize| arguments.get(at).map(Val::as_text).unwrap_or_default();
    Some(match name {
        "strings.Contains" => Val::Bool(text(0).contains(&text(1))),
        "strings.HasPrefix" => Val::Bool(text(0).starts_with(&text(1))),
        "strings.HasSuffix" => Val::Bool(text(0).ends_with(&text(1))),
        "strings.TrimSpace" => Val::text(text(0).trim()),
        "strings.Compare" => Val::Int(text(0).cmp(&text(1)) as i64),
        "strings.Repeat" => {
            let count = arguments.get(1).map_or(0, Val::as_int);
            Val::text(&text(0).repeat(usize::try_from(count).unwrap_or(0)))
        }
        "strings.Split" => Val::list(text(0).split(&text(1)).map(Val::text).collect()),
        "strings.Join" => {
            let parts: Vec<String> = arguments
                .first()
                .map(Val::items)
                .unwrap_or_default()
                .iter()
                .map(Val::as_text)
                .collect();
            Val::text(&parts.join(&text(1)))
        }
        "base64.StdEncoding.EncodeToString" => Val::text(&radix(&bytes(arguments), 6)),
        "base32.StdEncoding.EncodeToString" => Val::text(&radix(&bytes(arguments), 5)),
        "base64.StdEncoding.DecodeString" => {
            Val::or_error(from_base64(&text(0)).map(|it| Val::Text(it.into())))
        }
        "utf8.RuneCountInString" => size(text(0).chars().count()),
        _ => return None,
    })
}

impl Runner<'_> {
    /// A function of a package, of Go itself, or of the code under test.
    pub(super) fn foreign(&mut self, name: &str, arguments: Vec<Val>) -> Run<Val> {
        if self.suite.knows(name) {
            if !self.suite.helpers.contains(&name) {
                self.called();
            }
            return (self.suite.call)(self, name, &arguments);
        }
        let text = |at: usize| arguments.get(at).map(Val::as_text).unwrap_or_default();
        let value = match name {
            "panic" => return Err(Halt::Unknown(format!("panic: {}", text(0)))),
            "fmt.Sprintf" => Val::text(&format(&arguments)),
            "fmt.Sprint" | "strconv.FormatBool" => Val::text(&text(0)),
            "fmt.Errorf" => Val::Error(format(&arguments)),
            "errors.New" => Val::Error(text(0)),
            "strconv.Atoi" => Val::or_error(
                text(0)
                    .parse()
                    .map(Val::Int)
                    .map_err(|_| "invalid syntax".to_owned()),
            ),
            "strconv.FormatFloat" => Val::text(&format(&[
                Val::text("%v"),
                arguments.first().cloned().unwrap_or(Val::Nil),
            ])),
            "reflect.DeepEqual" => Val::Bool(same(&arguments)),
            "path.Join" | "filepath.Join" => {
                let parts: Vec<String> = arguments
                    .iter()
                    .map(Val::as_text)
                    .filter(|it| !it.is_empty())
                    .collect();
                Val::text(&parts.join("/"))
            }
            "bytes.NewBuffer" | "bytes.NewBufferString" => {
                Val::object("bytes.Buffer", [("text", Val::text(&text(0)))])
            }
            "json.MarshalIndent" => Val::Many(vec![Val::text(""), Val::Nil]),
            "assert.New" | "require.New" => Val::object("assert.Assertions", []),
            "os.Setenv" | "rand.Seed" | "time.Now" | "math.Abs" => Val::Int(0),
            "math.Inf" => Val::Float(if arguments.first().is_some_and(|it| it.as_int() < 0) {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            }),
            "math.NaN" => Val::Float(f64::NAN),
            "common.Values" | "chartutil.Values" | "Values" | "M" | "common.SyncPhase" => {
                arguments.into_iter().next().unwrap_or(Val::Nil)
            }
            _ => {
                if let Some(value) =
                    text_function(name, &arguments).or_else(|| list_function(name, &arguments))
                {
                    return Ok(value);
                }
                if let Some(check) = name
                    .strip_prefix("assert.")
                    .or_else(|| name.strip_prefix("require."))
                {
                    let check = check.to_owned();
                    return self.assertion(&check, arguments.get(1..).unwrap_or_default());
                }
                return Err(Halt::Unknown(format!("{name} is not known here")));
            }
        };
        Ok(value)
    }

    pub(super) fn method(&mut self, of: &Val, name: &str, arguments: Vec<Val>) -> Run<Val> {
        if let Val::Foreign(path) = of {
            return self.foreign(&format!("{path}.{name}"), arguments);
        }
        if let Some(function) = self.global.find(name)
            && name.contains('.')
        {
            let function = function.borrow().clone();
            let mut all = vec![of.clone()];
            all.extend(arguments);
            return self.call(&function, all);
        }
        match (of, name) {
            (Val::Error(text), "Error") => return Ok(Val::text(text)),
            (Val::Struct(it), _) if it.kind == "testing.T" => return self.test_method(name, &arguments),
            (Val::Struct(it), _) if it.kind == "assert.Assertions" => {
                return self.assertion(name, &arguments);
            }
            (Val::Struct(it), _) if matches!(it.kind.as_str(), "bytes.Buffer" | "strings.Builder") => {
                return Ok(buffer(of, name, &arguments));
            }
            _ => {}
        }
        let kind = match of {
            Val::Struct(it) => it.kind.clone(),
            _ => String::new(),
        };
        if self.suite.has_method(&kind, name) {
            self.called();
        }
        (self.suite.method)(self, of, name, &arguments)
    }

    fn test_method(&mut self, name: &str, arguments: &[Val]) -> Run<Val> {
        match name {
            "Error" | "Errorf" => self.complain(format(arguments)),
            "Fatal" | "Fatalf" => {
                self.complain(format(arguments));
                return Err(Halt::End);
            }
            "Skip" | "Skipf" | "SkipNow" => return Err(Halt::End),
            "Run" => {
                if let [_, function] = arguments {
                    let t = Val::object("testing.T", []);
                    match self.call(&function.clone(), vec![t]) {
                        Err(Halt::End) => {}
                        other => return other,
                    }
                }
            }
            _ => {}
        }
        Ok(Val::Nil)
    }

    fn assertion(&mut self, name: &str, arguments: &[Val]) -> Run<Val> {
        let first = arguments.first().cloned().unwrap_or(Val::Nil);
        let second = arguments.get(1).cloned().unwrap_or(Val::Nil);
        let holds = match name {
            "Equal" | "EqualValues" => first == second,
            "NotEqual" => first != second,
            "NoError" | "Nil" | "NoErrorf" => first.is_nil(),
            "Error" | "NotNil" => !first.is_nil(),
            "EqualError" => first.as_text() == second.as_text(),
            "ErrorContains" => !first.is_nil() && first.as_text().contains(&second.as_text()),
            "True" => first == Val::Bool(true),
            "False" => first == Val::Bool(false),
            "Empty" => {
                first.is_nil()
                    || first.as_text().is_empty()
                    || first.items().is_empty() && first.entries().is_empty()
            }
            "Len" => size(first.items().len().max(first.entries().len())) == second,
            "Contains" => match &first {
                Val::List(items) => items.borrow().contains(&second),
                Val::Map(_) => first.get(&second).is_some(),
                _ => first.as_text().contains(&second.as_text()),
            },
            "ElementsMatch" => {
                let (a, b) = (first.items(), second.items());
                a.len() == b.len() && a.iter().all(|it| b.contains(it))
            }
            "NotContains" => !first.as_text().contains(&second.as_text()),
            other => return Err(Halt::Unknown(format!("assert.{other} is not known here"))),
        };
        if !holds {
            self.complain(format!("{name}: {} and {}", first.show(), second.show()));
        }
        Ok(Val::Bool(holds))
    }
}

fn same(arguments: &[Val]) -> bool {
    matches!(arguments, [a, b, ..] if a == b || a.is_nil() && b.items().is_empty() && matches!(b, Val::List(_)))
}

/// `bytes.Buffer` and `strings.Builder`.
fn buffer(of: &Val, name: &str, arguments: &[Val]) -> Val {
    let held = match of.field("text") {
        Val::Text(it) => it,
        _ => Rc::from(&b""[..]),
    };
    match name {
        "WriteString" | "Write" => {
            let more = arguments.first().map(Val::as_text).unwrap_or_default();
            of.set_field("text", Val::Text([&*held, more.as_bytes()].concat().into()));
            Val::Nil
        }
        "Reset" => {
            of.set_field("text", Val::text(""));
            Val::Nil
        }
        "Len" => size(held.len()),
        _ => Val::Text(held),
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn bytes(arguments: &[Val]) -> Vec<u8> {
    match arguments.first() {
        Some(Val::Text(it)) => it.to_vec(),
        _ => Vec::new(),
    }
}

/// Bytes in letters of 5 or 6 bits, filled up to whole groups.
fn radix(bytes: &[u8], bits: usize) -> String {
    let (letters, group): (&[u8], usize) = if bits == 6 { (LETTERS, 4) } else { (LETTERS_32, 8) };
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |it| it >> (7 - at % 8) & 1);
    let count = (bytes.len() * 8).div_ceil(bits);
    let letter = |at: usize| (0..bits).fold(0, |all, it| all << 1 | usize::from(bit(at * bits + it)));
    let mut out: String = (0..count).map(|at| char::from(letters[letter(at)])).collect();
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let (mut held, mut bits, mut out) = (0_u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let place = LETTERS
            .iter()
            .position(|it| *it == byte)
            .ok_or("illegal base64 data")?;
        held = held << 6 | u32::try_from(place).unwrap_or(0);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xFF).unwrap_or(0));
        }
    }
    Ok(out)
}
