//! Values at random, with texts and numbers that readers and writers of YAML stumble over.

use std::fmt::Write as _;

use crate::fuzz::Random;

/// Keys that templates ask for, with the kind that they mostly have.
pub(super) const TEXTS: &[&str] = &["text", "name", "line"];
pub(super) const NUMBERS: &[&str] = &["number", "port", "share"];
pub(super) const LISTS: &[&str] = &["list", "names", "many"];
pub(super) const MAPS: &[&str] = &["map", "labels", "deep"];

const WORDS: &[&str] = &[
    "a",
    "abc",
    "hello world",
    "Hello, World!",
    "fooBarBaz",
    "HTTPServer2Go",
    "snake_case_word",
    "kebab-case-word",
    "  both  ",
    "tab\\tend",
    "line\\none",
    "line one\\nline two\\n",
    "\\n\\nlate",
    "trailing\\n\\n",
    "yes",
    "NO",
    "on",
    "null",
    "~",
    "true",
    "12",
    "012",
    "0x1F",
    "1e3",
    "1_000",
    "12:30",
    "2020-01-01",
    "2020-01-01T10:00:00Z",
    "1.5",
    ".5",
    "-",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "'single'",
    "\\\"double\\\"",
    "back\\\\slash",
    "{{ .Values.name }}",
    "{{ printf \\\"%d\\\" 3 }}",
    "{a}",
    "[b]",
    "*star",
    "&and",
    "!tag",
    "%percent",
    "@at",
    "`tick`",
    "<b>&amp;</b>",
    "\u{e9}t\u{e9}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\\u263a",
    "\\U0001F600",
    "\\x07bell",
    "\\u200b",
    "\\uFEFFmark",
    "\\u0085next",
    "\\u2028line",
    "a,b,c",
    "a.b.c",
    "v1.2.3",
    "1.2.3-beta.1+x",
    "https://user:pw@host.io:8080/a/b?q=1&r=s#f",
    "/a/./b/../c.txt",
    "aGVsbG8=",
    "{\\\"a\\\": 1, \\\"b\\\": [true, null]}",
    "a very long text that goes on and on over the eightieth column, where writers of YAML like to fold it",
    "longwordwithoutanyspaceinitthatgoesonandonovertheeightiethcolumnandtherefore",
    "ends with colon:",
    "? question",
    "=",
    "<<",
    "",
];

const NUMBERS_WRITTEN: &[&str] = &[
    "0",
    "1",
    "-1",
    "7",
    "80",
    "8080",
    "65535",
    "123456",
    "1000000",
    "12345678",
    "123456789012",
    "9007199254740993",
    "12345678901234567890",
    "0.5",
    "1.0",
    "-2.25",
    "3.14159",
    "1e6",
    "1e21",
    "1e-7",
    "0.00001",
    "0x1F",
    "017",
    "0o17",
    "1_000",
    ".inf",
];

pub(super) fn one_of<'a>(random: &mut Random, all: &[&'a str]) -> &'a str {
    all[random.below(all.len())]
}

pub(super) fn text(random: &mut Random) -> String {
    format!("\"{}\"", one_of(random, WORDS))
}

/// values.yaml: every key is there.
pub(super) fn file(random: &mut Random) -> String {
    let mut out = String::new();
    for key in TEXTS {
        let _ = writeln!(out, "{key}: {}", text(random));
    }
    for key in NUMBERS {
        let _ = writeln!(out, "{key}: {}", number(random));
    }
    for key in LISTS {
        let _ = writeln!(out, "{key}: {}", list(random, 2));
    }
    for key in MAPS {
        let _ = writeln!(out, "{key}: {}", map(random, 3));
    }
    let _ = writeln!(out, "flag: {}", one_of(random, &["true", "false", "yes", "off"]));
    let _ = writeln!(out, "nothing: null");
    out
}

/// A second file: some keys again, mostly of the same kind.
pub(super) fn more(random: &mut Random) -> String {
    let mut out = String::from("extra: 1\n");
    for key in [TEXTS, NUMBERS, LISTS, MAPS].concat() {
        let value = match random.below(8) {
            0 => any(random, 2),
            1 => "null".to_owned(),
            2 if MAPS.contains(&key) => map(random, 2),
            3 if TEXTS.contains(&key) => text(random),
            _ => continue,
        };
        let _ = writeln!(out, "{key}: {value}");
    }
    out
}

fn number(random: &mut Random) -> String {
    let limit = if random.below(12) == 0 {
        NUMBERS_WRITTEN.len()
    } else {
        // JSON has no infinity, and a chart with it fails as a whole.
        NUMBERS_WRITTEN.len() - 1
    };
    NUMBERS_WRITTEN[random.below(limit)].to_owned()
}

fn any(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0..=3 => text(random),
        4 => number(random),
        5 => one_of(random, &["true", "false"]).to_owned(),
        6 => "null".to_owned(),
        7 => list(random, depth - 1),
        _ => map(random, depth - 1),
    }
}

fn list(random: &mut Random, depth: usize) -> String {
    let items: Vec<String> = (0..random.below(5)).map(|_| any(random, depth)).collect();
    format!("[{}]", items.join(", "))
}

fn map(random: &mut Random, depth: usize) -> String {
    let mut entries = Vec::new();
    for key in ["a", "b", "k2", "k10", "K1", "x-y", "name"] {
        if random.below(2) == 0 {
            entries.push(format!("{key}: {}", any(random, depth)));
        }
    }
    if random.below(4) == 0 {
        entries.push(format!("{}: {}", text(random), any(random, depth)));
    }
    format!("{{{}}}", entries.join(", "))
}
