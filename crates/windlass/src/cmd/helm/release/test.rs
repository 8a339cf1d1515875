//! `windlass helm test`: runs the tests of a release, which are hooks.

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, complain, print as write};
use super::print::{self, Form, Shown};
use super::{OUTPUT, Session, Waiting, hooks, one_name};

const OWN: &[Flag] = &[
    ("filter", None, Takes::Many),
    ("logs", None, Takes::Switch),
    ("timeout", None, Takes::Text),
];

/// Which tests of a release.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    only: Vec<String>,
    without: Vec<String>,
}

impl Filter {
    fn of(flags: &Flags) -> Self {
        let mut filter = Self::default();
        for term in flags.list("filter") {
            if let Some(name) = term.strip_prefix("name=") {
                filter.only.push(name.to_owned());
            } else if let Some(name) = term.trim_start_matches('!').trim_start().strip_prefix("name=") {
                filter.without.push(name.to_owned());
            }
        }
        filter
    }

    fn takes(&self, name: &str) -> bool {
        let has = |all: &[String]| all.iter().any(|it| it == name);
        !has(&self.without) && (self.only.is_empty() || has(&self.only))
    }
}

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OUTPUT, OWN])?;
    let name = one_name(&flags, "test")?;
    let (form, filter, timeout) = (
        Form::of(&flags)?,
        Filter::of(&flags),
        Waiting::of(&flags)?.timeout,
    );
    let session = Session::open(&flags)?;
    let mut record = session.wait(session.record(&name, None))?;
    let ran = session.wait(async {
        let ran = session
            .hooks_where(&mut record, "test", timeout, |it| filter.takes(it))
            .await;
        session.update(&record).await?;
        Ok(ran)
    })?;
    let text = form.text(&print::release(&record, true), || {
        print::status(&record, Shown::default(), None)
    });
    write(text.as_bytes());
    if flags.is_on("logs") {
        write(b"\n");
        for (at, test) in record.hooks.iter().enumerate() {
            let Some(hook) = test
                .hook
                .as_ref()
                .filter(|it| it.events.iter().any(|it| it == "test"))
            else {
                continue;
            };
            if !filter.takes(&hook.name) {
                continue;
            }
            let namespace = hooks::namespace_of(&record, at);
            match session
                .runtime
                .block_on(session.cluster.written(&namespace, "", &hook.name))
            {
                Ok(logs) => {
                    for (pod, text) in logs {
                        write(format!("POD LOGS: {pod}\n{text}\n").as_bytes());
                    }
                }
                Err(refusal) => complain(&format!("the log of {} cannot be read: {refusal}\n", hook.name)),
            }
        }
    }
    Ok(ran?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_chosen_by_name() {
        let filter = |text: &str| {
            let words = [format!("--filter={text}")];
            Filter::of(&Flags::read(&words, &[OWN]).unwrap())
        };
        assert!(filter("name=a,name=b").takes("b") && !filter("name=a").takes("b"));
        assert!(filter("!name=a").takes("b") && !filter("!name=a").takes("a"));
    }
}
