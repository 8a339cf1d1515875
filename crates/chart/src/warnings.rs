//! What Helm says on its standard error while it goes on. Helm 3 writes the place in its source before each line, helm 4
//! writes lines of keys and values; both are met, so that a log is the same whoever renders.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::go::quote::quoted;
use crate::profile::Profile;

type Say = dyn Fn(&str) + Send + Sync;

/// Where warnings go, line by line, as the Helm of the profile prints them. By default nowhere.
#[derive(Clone, Default)]
pub struct Warnings(Option<Arc<Say>>);

impl Warnings {
    /// Warnings that `say` gets, without line ends.
    pub fn by(say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(say)))
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Warnings").field(&self.0.is_some()).finish()
    }
}

/// Who is warned, and in whose words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Warn<'w> {
    warnings: Option<&'w Warnings>,
    profile: Profile,
}

/// What both Helms say, and how.
pub(crate) struct Saying {
    /// The file and line of Helm 3's source; empty where it does not write it.
    pub(crate) place: &'static str,
    pub(crate) helm3: String,
    pub(crate) helm4: Line,
}

/// A line of helm 4's log.
pub(crate) struct Line {
    level: &'static str,
    message: String,
    attributes: Vec<(&'static str, String)>,
}

impl Line {
    pub(crate) fn info(message: impl Into<String>, attributes: Vec<(&'static str, String)>) -> Self {
        Self {
            level: "INFO",
            message: message.into(),
            attributes,
        }
    }

    pub(crate) fn warn(message: impl Into<String>, attributes: Vec<(&'static str, String)>) -> Self {
        Self {
            level: "WARN",
            ..Self::info(message, attributes)
        }
    }

    fn text(&self) -> String {
        let mut line = format!("level={} msg={}", self.level, word(&self.message));
        for (key, value) in &self.attributes {
            let _ = write!(line, " {key}={}", word(value));
        }
        line
    }
}

/// A value as Go's text handler writes it: quoted where it would be read otherwise.
fn word(text: &str) -> String {
    let is_plain = |it: char| !it.is_whitespace() && !it.is_control() && it != '"' && it != '=';
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    quoted(text.as_bytes())
}

impl<'w> Warn<'w> {
    pub(crate) fn new(warnings: &'w Warnings, profile: Profile) -> Self {
        Self {
            warnings: warnings.0.is_some().then_some(warnings),
            profile,
        }
    }

    /// For values that are nobody's render.
    pub(crate) fn nobody(profile: Profile) -> Self {
        Self {
            warnings: None,
            profile,
        }
    }

    pub(crate) fn is_heard(self) -> bool {
        self.warnings.is_some()
    }

    pub(crate) fn profile(self) -> Profile {
        self.profile
    }

    /// Says what both Helms say in the same words.
    pub(crate) fn same(self, place: &'static str, message: impl FnOnce() -> String) {
        self.say(|| {
            let message = message();
            Saying {
                place,
                helm4: Line::info(message.clone(), Vec::new()),
                helm3: message,
            }
        });
    }

    pub(crate) fn say(self, saying: impl FnOnce() -> Saying) {
        let Some(Warnings(Some(say))) = self.warnings else {
            return;
        };
        let saying = saying();
        match self.profile {
            Profile::Helm3 if saying.place.is_empty() => say(&saying.helm3),
            Profile::Helm3 => say(&format!("{}: {}", saying.place, saying.helm3)),
            Profile::Helm4 => say(&saying.helm4.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::{Capabilities, Limits, Options, ReleaseInfo, Value, load_from_files, render_with};

    /// What a render of a chart with these files says.
    fn said(files: &[(&str, &str)], profile: Profile) -> Vec<String> {
        let files = files.iter().map(|it| (it.0.to_owned(), it.1.into())).collect();
        let chart = load_from_files(files, &Limits::default()).unwrap();
        let release = ReleaseInfo {
            name: "r".to_owned(),
            namespace: "default".to_owned(),
            revision: 1,
            is_upgrade: false,
            service: "Helm".to_owned(),
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let mut options = Options::stable(&release, profile);
        options.warnings = Warnings::by(move |line| {
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line.to_owned());
        });
        let capabilities = Capabilities::default();
        render_with(&chart, Value::empty_map(), &release, &capabilities, &options).unwrap();
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }

    /// What both Helms said to the same chart.
    #[test]
    fn warnings_are_those_of_helm() {
        let files = [
            (
                "Chart.yaml",
                "apiVersion: v2\nname: p\nversion: 1.0.0\ndeprecated: true\ndependencies:\n- {name: c, version: 1.0.0, condition: c.enabled, tags: [t], import-values: [gone]}\n",
            ),
            (
                "values.yaml",
                "c: {enabled: text, m: 1, l: {x: 1}}\ntags: {t: 5}\n",
            ),
            ("charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("charts/c/values.yaml", "m: {a: 1}\nl: 2\n"),
            (
                "templates/hook.yaml",
                "kind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: 'crd-install, x'}}\n",
            ),
        ];
        let helm3 = said(&files, Profile::Helm3);
        let helm4 = said(&files, Profile::Helm4);
        assert_eq!(
            helm3,
            [
                "WARNING: This chart is deprecated",
                "coalesce.go:237: warning: skipped value for p.c.l: Not a table.",
                "dependencies.go:95: Warning: Tag 't' for chart c returned non-bool value",
                "dependencies.go:64: Warning: Condition path 'c.enabled' for chart c returned non-bool value",
                "coalesce.go:237: warning: skipped value for p.c.l: Not a table.",
                "dependencies.go:287: Warning: ImportValues missing table: \"exports\" is not a table",
                "coalesce.go:237: warning: skipped value for p.c.l: Not a table.",
                "manifest_sorter.go:199: info: skipping unknown hook: \"crd-install, x\"",
            ]
        );
        assert_eq!(
            helm4,
            [
                "level=WARN msg=\"this chart is deprecated\"",
                "level=INFO msg=\"warning: skipped value for p.c.l: Not a table.\"",
                "level=WARN msg=\"returned non-bool value\" tag=t chart=c",
                "level=WARN msg=\"returned non-bool value\" path=c.enabled chart=c",
                "level=INFO msg=\"warning: skipped value for p.c.l: Not a table.\"",
                "level=WARN msg=\"ImportValues missing table\" error=\"\\\"exports\\\" is not a table\"",
                "level=INFO msg=\"warning: skipped value for p.c.l: Not a table.\"",
                "level=INFO msg=\"skipping unknown hooks\" hookTypes=\"crd-install, x\"",
            ]
        );
    }
}
