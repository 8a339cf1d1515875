//! Changes of the schema: for each number of [`crate::MIGRATIONS`] a list of database commands. Each may be run again, so two
//! jobs at once, or one that was killed, do no harm.

use mongodb::Collection;
use mongodb::bson::{Document, doc, serialize_to_document};
use mongodb::error::Error;
use serde::{Deserialize, Serialize};
use service_kit::clock::now_ms;
use service_kit::migration::{Migration, Phase};

use super::{Documents, Result, once, own};

/// Number and commands of each change.
pub(super) const COMMANDS: [(i64, &str); 1] = [(1, include_str!("../../migrations/mongodb/0001.json"))];

/// A change that has run.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    #[serde(rename = "_id")]
    number: i64,
    phase: String,
    name: String,
    floor: i64,
    applied_at: i64,
}

impl Documents {
    fn done(&self) -> Collection<Done> {
        self.database.collection("schema_change")
    }

    /// The schema that is there, and the oldest version that it supports.
    pub(crate) async fn found(&self) -> Result<(i64, i64)> {
        let (mut found, mut floor) = (0, 0);
        let mut all = self.done().find(doc! {}).await?;
        while all.advance().await? {
            let done = all.deserialize_current()?;
            found = found.max(done.number);
            floor = floor.max(done.floor);
        }
        Ok((found, floor))
    }

    /// Runs all changes of phases up to and including this one that have not run.
    pub(crate) async fn migrate(&self, phase: Phase, migrations: &[Migration]) -> Result<()> {
        for change in migrations.iter().filter(|change| change.phase <= phase) {
            if self.done().find_one(doc! {"_id": change.number}).await?.is_some() {
                continue;
            }
            for command in commands(change.number)? {
                self.run(command).await?;
            }
            let done = Done {
                number: change.number,
                phase: change.phase.word().to_owned(),
                name: change.name.to_owned(),
                floor: change.floor,
                applied_at: now_ms(),
            };
            once(self.done().insert_one(done).await)?;
        }
        Ok(())
    }

    async fn run(&self, command: Document) -> Result<()> {
        let answer = self.database.run_command(command).await?;
        // A command that writes answers `ok` even when nothing could be written.
        match answer.get("writeErrors") {
            Some(errors) => Err(Error::custom(format!("a change was not written: {errors}"))),
            None => Ok(()),
        }
    }
}

/// The commands of a change.
fn commands(number: i64) -> Result<Vec<Document>> {
    let known = COMMANDS.iter().find(|(of, _)| *of == number);
    let (_, text) = known.ok_or_else(|| Error::custom(format!("no commands for change {number}")))?;
    let list: Vec<serde_json::Value> = serde_json::from_str(text).map_err(own)?;
    list.iter()
        .map(|command| serialize_to_document(command).map_err(own))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_change_has_commands() {
        for change in crate::MIGRATIONS {
            assert!(
                !super::commands(change.number).unwrap().is_empty(),
                "{}",
                change.name
            );
        }
    }
}
