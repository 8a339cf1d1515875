//! The only place that writes to the terminal: lines for people, or one document for programs.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::json;

/// How answers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One document on standard output.
    Json,
}

/// Where answers go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Say {
    format: Format,
    colored: bool,
}

/// What a word is, for those who see colours; the word itself says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// In progress, or waiting.
    Busy,
    /// Not as it should be.
    Bad,
    /// Names of things.
    Strong,
    /// Less important.
    Faint,
}

impl Say {
    /// Colours only for a terminal, and not where `NO_COLOR` is set (https://no-color.org).
    pub(crate) fn new(format: Format) -> Self {
        let colored = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { format, colored }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// A line for people. Programs do not get it.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if self.format == Format::Text {
            print(text.as_ref());
        }
    }

    /// What goes on: for people on standard output, beside a document on standard error.
    pub(crate) fn progress(self, text: impl AsRef<str>) {
        match self.format {
            Format::Text => print(text.as_ref()),
            Format::Json => complain(text.as_ref()),
        }
    }

    /// The answer for programs. People do not get it.
    pub(crate) fn document(self, document: &impl Serialize) {
        if self.format == Format::Json {
            print(&serde_json::to_string_pretty(document).unwrap_or_default());
        }
    }

    /// Text as it is, in either form: a log line, an exported record.
    pub(crate) fn raw(text: &str) {
        print(text);
    }

    /// The last line: what one would type next.
    pub(crate) fn next(self, command: impl AsRef<str>) {
        if self.format == Format::Text {
            print(&format!(
                "{} {}",
                self.tone(Tone::Faint, "next:"),
                command.as_ref()
            ));
        }
    }

    /// Why it did not work: thing and cause, then what to do about it.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let (cause, hints) = explain(error);
        if self.format == Format::Json {
            print(&json!({ "error": cause, "hints": hints }).to_string());
        }
        complain(&format!("error: {cause}"));
        for hint in hints {
            complain(&format!("hint: {hint}"));
        }
    }

    /// A word in its colour.
    pub(crate) fn tone(self, tone: Tone, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if !self.colored || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Busy => "33",
            Tone::Bad => "31",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// All causes in one line, outermost first, and their hints.
fn explain(error: &anyhow::Error) -> (String, Vec<String>) {
    let (mut causes, mut hints) = (Vec::new(), Vec::new());
    for link in error.chain().map(ToString::to_string) {
        match link.split_once("\nhint: ") {
            Some((cause, hint)) => {
                causes.push(cause.to_owned());
                hints.push(hint.to_owned());
            }
            None => causes.push(link),
        }
    }
    (causes.join(": "), hints)
}

/// The first line of a reason: log lines may follow it.
pub(crate) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn print(text: &str) {
    // Whoever reads may have gone, as in `windlass releases | head`.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn an_error_shows_thing_and_cause_in_one_line_and_the_hint_below() {
        let error = anyhow::anyhow!("connection refused")
            .context("the controller does not answer\nhint: `windlass up` starts it");
        assert_eq!(
            explain(&error),
            (
                "the controller does not answer: connection refused".to_owned(),
                vec!["`windlass up` starts it".to_owned()]
            )
        );
    }
}
