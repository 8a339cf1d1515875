//! `windlass helm rollback`: an earlier revision's objects again, as a new revision.

use windlass_chart::release::{Record, Status};
use windlass_kube::Address;

use super::super::flags::{COMMON, Flags};
use super::super::{Stop, print as write, template};
use super::deploy::Ways;
use super::revisions::Revisions;
use super::{APPLY, CHANGE, DryRun, Session, history_max, moment, not_found, warn};
use crate::clock::now_ms;

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, CHANGE, APPLY])?;
    let (name, revision) = match flags.arguments.as_slice() {
        [name] => (name, 0),
        [name, revision] => {
            let read = revision.parse().map_err(|_| {
                Stop::Failed(format!("could not convert revision to a number: \"{revision}\""))
            })?;
            (name, read)
        }
        _ => {
            return Err(Stop::Usage(
                "\"helm rollback\" requires a release, and takes a revision".to_owned(),
            ));
        }
    };
    template::check_name(name)?;
    let (ways, keep) = (Ways::of(&flags)?, history_max(&flags)?);
    let session = Session::open(&flags)?;
    let all = session.wait(session.revisions(name))?;
    let wanted = wanted(&all, revision)?;
    if DryRun::of(&flags)? == DryRun::No {
        session.wait(session.rollback(&all, wanted, ways, keep))?;
    }
    write(b"Rollback was a success! Happy Helming!\n");
    Ok(())
}

/// The revision to go back to: the one that is named, or the one before the last for 0.
fn wanted(all: &Revisions, revision: u32) -> Result<u32, String> {
    let last = all.last().ok_or_else(not_found)?.revision;
    let wanted = if revision == 0 {
        last.saturating_sub(1)
    } else {
        revision
    };
    match all.revision(wanted) {
        Some(_) => Ok(wanted),
        None => Err(format!(
            "release has no {wanted} version\nhint: `windlass helm history RELEASE` lists its revisions"
        )),
    }
}

impl Session {
    /// Makes a new revision that is like an earlier one.
    pub(super) async fn rollback(
        &self,
        all: &Revisions,
        revision: u32,
        ways: Ways,
        keep: usize,
    ) -> Result<(), String> {
        let (Some(current), Some(old)) = (all.last(), all.revision(revision)) else {
            return Err(not_found());
        };
        let mut record = Record {
            revision: current.revision + 1,
            status: Status::PendingRollback,
            description: format!("Rollback to {revision}"),
            first_deployed: current.first_deployed.clone(),
            last_deployed: moment::rfc3339(now_ms()),
            deleted: String::new(),
            apply_method: "ssa".to_owned(),
            ..old.clone()
        };
        self.begin(&record, all, keep).await?;
        let mut made = Vec::new();
        let performed = tokio::select! {
            performed = self.perform_rollback(&mut record, current, ways, &mut made) => performed,
            _ = tokio::signal::ctrl_c() => Err("context canceled".to_owned()),
        };
        if let Err(why) = performed {
            record.status = Status::Failed;
            record.description = format!("Rollback \"{}\" failed: {why}", record.name);
            if let Err(error) = self.update(&record).await {
                warn(&error);
            }
            self.clean_up(&made, ways).await;
            return Err(why);
        }
        for earlier in all.0.iter().filter(|it| it.status == Status::Deployed) {
            let mut earlier = earlier.clone();
            earlier.status = Status::Superseded;
            self.update(&earlier).await?;
        }
        record.status = Status::Deployed;
        self.update(&record).await
    }

    async fn perform_rollback(
        &self,
        record: &mut Record,
        current: &Record,
        ways: Ways,
        made: &mut Vec<Address>,
    ) -> Result<(), String> {
        let timeout = ways.waiting.timeout;
        let before = self.addresses(current).await?;
        let targets = self.targets(record).await?;
        if ways.hooks {
            self.hooks(record, "pre-rollback", timeout).await?;
        }
        self.bring(&targets, &before, ways, made).await?;
        let addresses: Vec<Address> = targets.iter().map(|it| it.0.clone()).collect();
        let ready = self.until_ready(&addresses, ways.waiting).await;
        ready.map_err(|it| format!("release {} failed: {it}", record.name))?;
        if ways.hooks {
            self.hooks(record, "post-rollback", timeout).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_revision_it_goes_back_by_one() {
        let record = |revision| Record {
            revision,
            ..Record::default()
        };
        let all = Revisions::new(vec![record(2), record(4), record(3)]);
        assert_eq!(wanted(&all, 0), Ok(3));
        assert_eq!(wanted(&all, 2), Ok(2));
        assert!(
            wanted(&all, 1)
                .unwrap_err()
                .starts_with("release has no 1 version")
        );
        assert_eq!(
            wanted(&Revisions::default(), 0),
            Err("release: not found".to_owned())
        );
    }
}
