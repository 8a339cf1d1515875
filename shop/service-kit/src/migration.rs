//! Changes of a schema in three phases, so that two versions of a service can use it at the same time.
//!
//! *expand* only adds, *backfill* fills what was added, *contract* takes away what no running version needs any more. A
//! version works with every schema from its `min` on, also with newer ones, until a contract phase has put the `floor` above it.

use crate::{SchemaRange, Settings};

/// When a change may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the new version starts; the old one goes on.
    Expand,
    /// While both run.
    Backfill,
    /// In a later release, when no version below `floor` runs or may come back.
    Contract,
}

impl Phase {
    /// The word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Contract => "contract",
        }
    }

    /// The phase of that name.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Expand, Self::Backfill, Self::Contract]
            .into_iter()
            .find(|phase| phase.word() == word)
    }
}

/// One change.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Place in the order; never reused.
    pub number: i64,
    /// When it may run.
    pub phase: Phase,
    /// What it is for.
    pub name: &'static str,
    /// Statements for SQLite, run in one transaction.
    pub sql: &'static str,
    /// The same for PostgreSQL, of a service that can use it.
    pub postgres: Option<&'static str>,
    /// Of a contract phase: the oldest `max` of a version that still works afterwards.
    pub floor: i64,
}

/// The schemas that a version knows.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What it can work with.
    pub range: SchemaRange,
    /// All changes, in order.
    pub migrations: &'static [Migration],
    /// The variable that gives the address of its database.
    pub variable: &'static str,
    /// How addresses of stores begin that are no SQL databases, and that the service handles by itself.
    pub elsewhere: &'static [&'static str],
    /// Whether a commit waits until the disk has it. Without, a power cut may lose the last moments (a crash of the process loses nothing).
    pub synchronous: bool,
}

impl Schema {
    /// The address of the store when it is one that the service handles by itself.
    pub fn elsewhere<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        let begins = |url: &&str| self.elsewhere.iter().any(|scheme| url.starts_with(scheme));
        settings.get(self.variable).filter(begins)
    }

    /// The forms that the variable may have in this build.
    pub(crate) fn forms(&self) -> String {
        let postgres = "postgres://user:password@host:port/database";
        let mut forms = vec!["sqlite:/path/file.db".to_owned()];
        if self.knows_postgres() {
            forms.push(postgres.to_owned());
        }
        forms.extend(self.elsewhere.iter().map(|scheme| format!("{scheme}//host:port")));
        format!(
            "{} (other stores need a build with their cargo feature)",
            forms.join(" or ")
        )
    }

    pub(crate) fn knows_postgres(&self) -> bool {
        cfg!(feature = "postgres") && self.migrations.iter().all(|change| change.postgres.is_some())
    }
}

impl SchemaRange {
    /// Why a database with these numbers cannot be used, if it cannot.
    pub fn refuses(self, found: i64, floor: i64) -> Option<String> {
        if found < self.min {
            return Some(format!(
                "schema {found}, needs {}: run `migrate expand`",
                self.min
            ));
        }
        (floor > self.max).then(|| {
            format!(
                "schema {found} supports versions from {floor} on, this one knows {}",
                self.max
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_is_fine_until_it_is_contracted() {
        let range = SchemaRange { min: 2, max: 3 };
        let cases = [
            (0, 0, false),
            (1, 0, false),
            (2, 0, true),
            (3, 1, true),
            (9, 3, true),
            (9, 4, false),
        ];
        for (found, floor, fine) in cases {
            assert_eq!(
                range.refuses(found, floor).is_none(),
                fine,
                "schema {found}, floor {floor}"
            );
        }
        assert_eq!(
            range.refuses(0, 0).unwrap(),
            "schema 0, needs 2: run `migrate expand`"
        );
    }
}
