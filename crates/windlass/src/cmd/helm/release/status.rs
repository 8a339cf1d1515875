//! `windlass helm status`: how a release is.

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, print as write};
use super::print::{self, Form, Shown};
use super::{OUTPUT, Session, number, one_name};

const OWN: &[Flag] = &[
    ("revision", None, Takes::Text),
    ("show-desc", None, Takes::Switch),
    ("show-resources", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OUTPUT, OWN])?;
    let name = one_name(&flags, "status")?;
    let (form, revision) = (Form::of(&flags)?, number(&flags, "revision")?);
    let session = Session::open(&flags)?;
    let record = session.wait(session.record(&name, revision))?;
    let shown = Shown {
        notes: true,
        ..Shown::default()
    };
    let text = form.text(&print::release(&record, false), || {
        print::status(&record, shown, None)
    });
    write(text.as_bytes());
    Ok(())
}
