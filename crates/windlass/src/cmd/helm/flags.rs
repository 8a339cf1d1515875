//! Flags in the manner of Helm's command line: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, anywhere.

use std::collections::BTreeMap;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// One text; the last one counts.
    Text,
    /// Any number of texts.
    Many,
    /// Nothing, or a text after an equals sign.
    Optional,
}

/// Long name, short name, and what it takes.
pub(super) type Flag = (&'static str, Option<char>, Takes);

/// A wrong command line.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) String);

/// Flags as they were given, and the other arguments.
#[derive(Debug, Default)]
pub(super) struct Flags {
    texts: BTreeMap<&'static str, Vec<String>>,
    pub(super) arguments: Vec<String>,
}

/// What every command takes.
pub(super) const COMMON: &[Flag] = &[
    ("namespace", Some('n'), Takes::Text),
    ("debug", None, Takes::Switch),
    ("profile", None, Takes::Text),
    ("kube-context", None, Takes::Text),
    ("kubeconfig", None, Takes::Text),
    ("registry-config", None, Takes::Text),
    ("repository-cache", None, Takes::Text),
    ("repository-config", None, Takes::Text),
    ("color", None, Takes::Text),
    ("burst-limit", None, Takes::Text),
    ("qps", None, Takes::Text),
];

/// Values by files and on the command line.
pub(super) const VALUES: &[Flag] = &[
    ("values", Some('f'), Takes::Many),
    ("set", None, Takes::Many),
    ("set-string", None, Takes::Many),
    ("set-json", None, Takes::Many),
    ("set-file", None, Takes::Many),
    ("set-literal", None, Takes::Many),
];

/// Where a chart is found. Only local charts are; the rest is taken so that command lines keep working.
pub(super) const SOURCE: &[Flag] = &[
    ("links-within", None, Takes::Text),
    ("version", None, Takes::Text),
    ("repo", None, Takes::Text),
    ("devel", None, Takes::Switch),
    ("verify", None, Takes::Switch),
    ("keyring", None, Takes::Text),
    ("username", None, Takes::Text),
    ("password", None, Takes::Text),
    ("ca-file", None, Takes::Text),
    ("cert-file", None, Takes::Text),
    ("key-file", None, Takes::Text),
    ("insecure-skip-tls-verify", None, Takes::Switch),
    ("plain-http", None, Takes::Switch),
    ("pass-credentials", None, Takes::Switch),
];

/// The words with the verb in front of the flags that all verbs take: `-n shop list` is `list -n shop`.
pub(super) fn verb_first(words: &[String]) -> Vec<String> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let takes_next = |flag: &&Flag| {
            let short = flag
                .1
                .is_some_and(|it| word.strip_prefix('-') == Some(it.to_string().as_str()));
            short || word.strip_prefix("--") == Some(flag.0)
        };
        at += match COMMON.iter().find(takes_next) {
            Some(flag) if flag.2 != Takes::Switch => 2,
            _ if word.starts_with('-') && !matches!(word.as_str(), "-h" | "--help") => 1,
            _ => break,
        };
    }
    match words.get(at) {
        Some(verb) => [std::slice::from_ref(verb), &words[..at], &words[at + 1..]].concat(),
        None => words.to_vec(),
    }
}

impl Flags {
    /// Reads `words` by the flags of `groups`.
    pub(super) fn read(words: &[String], groups: &[&[Flag]]) -> Result<Self, Wrong> {
        let known: Vec<Flag> = groups.iter().flat_map(|it| it.iter().copied()).collect();
        let mut flags = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                flags.arguments.extend(words.cloned());
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |it| (it.0, Some(it.1)));
                let flag = known.iter().find(|it| it.0 == name);
                let flag = flag.ok_or_else(|| Wrong(format!("unknown flag: --{name}")))?;
                flags.take(*flag, value.map(str::to_owned), &mut words)?;
            } else if let Some(short) = word.strip_prefix('-').filter(|it| !it.is_empty()) {
                flags.short(short, &known, &mut words)?;
            } else {
                flags.arguments.push(word.clone());
            }
        }
        Ok(flags)
    }

    fn short<'w>(
        &mut self,
        letters: &str,
        known: &[Flag],
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Wrong> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let flag = known.iter().find(|it| it.1 == Some(letter));
            let flag =
                flag.ok_or_else(|| Wrong(format!("unknown shorthand flag: '{letter}' in -{letters}")))?;
            if flag.2 == Takes::Switch {
                self.take(*flag, None, words)?;
                continue;
            }
            let attached = rest.as_str();
            let attached = attached.strip_prefix('=').unwrap_or(attached);
            let value = (!attached.is_empty()).then(|| attached.to_owned());
            return self.take(*flag, value, words);
        }
        Ok(())
    }

    fn take<'w>(
        &mut self,
        flag: Flag,
        value: Option<String>,
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Wrong> {
        let (name, _, takes) = flag;
        let value = match (takes, value) {
            (_, Some(value)) => value,
            (Takes::Switch, None) => "true".to_owned(),
            (Takes::Optional, None) => String::new(),
            (Takes::Text | Takes::Many, None) => words
                .next()
                .cloned()
                .ok_or_else(|| Wrong(format!("flag needs an argument: --{name}")))?,
        };
        if takes == Takes::Switch && !matches!(value.as_str(), "true" | "false" | "1" | "0" | "t" | "f") {
            return Err(Wrong(format!(
                "invalid argument \"{value}\" for \"--{name}\" flag: it is true or false"
            )));
        }
        let all = self.texts.entry(name).or_default();
        if takes != Takes::Many {
            all.clear();
        }
        all.push(value);
        Ok(())
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.texts.get(name).and_then(|it| it.last()).map(String::as_str)
    }

    pub(super) fn many(&self, name: &str) -> &[String] {
        self.texts.get(name).map_or(&[], Vec::as_slice)
    }

    /// Values of a flag that may be given often and separated by commas.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let all = self.many(name).iter().flat_map(|it| it.split(','));
        all.filter(|it| !it.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.one(name), Some("true" | "1" | "t"))
    }

    /// Whether the flag was given at all.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.texts.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn flags_come_in_all_of_helms_forms() {
        let words =
            words("name chart -f a.yaml -fb.yaml --values=c.yaml --set x=1,y=2 --debug --devel=false -n ns");
        let flags = Flags::read(&words, &[COMMON, VALUES, SOURCE]).unwrap();
        assert_eq!(flags.arguments, ["name", "chart"]);
        assert_eq!(flags.many("values"), ["a.yaml", "b.yaml", "c.yaml"]);
        assert_eq!(flags.one("set"), Some("x=1,y=2"));
        assert!(flags.is_on("debug") && !flags.is_on("devel"));
        assert_eq!(flags.one("namespace"), Some("ns"));
    }

    #[test]
    fn flags_of_all_verbs_may_come_before_the_verb() {
        let check = |text: &str, expected: &str| {
            assert_eq!(verb_first(&words(text)), words(expected), "{text}");
        };
        check("-n shop list -q", "list -n shop -q");
        check(
            "--namespace=shop --debug get values web",
            "get --namespace=shop --debug values web",
        );
        check("--kube-context kind list", "list --kube-context kind");
        check("list -n shop", "list -n shop");
        check("--help", "--help");
        check("-n shop", "-n shop");
    }

    #[test]
    fn unknown_flags_are_errors() {
        let wrong = Flags::read(&words("chart --nope"), &[COMMON]).unwrap_err();
        assert_eq!(wrong.0, "unknown flag: --nope");
        assert!(Flags::read(&words("chart -z"), &[COMMON]).is_err());
        assert!(Flags::read(&words("chart -n"), &[COMMON]).is_err());
    }
}
