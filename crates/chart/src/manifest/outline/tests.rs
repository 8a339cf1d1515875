//! Documents that are taken and documents that are not, beside what the real reader makes of them.

use super::*;
use crate::profile::Profile;

fn same(text: &str) -> bool {
    let limits = Limits::default();
    let Some(fast) = head(text.as_bytes(), &limits) else {
        return false;
    };
    let slow = Head::read_all(text.as_bytes(), "a", Profile::Helm4, &limits)
        .unwrap_or_else(|it| panic!("{it}: {text}"));
    assert_eq!(fast.kind, slow.kind, "{text}");
    assert_eq!(fast.name, slow.name, "{text}");
    assert_eq!(fast.annotations, slow.annotations, "{text}");
    true
}

#[test]
fn simple_documents_are_read_as_the_reader_does() {
    for text in [
        "kind: A\nmetadata:\n  name: b\n",
        "# c\n\nkind: \"A\" # c\nmetadata:\n    name: 'b'\n    annotations:\n        a/b: x\n        \"c\": 1\n        d: true\nspec: {}\n",
        "kind: List\nitems:\n- a: 1\n  b:\n  - c\n  - - d\n    - e: f\n- x\nmetadata:\n  name: 5\n",
        "a:\n  - b: |\n      x\n       y\n\n    c: >-\n      z\n  -\n    d: 1\n  - e:\nkind: B\n",
        "data:\n  a: |\n\n    x: [\n  b: \"{}\"\nmetadata: {}\nkind: C\n",
        "metadata:\n  labels:\n    a: b\n  annotations: {}\n  name: é\nkind: D\n",
        "a: b\n  c - d\n\n  # e\nkind: F\n",
        "a: b\n  - c\n\n  d # e\nkind: F\n",
        "a: \"b\n\n c: d\\\n  e\\\"\" # f\nkind: F\n",
        "a: 'it''s\n\n  - b'\nkind: F\n",
        "a:\n- b\n  c\n- [d, \"e\", {f: g, \"h\": 1}]\n- {i: [], j: {}}\nkind: F\n",
        "a: 1.5\nb: -3\nc: .x\nd: 1:30\ne: x:y\nf: a#b\nkind: E\n",
    ] {
        assert!(same(text), "{text}");
    }
}

#[test]
fn what_is_not_simple_is_left_to_the_reader() {
    for text in [
        "",
        "# only\n",
        "x\n",
        "a: b: c\n",
        "a: b\n  c: d\n",
        "a: b # c\n  d\n",
        "a: b\n  # c\n  d\n",
        "a: b\n  c\n  # c\n  d: e\n",
        "a: b\n  c:\n",
        "a: \"b\n",
        "a: \"b\n---\n\"\n",
        "a: \"\\x41\"\n",
        "a: b\n c: d\n",
        "a:\n  b: 1\n c: 2\n",
        "a:\n- b\nc\n",
        "- a\nb: c\n",
        "a: [b: c]\n",
        "a: [null: b]\n",
        "a: {b}\n",
        "a: [b\n",
        "a: [.inf]\n",
        "a: [b] c\n",
        "a: {null: b}\n",
        "a: {1: b}\n",
        "a: &x b\n",
        "a: !!str b\n",
        "a: |2\n   b\n",
        "kind: 'it''s'\n",
        "kind: a\n  b\n",
        "a: .inf\n",
        "- a: b\n",
        "null: a\n",
        "? a\n: b\n",
        "a: \t\n",
        "a: b\r\n",
        "kind: a\nkind: b\n",
        "kind:\n  a: b\n",
        "metadata:\n- a\n",
        "metadata: a\n",
        "a: 1\n---\nb: 2\n",
        "%YAML 1.1\n",
        "  a: 1\nb: 2\n",
        "a:\n    b: 1\n  # c\n  d: 1\n",
    ] {
        assert!(!same(text), "{text}");
    }
}

/// Lines put together in all orders: whatever is taken is what the reader reads.
#[test]
fn whatever_is_taken_is_what_the_reader_reads() {
    let lines = [
        "kind: A",
        "metadata:",
        "  name: b",
        "  annotations:",
        "    c: d",
        "- e",
        "  - f: g",
        "  - ",
        "h:",
        "  i: |",
        "    j",
        "   k",
        "# l",
        "",
        "  \"m\": 'n' # o",
        "p: q r",
        "  - - s",
        "    t: {}",
        "u: ",
        "      v: w",
        "-",
        "  x: -",
        "y: >",
        "  z z",
    ];
    let mut taken = 0;
    let count = lines.len();
    for number in 0..count.pow(4) {
        let mut rest = number;
        let mut text = String::new();
        for _ in 0..4 {
            text.push_str(lines[rest % count]);
            text.push('\n');
            rest /= count;
        }
        taken += usize::from(same(&text));
    }
    assert!(taken > 10_000, "{taken}");
}

/// Longer documents of the same and more lines, by a small generator of numbers.
#[test]
fn longer_documents_are_read_as_the_reader_does() {
    let lines = [
        "kind: A",
        "metadata:",
        "  name: b",
        "  annotations:",
        "    c: d",
        "    \"e\": 'f' # g",
        "spec:",
        "  - a: 1",
        "    b:",
        "    - c",
        "  a: b c",
        "    d e",
        "  # f",
        "",
        "  g: |",
        "    h",
        "     i: [",
        "  j: \"k",
        "    l: m\"",
        "  n: {o: p, q: [r]}",
        "  - s",
        "  -",
        "t: 'u",
        "",
        "v'' w'",
        "x: y # z",
        "  - - a",
        "      b: c",
        "    - d",
        "e: >-",
        "    f",
        "  g",
        "h: -1",
        "i: ~",
    ];
    let mut number = 1_u64;
    let mut taken = 0;
    for _ in 0..30_000 {
        let mut text = String::new();
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        for _ in 0..3 + number % 9 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(number >> 33).unwrap() % lines.len();
            text.push_str(lines[at]);
            text.push('\n');
        }
        taken += usize::from(same(&text));
    }
    assert!(taken > 300, "{taken}");
}
