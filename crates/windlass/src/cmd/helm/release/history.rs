//! `windlass helm history`: the revisions of a release.

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, print as write};
use super::print::{self, Form};
use super::{OUTPUT, Session, not_found, number, one_name};

const OWN: &[Flag] = &[("max", None, Takes::Text)];
/// Revisions of one answer, unless told otherwise.
const MAX: usize = 256;

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OUTPUT, OWN])?;
    let name = one_name(&flags, "history")?;
    let (form, max) = (Form::of(&flags)?, number(&flags, "max")?.unwrap_or(MAX));
    let session = Session::open(&flags)?;
    let all = session.wait(session.revisions(&name))?.0;
    if all.is_empty() {
        return Err(Stop::Failed(not_found()));
    }
    let last = &all[all.len().saturating_sub(max)..];
    let (document, table) = print::history(last);
    write(form.text(&document, || table).as_bytes());
    Ok(())
}
