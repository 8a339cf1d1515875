//! The colours of the style sheet, in light and in dark: text is readable (WCAG 2.2, 1.4.3 and 1.4.11).

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../assets/style.css");
/// Text or edge, ground, least contrast.
const PAIRS: [(&str, &str, f64); 15] = [
    ("ink", "paper", 7.0),
    ("ink", "card", 7.0),
    ("soft", "paper", 4.5),
    ("soft", "card", 4.5),
    ("link", "paper", 4.5),
    ("link", "card", 4.5),
    ("on-green", "green", 4.5),
    ("good", "paper", 4.5),
    ("good", "card", 4.5),
    ("good", "good-ground", 4.5),
    ("bad", "paper", 4.5),
    ("bad", "card", 4.5),
    ("bad", "bad-ground", 4.5),
    ("edge", "card", 3.0),
    ("green", "paper", 3.0),
];

/// `--name: #rrggbb;` of a part of the sheet.
fn colours(part: &str) -> BTreeMap<&str, [f64; 3]> {
    part.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
            let channel = |at: usize| f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap()) / 255.0;
            Some((name, [channel(0), channel(2), channel(4)]))
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|channel| {
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_can_be_read_in_light_and_in_dark() {
    let (light, rest) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split("\n}\n").next().unwrap();
    for (scheme, part) in [("light", light), ("dark", dark)] {
        let colours = colours(part);
        for (text, ground, least) in PAIRS {
            let found = contrast(colours[text], colours[ground]);
            assert!(
                found >= least,
                "{scheme}: {text} on {ground} has {found:.2}, needs {least}"
            );
        }
    }
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 0.01);
}
