//! Whether two renders are equal: as bytes, as bytes but for what is random, or as data.

use std::process::Output;

use windlass_chart::{Value, yaml};

/// What came out of one case.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The same bytes, or the same error.
    Equal,
    /// The same bytes, but for lines that differ between two runs of helm as well.
    Masked,
    /// The same bytes, but other warnings.
    Warned(String),
    /// Both fail at the same file and line, in other words.
    SamePlace(String),
    /// The same documents.
    Data(String),
    Different(String),
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Equal => "byte-equal",
            Self::Masked => "equal-masked",
            Self::Warned(_) => "other-warnings",
            Self::SamePlace(_) => "same-place",
            Self::Data(_) => "equal-as-data",
            Self::Different(_) => "DIFFERENT",
        }
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(
            self,
            Self::Equal | Self::Masked | Self::Warned(_) | Self::SamePlace(_)
        )
    }

    pub(super) fn difference(&self) -> Option<&str> {
        match self {
            Self::Equal | Self::Masked => None,
            Self::Warned(text) | Self::SamePlace(text) | Self::Data(text) | Self::Different(text) => {
                Some(text)
            }
        }
    }
}

/// Compares helm's output with ours; `again` runs helm a second time, to find what is random.
pub(super) fn compare(theirs: &Output, ours: &Output, again: impl FnOnce() -> Option<Output>) -> Verdict {
    match (theirs.status.success(), ours.status.success()) {
        (true, true) => {
            let verdict = compare_texts(&text(&theirs.stdout), &text(&ours.stdout), again);
            let (theirs, ours) = (warnings(theirs), warnings(ours));
            if theirs == ours || !verdict.is_good() {
                return verdict;
            }
            let missing = |of: &[String], from: &[String]| -> Vec<String> {
                of.iter().filter(|it| !from.contains(it)).cloned().collect()
            };
            let (more, less) = (missing(&theirs, &ours), missing(&ours, &theirs));
            Verdict::Warned(format!("helm: {more:?}\nours: {less:?}"))
        }
        (false, false) => compare_errors(&text(&theirs.stderr), &text(&ours.stderr)),
        (true, false) => Verdict::Different(format!("only ours fails: {}", text(&ours.stderr).trim())),
        (false, true) => Verdict::Different(format!("only helm fails: {}", text(&theirs.stderr).trim())),
    }
}

/// What was said besides; the order is random in Helm, which walks maps.
fn warnings(of: &Output) -> Vec<String> {
    let mut lines: Vec<String> = text(&of.stderr).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn compare_texts(theirs: &str, ours: &str, again: impl FnOnce() -> Option<Output>) -> Verdict {
    if theirs == ours {
        return Verdict::Equal;
    }
    if let Some(again) = again() {
        let again = text(&again.stdout);
        if masked(theirs, &again) == masked_by(ours, theirs, &again) {
            return Verdict::Masked;
        }
    }
    let difference = first_difference(theirs, ours);
    match (yaml::parse(theirs), yaml::parse(ours)) {
        (Ok(a), Ok(b)) if without_nulls(&a) == without_nulls(&b) => Verdict::Data(difference),
        _ => Verdict::Different(difference),
    }
}

/// Empty documents say nothing.
fn without_nulls(documents: &[Value]) -> Vec<&Value> {
    documents.iter().filter(|it| **it != Value::Null).collect()
}

/// The first text with the lines taken out that are other ones in the second.
fn masked(one: &str, two: &str) -> Vec<String> {
    masked_by(one, one, two)
}

fn masked_by(text: &str, one: &str, two: &str) -> Vec<String> {
    let stable: Vec<bool> = one.lines().zip(two.lines()).map(|(a, b)| a == b).collect();
    let keep = |at: usize| stable.get(at).copied().unwrap_or(true);
    text.lines()
        .enumerate()
        .map(|(at, line)| if keep(at) { line.to_owned() } else { String::new() })
        .collect()
}

/// The first line that differs, with the document that it is in.
fn first_difference(theirs: &str, ours: &str) -> String {
    let mut source = "";
    let (mut a, mut b) = (theirs.lines(), ours.lines());
    for number in 1.. {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => {
                if a.starts_with("# Source: ") {
                    source = a;
                }
            }
            (None, None) => return "only the last line end differs".to_owned(),
            (a, b) => {
                let show =
                    |line: Option<&str>| line.map_or("(end)".to_owned(), |it| it.chars().take(160).collect());
                return format!("{source} line {number}\nhelm: {}\nours: {}", show(a), show(b));
            }
        }
    }
    String::new()
}

fn compare_errors(theirs: &str, ours: &str) -> Verdict {
    let error = |text: &str| {
        text.split_once("Error: ")
            .map_or(text, |it| it.1)
            .trim()
            .to_owned()
    };
    let (theirs, ours) = (error(theirs), error(ours));
    if theirs == ours {
        return Verdict::Equal;
    }
    let shown = format!("helm: {theirs}\nours: {ours}");
    if place(&theirs) == place(&ours) {
        Verdict::SamePlace(shown)
    } else {
        Verdict::Different(shown)
    }
}

/// The first `file:line` of a message.
fn place(message: &str) -> Option<String> {
    message
        .split(|it: char| it.is_whitespace() || "()<>\"".contains(it))
        .find_map(|word| {
            let mut parts = word.split(':');
            let (file, line) = (parts.next()?, parts.next()?);
            let is_file = file.contains('.') && file.contains('/');
            (is_file && line.parse::<u32>().is_ok()).then(|| format!("{file}:{line}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(theirs: &str, again: &str, ours: &str) -> &'static str {
        let again = Output {
            status: std::process::ExitStatus::default(),
            stdout: again.into(),
            stderr: Vec::new(),
        };
        compare_texts(theirs, ours, || Some(again)).word()
    }

    #[test]
    fn renders_are_compared() {
        assert_eq!(verdict("a: 1\n", "a: 1\n", "a: 1\n"), "byte-equal");
        assert_eq!(
            verdict("a: x\nb: 1\n", "a: y\nb: 1\n", "a: z\nb: 1\n"),
            "equal-masked"
        );
        assert_eq!(
            verdict("a: x\nb: 1\n", "a: y\nb: 1\n", "a: z\nb: 2\n"),
            "DIFFERENT"
        );
        assert_eq!(verdict("a: \"x\"\n", "a: \"x\"\n", "a: x\n"), "equal-as-data");
    }

    #[test]
    fn places_are_found_in_messages() {
        let message = "execution error at (a/templates/b.yaml:3:7): no";
        assert_eq!(place(message).as_deref(), Some("a/templates/b.yaml:3"));
    }
}
