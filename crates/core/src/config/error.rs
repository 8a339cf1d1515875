//! What is wrong with a configuration, shown at its place in the file.

use std::fmt;

use super::node::Span;

/// A mistake in a configuration file. Displayed in several lines: file, line and column with the cause, the source
/// line with a mark below, and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named to the parser.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters that are marked; at least 1.
    pub length: usize,
    /// The whole source line.
    pub source_line: String,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub hint: String,
}

/// A mistake before it is known which file it is in.
#[derive(Debug)]
pub(super) struct Problem {
    span: Span,
    cause: String,
    hint: String,
}

impl Problem {
    pub(super) fn new(span: Span, cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            span,
            cause: cause.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn in_file(self, path: &str, text: &str) -> ConfigError {
        let source_line = text.lines().nth(self.span.line).unwrap_or_default();
        let marked: String = source_line
            .chars()
            .skip(self.span.column)
            .take(self.span.length)
            .collect();
        ConfigError {
            path: path.to_owned(),
            line: self.span.line + 1,
            column: self.span.column + 1,
            length: marked.trim_end().chars().count().max(1),
            source_line: source_line.to_owned(),
            cause: self.cause,
            hint: self.hint,
        }
    }
}

/// The name nearest to a mistyped one, if one is near enough to be meant.
pub(super) fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let longest = typed.chars().count();
    names
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + longest.max(name.chars().count()) / 4)
        .min()
        .map(|(_, name)| name)
}

/// A hint that names the nearest of the names, or all of them.
pub(super) fn suggest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(typed, names.clone()) {
        return format!("did you mean `{name}`?");
    }
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match all.as_slice() {
        [] => "there is none to choose from".to_owned(),
        [one] => format!("it can be {one}"),
        [most @ .., last] => format!("it can be {} or {last}", most.join(", ")),
    }
}

/// Edits from one word to the other; two neighbours swapped are one edit.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(one[i - 1] != other[j - 1]);
                let best = (rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1)
                    .min(rows[i - 1][j - 1] + change);
                let swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                if swapped {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[one.len()][other.len()]
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let margin = " ".repeat(self.line.to_string().len());
        // Tabs stay tabs below a tab, so that the mark stands where the text stands.
        let indent: String = self
            .source_line
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.cause)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{} | {}", self.line, self.source_line.trim_end())?;
        writeln!(f, "{margin} | {indent}{}", "^".repeat(self.length))?;
        write!(f, "hint: {}", self.hint)
    }
}

impl std::error::Error for ConfigError {}
