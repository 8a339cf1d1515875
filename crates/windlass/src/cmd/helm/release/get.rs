//! `windlass helm get`: what the record of a release holds.

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, print as write, profile};
use super::print::{self, Form, Shown};
use super::{OUTPUT, Session, chart, number};

const OWN: &[Flag] = &[("all", Some('a'), Takes::Switch), ("revision", None, Takes::Text)];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OUTPUT, OWN])?;
    let [what, name] = flags.arguments.as_slice() else {
        return Err(Stop::Usage(
            "\"helm get\" requires what to get (all, hooks, manifest, metadata, notes, values) and a release"
                .to_owned(),
        ));
    };
    if !["all", "hooks", "manifest", "metadata", "notes", "values"].contains(&what.as_str()) {
        return Err(Stop::Usage(format!(
            "get {what}: it is all, hooks, manifest, metadata, notes or values"
        )));
    }
    super::super::template::check_name(name)?;
    let (form, revision, profile) = (Form::of(&flags)?, number(&flags, "revision")?, profile(&flags)?);
    let session = Session::open(&flags)?;
    let record = session.wait(session.record(name, revision))?;
    let text = match what.as_str() {
        "hooks" => print::hooks(&record),
        "manifest" => format!("{}\n", record.manifest),
        "notes" if record.notes.is_empty() => String::new(),
        "notes" => format!("NOTES:\n{}\n", record.notes),
        "metadata" => {
            let (document, lines) = print::metadata(&record, &session.wait(session.labels(&record))?);
            form.text(&document, || lines)
        }
        "values" => {
            let (title, values) = if flags.is_on("all") {
                ("COMPUTED VALUES:", chart::computed(&record, profile)?.to_json())
            } else {
                ("USER-SUPPLIED VALUES:", print::config(&record))
            };
            form.text(&values, || {
                format!("{title}\n{}", Form::Yaml.text(&values, String::new))
            })
        }
        _ => {
            let computed = chart::computed(&record, profile)?;
            let shown = Shown {
                chart: true,
                notes: true,
                all: true,
            };
            print::status(&record, shown, Some(&computed))
        }
    };
    write(text.as_bytes());
    Ok(())
}
