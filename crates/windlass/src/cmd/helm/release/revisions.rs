//! What follows from the revisions of a release: which is in force, which may go. It asks nobody.

use windlass_chart::release::{Record, Status};

/// Revisions of one release, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Revisions(pub(super) Vec<Record>);

impl Revisions {
    pub(super) fn new(mut records: Vec<Record>) -> Self {
        records.sort_by_key(|it| it.revision);
        Self(records)
    }

    pub(super) fn last(&self) -> Option<&Record> {
        self.0.last()
    }

    /// The latest one in force.
    pub(super) fn deployed(&self) -> Option<&Record> {
        self.0.iter().rev().find(|it| it.status == Status::Deployed)
    }

    pub(super) fn revision(&self, revision: u32) -> Option<&Record> {
        self.0.iter().find(|it| it.revision == revision)
    }

    /// The latest one that is or was in force.
    pub(super) fn last_good(&self) -> Option<&Record> {
        let good = |it: &&Record| matches!(it.status, Status::Deployed | Status::Superseded);
        self.0.iter().rev().find(good)
    }

    /// What an upgrade starts from, or why there can be none.
    pub(super) fn base(&self, name: &str) -> Result<&Record, String> {
        let none = || format!("\"{name}\" has no deployed releases");
        let last = self.last().ok_or_else(none)?;
        if last.status.is_pending() {
            return Err(UNDER_WAY.to_owned());
        }
        if let Some(deployed) = self.deployed() {
            return Ok(deployed);
        }
        match last.status {
            Status::Failed | Status::Superseded => Ok(last),
            Status::Unknown
            | Status::Deployed
            | Status::Uninstalled
            | Status::Uninstalling
            | Status::PendingInstall
            | Status::PendingUpgrade
            | Status::PendingRollback => Err(none()),
        }
    }

    /// The oldest revisions that must go so that at most `keep` stay; never the one in force. Nothing goes for 0.
    pub(super) fn surplus(&self, keep: usize) -> Vec<u32> {
        if keep == 0 {
            return Vec::new();
        }
        let in_force = self.deployed().map(|it| it.revision);
        let others = self.0.iter().map(|it| it.revision);
        let others = others.filter(|it| Some(*it) != in_force);
        others.take(self.0.len().saturating_sub(keep)).collect()
    }
}

/// Helm's words for a release that somebody else is working on.
pub(super) const UNDER_WAY: &str = "another operation (install/upgrade/rollback) is in progress\nhint: `windlass helm history RELEASE` shows which; where whoever began it is gone, `windlass helm rollback RELEASE` ends it";

#[cfg(test)]
mod tests {
    use super::*;

    fn revisions(statuses: &[Status]) -> Revisions {
        let records = statuses.iter().zip(1..).map(|(status, revision)| Record {
            revision,
            status: *status,
            ..Record::default()
        });
        let mut records: Vec<Record> = records.collect();
        records.reverse();
        Revisions::new(records)
    }

    #[test]
    fn an_upgrade_starts_from_what_is_in_force_else_from_the_last_that_failed() {
        use Status::{Deployed, Failed, PendingUpgrade, Superseded, Uninstalled};
        let base = |statuses: &[Status]| revisions(statuses).base("shop").map(|it| it.revision);
        assert_eq!(base(&[Superseded, Deployed, Failed]), Ok(2));
        assert_eq!(base(&[Failed]), Ok(1));
        assert_eq!(base(&[Superseded, Failed]), Ok(2));
        let none = Err("\"shop\" has no deployed releases".to_owned());
        assert_eq!(base(&[]), none);
        assert_eq!(base(&[Uninstalled]), none);
        assert!(
            base(&[Deployed, PendingUpgrade])
                .unwrap_err()
                .starts_with("another operation")
        );
    }

    #[test]
    fn the_oldest_go_but_never_what_is_in_force() {
        use Status::{Deployed, Failed, Superseded};
        let revisions = revisions(&[Superseded, Deployed, Failed, Failed]);
        assert_eq!(revisions.surplus(0), Vec::<u32>::new());
        assert_eq!(revisions.surplus(9), Vec::<u32>::new());
        assert_eq!(revisions.surplus(3), [1]);
        assert_eq!(revisions.surplus(2), [1, 3]);
        assert_eq!(revisions.surplus(1), [1, 3, 4]);
        assert_eq!(revisions.last_good().map(|it| it.revision), Some(2));
    }
}
